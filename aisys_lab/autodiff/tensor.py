"""Tensor: a value that remembers how it was made; a mode gives that a meaning."""

import functools
import itertools
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock, local
from weakref import WeakSet

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.ir import OPS, Graph, Spec, Traced, bind, interpret

_levels = itertools.count(1)


class Tensor(Traced):
    """``value`` (an array, a Spec, or a Tensor of an outer mode), its mode, and the mode's note."""

    __slots__ = ("mode", "note", "value")
    __array_priority__ = 100.0

    def __init__(self, value, mode, note):
        self.value, self.mode, self.note = value, mode, note

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: len(self.value.shape))
    size = property(lambda self: Spec(self.shape, self.dtype).size)
    T = property(lambda self: bind("transpose", self, axes=tuple(range(self.ndim))[::-1]))

    def __repr__(self):
        return f"Tensor({Spec(self.shape, self.dtype)}, {self.mode.name})"

    def __len__(self):
        if not self.shape or isinstance(self.shape[0], str):
            raise LabError(f"{self!r} has no length: its first axis "
                           f"{'is still open' if self.shape else 'is missing'}.")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __format__(self, form):
        return format(self.concrete("a format") if form else repr(self), form)

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
        return bool(self.concrete("a branch"))

    def __float__(self):
        self.mode.dropped = True
        return float(self.concrete("float()"))

    def __int__(self):
        return int(self.concrete("int()"))

    def concrete(self, what):
        """The array inside; a sentence with ``what`` needs it where only its shape is known."""
        value = self
        while isinstance(value, Tensor):
            value = value.value
        if isinstance(value, Spec):
            raise LabError(f"{what} needs the value of {self!r}, but while tracing only its shape "
                           f"is known; use where(condition, x, y) instead.")
        return value


_BY_UFUNC = {row.eval: name for name, row in OPS.items() if isinstance(row.eval, np.ufunc)}


_NO_ATTRS = {}


def _operator(op):
    """``x op y`` for a tensor on the left: straight to its mode, unless two modes meet."""
    def operator(self, other):
        mode, kind = self.mode, type(other)
        if kind is Tensor:
            if other.mode is not mode:
                return bind(op, self, other)
        elif kind is list or kind is tuple:
            other = _from_list(other)
        return mode.bind(op, (self, other), _NO_ATTRS)
    return operator


def _mirrored(op):
    """``x op y`` for a tensor on the right."""
    def operator(self, other):
        return bind(op, _from_list(other) if type(other) in (list, tuple) else other, self)
    return operator


def _from_list(values):
    from aisys_lab.autodiff.numpy import array
    return array(values)


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow",
                   "matmul": "matmul"}.items():
    setattr(Tensor, f"__{_name}__", _operator(_op))
    setattr(Tensor, f"__r{_name}__", _mirrored(_op))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Tensor, f"__{_name}__", _operator(_name))
Tensor.__neg__ = lambda self: bind("neg", self)
Tensor.__abs__ = lambda self: bind("abs", self)
Tensor.__hash__ = object.__hash__


class Running(local):
    """The runs under way in this thread: a branch that is traced takes over what they do."""

    def __init__(self):
        self.modes = WeakSet()


running = Running()


class Mode:
    """One run of a transformation; the newest (highest level) among an op's inputs handles it."""

    name = "mode"
    once = False  # whether a reverse walk may forget each entry as it passes
    dropped = False  # whether float() has taken a number out of a tensor, without derivative

    def __init__(self):
        self.level = next(_levels)
        running.modes.add(self)
        self.held = []

    def lower(self, x):
        """The value below: what this mode's tensors hold; anything else is a constant to it."""
        return x.value if type(x) is Tensor and x.mode is self else x

    def bind(self, op, inputs, attrs):
        """The result of an op on inputs of which some are this mode's tensors."""
        raise NotImplementedError

    def own(self, out):
        """A sentence if a result below this mode holds one of its tensors."""
        if any(type(x) is Tensor and x.mode is self for x in out):
            raise LabError("a function with rules of its own uses a tensor from outside; pass it "
                           "as an argument.")

    def save(self, array):
        """Locks an array that is kept for later, and the owner of its memory: while the function
        runs, changing them in place raises.

        Memory that another library lends (PyTorch's, say) stays open: NumPy could not reopen it.
        """
        if type(array) is np.ndarray and array.flags.writeable \
                and isinstance(array.base, np.ndarray | None):
            array.flags.writeable = False
            self.held.append(array)
            if array.base is not None:
                self.save(array.base)

    def close(self):
        """Ends the run: saved arrays are free again; a tensor that is used from now on says so."""
        with _opening:
            for array in self.held:  # owners before their views, or NumPy refuses
                if array.base is None:
                    array.flags.writeable = True
            for array in self.held:
                if array.base is not None:
                    _unlock(array)
        self.bind = functools.partial(_closed, self.name)  # not a method: no cycle keeps the tape
        running.modes.discard(self)


_opening = Lock()  # a view is opened through its owner, which is another thread's too


def _unlock(array):
    """Opens a view again, also of an array that another run has locked."""
    owner = array.base
    if owner.flags.writeable:
        array.flags.writeable = True
        return
    owner.flags.writeable = True
    array.flags.writeable = True
    owner.flags.writeable = False


def _closed(name, op, inputs, attrs):
    raise LabError(f"{op}: a tensor left the function that was being transformed ({name}); return "
                   f"it instead of keeping it.")


_resting = ContextVar("resting", default=0)
resting = _resting.get  # 0, or inside ``no_grad`` its level: runs of a lower one rest


@contextmanager
def no_grad():
    """``with no_grad():`` what is computed inside is a constant to every derivative around it."""
    token = _resting.set(next(_levels))
    try:
        yield
    finally:
        _resting.reset(token)


def inside(inputs, attrs):
    """An op without a rule of its own that has a body: what the body does with the inputs."""
    body = attrs["body"]
    return interpret(body, *inputs) if isinstance(body, Graph) else body(*inputs)


# A rule for one argument is a function; None says that the derivative is zero everywhere.
# A row is a tuple of rules, one an argument; a function from the argument's number to its rule;
# a Joint; or None. Ops with several results take and give tuples for ``g``, ``t`` and ``out``.
VJP = Table("VJP", "reverse rules: (g, out, *inputs, **attrs) -> gradient of each input",
            noun="vjp rule")
JVP = Table("JVP", "forward rules: (t, out, *inputs, **attrs) -> tangent of the result",
            noun="jvp rule")
MODES = Table("MODES", "what a transformation does with each op", noun="mode")


@dataclass(frozen=True)
class Joint:
    """One rule for all arguments of an op at once.

    In VJP: ``(g, out, *inputs, **attrs)`` -> a gradient (or None) an argument; in JVP:
    ``(tangents, out, *inputs, **attrs)`` -> the tangent, where a constant's tangent is None.
    """

    rule: Callable


def is_float(x):
    """Whether derivatives are taken by ``x``: its dtype is floating-point."""
    return (x.dtype if hasattr(x, "dtype") else np.result_type(x)).kind == "f"
