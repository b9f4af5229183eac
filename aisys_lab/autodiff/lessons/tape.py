"""A Wengert list: every operation is a line of the tape; gradients come by reading it backwards."""

from dataclasses import dataclass, field

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.core.text import table
from aisys_lab.ir import Spec, spec_of


def _sum_to(x, shape, of):
    kept = (1,) * (len(of) - len(shape)) + shape
    axes = tuple(i for i, n in enumerate(kept) if n != of[i])
    return np.sum(x, axes, keepdims=True).reshape(shape)


# one row an op: compute; what to keep (inputs x and y, result o); gradient of each input from it
RULES = {
    "add": (np.add, "", lambda g: (g, g)),
    "sub": (np.subtract, "", lambda g: (g, -g)),
    "neg": (np.negative, "", lambda g: (-g,)),
    "mul": (np.multiply, "xy", lambda g, x, y: (g * y, g * x)),
    "div": (np.divide, "yo", lambda g, y, o: (g / y, -g * o / y)),
    "exp": (np.exp, "o", lambda g, o: (g * o,)),
    "log": (np.log, "x", lambda g, x: (g / x,)),
    "tanh": (np.tanh, "o", lambda g, o: (g * (1.0 - o * o),)),
    "relu": (lambda x: np.maximum(x, 0.0), "o", lambda g, o: (g * (o > 0),)),
    "matmul": (np.matmul, "xy", lambda g, x, y: (g @ y.T, x.T @ g)),  # of matrices
    "transpose": (np.transpose, "", lambda g: (g.T,)),
    "sum": (_sum_to, "", lambda g, shape, of: (apply("spread", g, shape=of, of=shape),)),
    "spread": (lambda x, shape, of: np.broadcast_to(x, shape), "",
               lambda g, shape, of: (sum_to(g, of),)),
    "overwrite": (lambda x, rest: x * rest, "", lambda g, rest: (g * rest,)),
}


@dataclass(frozen=True)
class Line:
    """``op`` of ``inputs``: slots as whole numbers, constants as floats and arrays."""

    op: str
    inputs: tuple
    spec: Spec
    kept: tuple = ()  # pairs (value that the rule needs, its version when it was used)
    attrs: dict = field(default_factory=dict)


class Tape:
    """The list of all that was computed, line by line."""

    def __init__(self):
        self.lines = []

    def __str__(self):
        rows = [(" ".join([f"v{slot} =", line.op, *map(_word, line.inputs)]), str(line.spec))
                for slot, line in enumerate(self.lines)]
        return table(rows, align="ll")

    __repr__ = __str__

    def input(self, array):
        """A new variable: a copy of the array."""
        return self.write("input", (), np.array(array))

    def write(self, op, inputs, array, **attrs):
        """Adds a line; returns its variable."""
        out = Var(self, len(self.lines), array)
        named = {**dict(zip("xy", inputs, strict=False)), "o": out}
        kept = [named[letter] for letter in RULES[op][1]] if op in RULES else []
        pairs = tuple((x, x.version) if isinstance(x, Var) else (_constant(x), 0) for x in kept)
        slots = tuple(x.slot if isinstance(x, Var) else _constant(x) for x in inputs)
        self.lines.append(Line(op, slots, spec_of(array), pairs, attrs))
        return out

    def gradients(self, out, inputs, record=False):
        """The gradient of ``out``, one number, by each of the inputs.

        ``record`` writes the walk on the tape too, so that it can be differentiated again.
        """
        if out.shape:
            raise LabError(f"gradients: v{out.slot} is {spec_of(out.array)}; it should be one "
                           f"number, as sum_to(v{out.slot}) is.")
        waiting = {out.slot: np.ones((), out.array.dtype)}
        for slot in range(out.slot, -1, -1):
            if slot in waiting:
                for x, g in self.pull(slot, waiting[slot], record):
                    waiting[x] = waiting[x] + g if x in waiting else g  # fan-out: paths add up
        return [waiting.get(x.slot, np.zeros_like(x.array)) for x in inputs]

    def pull(self, slot, g, record=False):
        """``(slot, gradient)`` of each variable that a line reads, given the line's own."""
        line = self.lines[slot]
        if line.op == "input":
            return
        kept = [_as_it_was(slot, line.op, *pair, record) for pair in line.kept]
        parts = RULES[line.op][2](g, *kept, **line.attrs)
        for x, part in zip(line.inputs, parts, strict=True):
            if isinstance(x, int):
                yield x, sum_to(part, self.lines[x].spec.shape)  # broadcasting undone


def _as_it_was(slot, op, value, version, record):
    """The kept value. (PyTorch guards its saved tensors by such version counters.)"""
    if not isinstance(value, Var):
        return value
    if value.version != version:
        raise LabError(f"v{slot} = {op} needs a value that was written in place since (it is now "
                       f"v{value.slot}); take gradients before that, or write in a copy.")
    return value if record else value.array


class Var:
    """An array on a tape: its line there, and how often it was written in place."""

    __array_ufunc__ = None  # so that array * variable comes to us

    def __init__(self, tape, slot, array):
        self.tape, self.slot, self.array, self.version = tape, slot, array, 0

    shape = property(lambda self: self.array.shape)
    T = property(lambda self: apply("transpose", self))

    def __repr__(self):
        return f"v{self.slot} {spec_of(self.array)}"

    def __setitem__(self, at, number):
        """Writes a number in place: on a new line stands what is left of the old value."""
        if self.tape.lines[self.slot].op == "input":
            raise LabError(f"v{self.slot} is an input, by which gradients are asked; write in a "
                           f"copy of it, such as v{self.slot} + 0.0.")
        rest = np.ones(self.shape, self.array.dtype)
        rest[at], self.array[at] = 0.0, number
        self.slot = self.tape.write("overwrite", (self,), self.array, rest=rest).slot
        self.version += 1


def apply(op, *inputs, **attrs):
    """Computes; where a variable is among the inputs, on its tape."""
    tapes = {x.tape for x in inputs if isinstance(x, Var)}
    if len(tapes) > 1:
        raise LabError(f"{op}: the operands lie on different tapes; make them inputs of one.")
    out = RULES[op][0](*(x.array if isinstance(x, Var) else x for x in inputs), **attrs)
    return tapes.pop().write(op, inputs, np.array(out), **attrs) if tapes else out


def sum_to(x, shape=()):
    """``x`` summed down to a shape that broadcasts to its own."""
    return x if x.shape == shape else apply("sum", x, shape=shape, of=x.shape)


def _constant(x):
    return float(x) if isinstance(x, int | float) else np.array(x)


def _word(x):
    return f"v{x}" if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else str(spec_of(x))


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div",
                   "matmul": "matmul"}.items():
    setattr(Var, f"__{_name}__", lambda x, y, op=_op: apply(op, x, y))
    setattr(Var, f"__r{_name}__", lambda x, y, op=_op: apply(op, y, x))
Var.__neg__ = lambda x: apply("neg", x)
Var.__gt__ = lambda x, number: x.array > number
exp, log, tanh, relu = (lambda x, op=op: apply(op, x) for op in ("exp", "log", "tanh", "relu"))
