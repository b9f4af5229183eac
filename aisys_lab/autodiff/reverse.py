"""Reverse mode: a tape of every op, and the walk back along it. (PyTorch's autograd engine.)"""

import numpy as np

from aisys_lab.autodiff.tensor import MODES, VJP, Joint, Mode, Tensor, inside, resting
from aisys_lab.core import SLOTS, LabError
from aisys_lab.ir import OPS, bind, explain, spec_of

_NO_ATTRS = {}


@MODES.row("reverse")
class Reverse(Mode):
    """Keeps a tape: (op, parents, values, out, attrs) of every op, parents as tape positions.

    A tensor's note is its position. An op with several results takes as many positions.
    """

    name = "reverse mode"

    def __init__(self):
        super().__init__()
        self.tape = []
        self.outer = False  # whether values may be tensors of another mode

    def variable(self, value):
        """A tensor by which to differentiate."""
        self.save(value)
        self.outer = self.outer or type(value) is Tensor
        self.tape.append((None, (), (), value, _NO_ATTRS))
        return Tensor(value, self, len(self.tape) - 1)

    def bind(self, op, inputs, attrs):
        """Computes, and writes an entry where a rule says how to come back."""
        if attrs and "body" in attrs and op not in VJP:
            return inside(inputs, attrs)
        parents, values = [], []
        for x in inputs:
            if type(x) is Tensor:
                if x.mode is self:
                    parents.append(x.note)
                    values.append(x.value)
                    continue
                self.outer = True
            elif type(x) is np.ndarray and x.flags.writeable:
                self.save(x)
            parents.append(None)
            values.append(x)
        if self.outer:
            out = bind(op, *values, **attrs)
        else:
            row = OPS[op]
            run = row.fast or row.eval
            try:
                out = run(*values, **attrs) if attrs else run(*values)
            except (ValueError, TypeError, OverflowError) as error:
                raise explain(op, values, attrs, error) from None
        if VJP[op] is None or resting() > self.level:
            return out
        tape = self.tape
        tape.append((op, parents, values, out, attrs))
        if type(out) is tuple:
            return self._several(out)
        return Tensor(out, self, len(tape) - 1)

    def _several(self, out):
        """A tensor a result; each has a position, the first that of the entry itself."""
        self.own(out)
        self.outer = self.outer or any(type(x) is Tensor for x in out)
        first = len(self.tape) - 1
        self.tape.extend([(None, (), (), None, _NO_ATTRS)] * (len(out) - 1))
        return tuple(Tensor(x, self, first + i) for i, x in enumerate(out))

    def gradients(self, seeds, variables):
        """A gradient (or None) of each variable; ``seeds`` are pairs (output, its gradient).

        ``once`` lets the walk drop each entry as it passes, so that memory falls on the way.
        """
        tape = self.tape if self.once else self.tape.copy()
        waiting = [None] * len(tape)
        for out, g in seeds:
            if type(out) is Tensor and out.mode is self:
                add_to(waiting, out.note, g)
        while tape:
            op, parents, values, out, attrs = tape.pop()
            if op is None:
                continue
            here = len(tape)
            g = waiting[here]
            if type(out) is tuple:
                g = _together(waiting[here:here + len(out)], out)
            if g is not None:
                waiting[here] = None
                _push(waiting, parents, op, g, out, values, attrs)
        return [waiting[x.note] for x in variables]


def pull_back(op, g, out, values, attrs, wanted):
    """The gradient of each input of an op, by its row in VJP; None where it is zero, or where
    the input's place in ``wanted`` holds None."""
    parts = [None] * len(values)
    places = [None if want is None else k for k, want in enumerate(wanted)]
    _push(parts, places, op, g, out, values, attrs)
    return parts


def _push(waiting, parents, op, g, out, values, attrs):
    """Adds to the gradients that wait at the places of an op's inputs; None needs no gradient."""
    rules = VJP[op]
    if type(rules) is not tuple:
        rules = _each(rules, g, out, values, attrs)
    if len(rules) != len(parents):
        raise LabError(f"the vjp row of {op} has {len(rules)} rules for {len(parents)} inputs.")
    k = 0
    for parent in parents:
        if parent is not None and rules[k] is not None:
            part = rules[k](g, out, *values, **attrs) if attrs else rules[k](g, out, *values)
            if part.shape != values[k].shape:
                part = fitted(op, part, values[k])
            before = waiting[parent]
            waiting[parent] = part if before is None else before + part  # as add_to does
        k += 1  # noqa: SIM113 (enumerate makes a pair a turn)


def add_to(waiting, place, g):
    """Adds to the gradient that waits at a place: every use of a value adds its share."""
    before = waiting[place]
    waiting[place] = g if before is None else before + g


def _each(rules, g, out, values, attrs):
    """One rule an input, of a row that is a function of the place, or one rule for all."""
    if type(rules) is not Joint:
        return [rules(k) for k in range(len(values))]
    parts = rules.rule(g, out, *values, **attrs)
    return [None if part is None else lambda *_, part=part, **__: part for part in parts]


def fitted(op, part, x):
    """A gradient at the shape of its input: broadcasting of elementwise ops is undone here."""
    if OPS[op].kind == "elementwise":
        part = SLOTS["autodiff.unbroadcast"](part, x)
    if part.shape != x.shape:
        raise LabError(f"the vjp rule of {op} gives {spec_of(part)} for an input that is "
                       f"{spec_of(x)}; a gradient has the shape of its input.")
    return part


def _together(gs, out):
    """One gradient a result; zeros for results that nothing waits for. None if nothing does."""
    from aisys_lab.autodiff import numpy as anp
    if all(g is None for g in gs):
        return None
    return tuple(anp.zeros_like(x) if g is None else g for g, x in zip(gs, out, strict=True))
