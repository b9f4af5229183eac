"""Reverse mode: a tape of every op, and the walk back along it. (PyTorch's autograd engine.)"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from aisys_lab.autodiff.tensor import MODES, VJP, Joint, Mode, Tensor, inside
from aisys_lab.core import LabError
from aisys_lab.ir import OPS, bind, explain, spec_of

_resting = ContextVar("resting", default=False)
_NO_ATTRS = {}


@contextmanager
def no_grad():
    """``with no_grad():`` what is computed inside is a constant to every derivative around it."""
    token = _resting.set(True)
    try:
        yield
    finally:
        _resting.reset(token)


def resting():
    """Whether the program is inside ``no_grad``."""
    return _resting.get()


@MODES.row("reverse")
class Reverse(Mode):
    """Keeps a tape: (op, parents, values, out, attrs) of every op, parents as tape positions.

    A tensor's note is its position. An op with several results takes as many positions.
    """

    name = "reverse mode"

    def __init__(self):
        super().__init__()
        self.tape, self.held = [], []
        self.outer = False  # whether values may be tensors of another mode

    def variable(self, value):
        """A tensor by which to differentiate."""
        self.hold(value)
        self.outer = self.outer or type(value) is Tensor
        self.tape.append((None, (), (), value, _NO_ATTRS))
        return Tensor(value, self, len(self.tape) - 1)

    def bind(self, op, inputs, attrs):
        """Computes, and writes an entry where a rule says how to come back."""
        if "body" in attrs and op not in VJP:
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
                self.hold(x)
            parents.append(None)
            values.append(x)
        if self.outer:
            out = bind(op, *values, **attrs)
        else:
            try:
                out = OPS[op].eval(*values, **attrs)
            except (ValueError, TypeError, OverflowError) as error:
                raise explain(op, values, attrs, error) from None
        if VJP[op] is None or _resting.get():
            return out
        tape = self.tape
        tape.append((op, parents, values, out, attrs))
        if type(out) is tuple:
            return self._several(out)
        return Tensor(out, self, len(tape) - 1)

    def _several(self, out):
        """A tensor a result; each has a position, the first that of the entry itself."""
        if any(type(x) is Tensor and x.mode is self for x in out):
            raise LabError("a function with rules of its own uses a tensor from outside; pass it "
                           "as an argument.")
        first = len(self.tape) - 1
        self.tape.extend([(None, (), (), None, _NO_ATTRS)] * (len(out) - 1))
        return tuple(Tensor(x, self, first + i) for i, x in enumerate(out))

    def hold(self, array):
        """Locks a saved array while the function runs: changing it in place raises there.

        Memory that another library lends (PyTorch's, say) stays open: NumPy could not reopen it.
        """
        if type(array) is np.ndarray and array.flags.writeable \
                and isinstance(array.base, np.ndarray | None):
            array.flags.writeable = False
            self.held.append(array)

    def release(self):
        """Gives the arrays back, owners before their views, and returns them."""
        for array in sorted(self.held, key=lambda array: array.base is not None):
            array.flags.writeable = True
        return self.held

    def gradients(self, seeds, variables, once=False):
        """Gradients of variables, given ``seeds``: pairs (output, its incoming gradient).

        ``once`` drops each entry as it is passed, so that memory falls along the way back.
        """
        tape = self.tape if once else self.tape.copy()
        waiting = [None] * len(tape)
        for out, g in seeds:
            if type(out) is Tensor and out.mode is self:
                add_to(waiting, out.note, g)
        while tape:
            op, parents, values, out, attrs = tape.pop()
            if op is None:
                continue
            here = len(tape)
            if type(out) is tuple:
                waiting[here] = _together(waiting[here:here + len(out)], out)
            g = waiting[here]
            if g is not None:
                waiting[here] = None
                _push(op, parents, waiting, g, out, values, attrs)
        return [waiting[x.note] for x in variables]


def _push(op, parents, waiting, g, out, values, attrs):
    """Adds to the gradient of each parent what the op's rules say."""
    rules = VJP[op]
    if type(rules) is Joint:
        parts = rules.rule(g, out, *values, **attrs)
        rules = [lambda *_, part=part, **__: part for part in parts]
    elif type(rules) is not tuple:
        rules = [rules(k) for k in range(len(parents))]
    if len(rules) != len(parents):
        raise LabError(f"the vjp row of {op} has {len(rules)} rules for {len(parents)} inputs.")
    for parent, rule, x in zip(parents, rules, values, strict=True):
        if parent is None or rule is None:
            continue
        part = rule(g, out, *values, **attrs)
        if part is None:
            continue
        if part.shape != x.shape:
            part = fitted(op, part, x)
        before = waiting[parent]
        waiting[parent] = part if before is None else before + part


def add_to(waiting, position, g):
    waiting[position] = g if waiting[position] is None else waiting[position] + g


def fitted(op, part, x):
    """A gradient at the shape of its input: broadcasting of elementwise ops is undone here."""
    from aisys_lab.autodiff.rules.broadcasting import unbroadcast
    if OPS[op].kind == "elementwise":
        part = unbroadcast(part, x)
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
