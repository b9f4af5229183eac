"""Tensor: a value that remembers how it was made, and the three modes that give it a meaning."""

import itertools

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.ir import OPS, Spec, Traced, bind, interpret

_levels = itertools.count(1)


class Tensor(Traced):
    """``value`` (an array, a Spec, or a Tensor of an outer mode), its mode, and the mode's note."""

    __slots__ = ("mode", "note", "value")
    __array_priority__ = 100.0

    def __init__(self, value, mode, note):
        self.value, self.mode, self.note = value, mode, note

    shape = property(lambda self: np.shape(self.value) if not hasattr(self.value, "shape")
                     else self.value.shape)
    dtype = property(lambda self: np.result_type(self.value) if not hasattr(self.value, "dtype")
                     else self.value.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: Spec(self.shape, self.dtype).size)
    T = property(lambda self: bind("transpose", self, axes=tuple(range(self.ndim))[::-1]))

    def __repr__(self):
        return f"Tensor({Spec(self.shape, self.dtype)}, {self.mode.name})"

    def __len__(self):
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __setitem__(self, index, value):
        raise LabError(f"{self!r} never changes, so that it can be differentiated; make a new one, "
                       f"as where(condition, x, y) does.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        op = _BY_UFUNC.get(ufunc)
        if op is None or method != "__call__" or kwargs:
            raise LabError(f"np.{ufunc.__name__} does not know tensors; use the function of that "
                           f"name in aisys_lab.autodiff.numpy.")
        return bind(op, *inputs)

    def __array_function__(self, function, types, args, kwargs):
        raise LabError(f"np.{function.__name__} does not know tensors; use the function of that "
                       f"name in aisys_lab.autodiff.numpy.")

    def __array__(self, dtype=None, copy=None):
        raise LabError(f"{self!r} is inside a transformation and is no array; return it from the "
                       f"function, or use aisys_lab.autodiff.numpy.")

    def __bool__(self):
        return bool(self._concrete("a branch"))

    def __float__(self):
        return float(self._concrete("float()"))

    def __int__(self):
        return int(self._concrete("int()"))

    def _concrete(self, what):
        value = self
        while isinstance(value, Tensor):
            value = value.value
        if isinstance(value, Spec):
            raise LabError(f"{what} needs the value of {self!r}, but while tracing only its shape "
                           f"is known; use where(condition, x, y) instead.")
        return value


_BY_UFUNC = {row.eval: name for name, row in OPS.items() if isinstance(row.eval, np.ufunc)}


def _operator(op, swap=False):
    if swap:
        return lambda self, other: bind(op, other, self)
    return lambda self, other: bind(op, self, other)


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow",
                   "matmul": "matmul"}.items():
    setattr(Tensor, f"__{_name}__", _operator(_op))
    setattr(Tensor, f"__r{_name}__", _operator(_op, swap=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _operator(_name))
Tensor.__neg__ = lambda self: bind("neg", self)
Tensor.__abs__ = lambda self: bind("abs", self)
Tensor.__hash__ = object.__hash__


class Mode:
    """One run of a transformation; the newest (highest level) among an op's inputs handles it."""

    name = "mode"

    def __init__(self):
        self.level = next(_levels)
        self.open = True

    def lower(self, x):
        """The value below: what this mode's tensors hold; anything else is a constant to it."""
        return x.value if type(x) is Tensor and x.mode is self else x

    def bind(self, op, inputs, attrs):
        if not self.open:
            raise LabError(f"{op}: a tensor left the function that was being transformed "
                           f"({self.name}); return it instead of keeping it.")
        if OPS[op].multi:  # a node with a body: run the body under this mode
            return interpret(attrs["body"], *inputs)
        return self.record(op, inputs, attrs)


# A rule for one argument is a function; None says that the derivative is zero everywhere.
VJP = Table("VJP", "reverse rules: (g, out, *inputs, **attrs) -> gradient of each input",
            noun="vjp rule")
JVP = Table("JVP", "forward rules: (t, out, *inputs, **attrs) -> tangent of the result",
            noun="jvp rule")
MODES = Table("MODES", "what a transformation does with each op", noun="mode")


def rule_for(table, op, k):
    """The rule of argument ``k``: rows are a tuple by argument, or a function of ``k``."""
    row = table[op]
    return row[k] if isinstance(row, tuple) else row(k)


def is_float(x):
    return np.issubdtype(x.dtype if hasattr(x, "dtype") else np.result_type(x), np.floating)


@MODES.row("reverse")
class Reverse(Mode):
    """Keeps a tape of every op; ``gradients`` walks it backwards. (PyTorch's autograd engine.)"""

    name = "reverse mode"

    def __init__(self):
        super().__init__()
        self.tape = []  # (op, inputs, values, out, attrs) of every recorded op

    def variable(self, value):
        self.tape.append((None, (), (), value, {}))
        return Tensor(value, self, len(self.tape) - 1)

    def record(self, op, inputs, attrs):
        values = [x.value if type(x) is Tensor and x.mode is self else x for x in inputs]
        out = bind(op, *values, **attrs)
        if VJP[op] is None:
            return out
        self.tape.append((op, inputs, values, out, attrs))
        return Tensor(out, self, len(self.tape) - 1)

    def gradients(self, seeds, variables):
        """Gradients of variables, given ``seeds``: pairs (output, its incoming gradient)."""
        waiting = {}
        for out, g in seeds:
            if type(out) is Tensor and out.mode is self:
                _accumulate(waiting, out.note, g)
        kept = {x.note: None for x in variables}
        for index in range(len(self.tape) - 1, -1, -1):
            g = waiting.pop(index, None)
            if g is None:
                continue
            if index in kept:
                kept[index] = g
            self._push(index, g, waiting)
        return [kept[x.note] for x in variables]

    def _push(self, index, g, waiting):
        op, inputs, values, out, attrs = self.tape[index]
        for k, x in enumerate(inputs):
            if type(x) is Tensor and x.mode is self:
                rule = rule_for(VJP, op, k)
                if rule is not None:
                    _accumulate(waiting, x.note, rule(g, out, *values, **attrs))


def _accumulate(waiting, key, g):
    waiting[key] = waiting[key] + g if key in waiting else g


@MODES.row("forward")
class Forward(Mode):
    """A tensor's note is its tangent, carried along: dual numbers."""

    name = "forward mode"

    def variable(self, value, tangent):
        return Tensor(value, self, tangent)

    def record(self, op, inputs, attrs):
        values = [self.lower(x) for x in inputs]
        out = bind(op, *values, **attrs)
        if JVP[op] is None:
            return out
        pieces = [rule(x.note, out, *values, **attrs) for k, x in enumerate(inputs)
                  if type(x) is Tensor and x.mode is self
                  and (rule := rule_for(JVP, op, k)) is not None]
        if not pieces:
            return out
        tangent = sum(pieces[1:], pieces[0])
        if tangent.shape != out.shape:
            tangent = bind("broadcast_to", tangent, shape=out.shape)
        return Tensor(out, self, tangent)
