"""Reverse mode: a tape of every op, and the walk back along it. (PyTorch's autograd engine.)"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from aisys_lab.autodiff.tensor import MODES, VJP, Joint, Mode, Tensor, inside
from aisys_lab.core import LabError
from aisys_lab.ir import OPS, bind, explain, spec_of

_resting = ContextVar("resting", default=False)


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

    def variable(self, value):
        """A tensor by which to differentiate."""
        self.hold(value)
        return self._entry(None, (), (), value, {})

    def bind(self, op, inputs, attrs):
        """Computes, and writes an entry where a rule says how to come back."""
        parents, values, outer = [], [], False
        for x in inputs:
            if type(x) is Tensor:
                if x.mode is self:
                    parents.append(x.note)
                    x = x.value
                    outer = outer or type(x) is Tensor
                else:
                    parents.append(None)
                    outer = True
            else:
                parents.append(None)
                if type(x) is np.ndarray and x.flags.writeable:
                    self.hold(x)
            values.append(x)
        if "body" in attrs and op not in VJP:
            return inside(inputs, attrs)
        rules = VJP[op]
        out = bind(op, *values, **attrs) if outer else compute(op, values, attrs)
        if rules is None or _resting.get():
            return out
        return self._entry(op, parents, values, out, attrs)

    def _entry(self, op, parents, values, out, attrs):
        tape, first = self.tape, len(self.tape)
        tape.append((op, parents, values, out, attrs))
        if type(out) is not tuple:
            return Tensor(out, self, first)
        tape.extend([(None, (), (), None, {})] * (len(out) - 1))
        return tuple(Tensor(x, self, first + i) for i, x in enumerate(out))

    def hold(self, array):
        """Locks a saved array while the function runs: changing it in place raises there."""
        if type(array) is np.ndarray and array.flags.writeable:
            array.flags.writeable = False
            self.held.append(array)

    def release(self):
        """Gives the arrays back, and returns them."""
        for array in self.held:
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
        for index in range(len(tape) - 1, -1, -1):
            op, parents, values, out, attrs = tape.pop()
            if op is None:
                continue
            g = waiting[index]
            if type(out) is tuple:
                g = _together(waiting[index:index + len(out)], out)
            if g is not None:
                waiting[index] = None
                self._push(op, parents, waiting, (g, out, *values), attrs)
        return [waiting[x.note] for x in variables]

    def _push(self, op, parents, waiting, given, attrs):
        """Adds to each parent its gradient, by the op's rules on ``given``: g, out, inputs."""
        rules = VJP[op]
        if type(rules) is Joint:
            parts = rules.rule(*given, **attrs)
        for k, parent in enumerate(parents):
            if parent is None:
                continue
            if type(rules) is tuple:
                rule = rules[k]
                part = None if rule is None else rule(*given, **attrs)
            elif type(rules) is Joint:
                part = parts[k]
            else:
                part = rules(k)(*given, **attrs)
            if part is None:
                continue
            x = given[k + 2]
            if part.shape != x.shape:
                part = fitted(op, k, part, x)
            before = waiting[parent]
            waiting[parent] = part if before is None else before + part


def add_to(waiting, position, g):
    waiting[position] = g if waiting[position] is None else waiting[position] + g


def compute(op, values, attrs):
    """The op on arrays and numbers; a sentence where NumPy refuses."""
    try:
        return OPS[op].eval(*values, **attrs)
    except (ValueError, TypeError, OverflowError) as error:
        raise explain(op, values, attrs, error) from None


def fitted(op, k, part, x):
    """A gradient at the shape of its input: broadcasting of elementwise ops is undone here."""
    from aisys_lab.autodiff.rules.broadcasting import unbroadcast
    if OPS[op].kind == "elementwise":
        part = unbroadcast(part, x)
    if part.shape != x.shape:
        raise LabError(f"the vjp rule of {op} gives {spec_of(part)} for input {k}, which is "
                       f"{spec_of(x)}; a gradient has the shape of its input.")
    return part


def _together(gs, out):
    """One gradient a result; zeros for results that nothing waits for. None if nothing does."""
    from aisys_lab.autodiff import numpy as anp
    if all(g is None for g in gs):
        return None
    return tuple(anp.zeros_like(x) if g is None else g for g, x in zip(gs, out, strict=True))
