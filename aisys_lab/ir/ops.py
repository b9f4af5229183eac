"""The primitive operations: one row each says how to compute, infer and count it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.ir.select import select
from aisys_lab.ir.spec import Spec, broadcast, dtype_of


@dataclass(frozen=True)
class Op:
    """One primitive: ``eval`` on arrays, ``infer`` on specs, ``flops`` of specs.

    ``kind`` is elementwise, reduce, shape, matmul or opaque; ``multi`` rows return tuples. ``eval``
    is the definition, in NumPy; ``fast`` is what computes in its place, but for the oracle.
    """

    name: str
    eval: Callable
    infer: Callable
    flops: Callable
    kind: str
    multi: bool = False
    fast: Callable | None = None


OPS = Table("OPS", "primitive operations: eval, infer, flops", noun="op")


def define(name, eval, infer, flops, kind, multi=False):
    """Adds a row of the package to ``OPS``."""
    return OPS.define(name, Op(name, eval, infer, flops, kind, multi))


def bind(op, *inputs, **attrs):
    """The one door: computes on values, infers on specs, records on traced values."""
    top, open_ = None, False
    for x in inputs:
        if type(x) is np.ndarray:
            continue
        if isinstance(x, Traced):
            if top is None or x.mode.level > top.level:
                top = x.mode
        elif type(x) is Spec:
            open_ = True
    if top is not None:
        return top.bind(op, inputs, attrs)
    row = OPS[op]
    try:
        return (row.infer if open_ else row.fast or row.eval)(*inputs, **attrs)
    except (ValueError, TypeError, OverflowError) as error:
        raise explain(op, inputs, attrs, error) from None


def by_definition(op, *inputs, **attrs):
    """What an op gives without kernels: arrays through ``eval`` alone, all else as ``bind``."""
    if any(isinstance(x, Traced | Spec) for x in inputs):
        return bind(op, *inputs, **attrs)
    try:
        return OPS[op].eval(*inputs, **attrs)
    except (ValueError, TypeError, OverflowError) as error:
        raise explain(op, inputs, attrs, error) from None


class Traced:
    """Base of values that remember how they were made; ``mode`` says what to do with them."""

    __slots__ = ()


def explain(op, inputs, attrs, error):
    """A sentence for an operation that NumPy refused; what a function inside raises, as it is."""
    from aisys_lab.ir.spec import spec_of
    if callable(attrs.get("body")):
        return error
    try:
        specs = [spec_of(x) for x in inputs]
    except LabError as unfit:
        return LabError(f"{op}: {unfit}")
    try:
        OPS[op].infer(*specs, **attrs)  # our own sentence, where infer finds the fault
    except LabError as sentence:
        return sentence
    except Exception:
        return LabError(f"{op}: {error}.")
    return LabError(f"{op} of {' and '.join(map(str, specs))}: {error}.")


# ---- elementwise: broadcasting NumPy ufuncs, one operation an element of the result

def per_element(*specs, **attrs):
    return math.prod(broadcast(*(spec.shape for spec in specs)))


def infer_ufunc(name, ufunc):
    def infer(*specs):
        shape = broadcast(*(spec.shape for spec in specs), op=name)
        try:
            return Spec(shape, ufunc.resolve_dtypes((*(s.dtype for s in specs), None))[-1])
        except TypeError:
            raise LabError(f"{name} is not defined for "
                           f"{' and '.join(map(str, specs))}.") from None
    return infer


UFUNCS = {
    "neg": np.negative, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh,
    "sin": np.sin, "cos": np.cos, "abs": np.abs, "sign": np.sign, "floor": np.floor,
    "rint": np.rint, "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum, "eq": np.equal,
    "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "logical_not": np.logical_not, "expm1": np.expm1, "log1p": np.log1p, "exp2": np.exp2,
    "log2": np.log2, "log10": np.log10, "cbrt": np.cbrt, "tan": np.tan, "arcsin": np.arcsin,
    "arccos": np.arccos, "arctan": np.arctan, "arctan2": np.arctan2, "sinh": np.sinh,
    "cosh": np.cosh, "arcsinh": np.arcsinh, "arccosh": np.arccosh, "arctanh": np.arctanh,
    "ceil": np.ceil, "trunc": np.trunc, "mod": np.remainder, "floor_div": np.floor_divide,
    "hypot": np.hypot, "logaddexp": np.logaddexp,
}
for _name, _ufunc in UFUNCS.items():
    define(_name, _ufunc, infer_ufunc(_name, _ufunc), per_element, "elementwise")


def _infer_where(condition, x, y):
    return Spec(broadcast(condition.shape, x.shape, y.shape, op="where"),
                np.result_type(x.dtype, y.dtype))


define("where", select, _infer_where, per_element, "elementwise")
define("cast", lambda x, dtype: np.asarray(x).astype(dtype_of(dtype)),
       lambda x, dtype: Spec(x.shape, dtype), per_element, "elementwise")


# ---- reductions over ``axis`` (a tuple of whole numbers)

def reduced(spec, axis, keepdims):
    """Shape after a reduction."""
    if len(set(axis)) < len(axis) or not all(0 <= a < spec.ndim for a in axis):
        raise LabError(f"a reduction of {spec} takes different axes from 0 to {spec.ndim - 1}, "
                       f"got {list(axis)}.")
    return tuple(1 if i in axis else n for i, n in enumerate(spec.shape)
                 if keepdims or i not in axis)


def _infer_reduce(ufunc):
    def infer(x, axis, keepdims=False):
        dtype = ufunc(np.ones((1,) * max(x.ndim, 1), x.dtype), axis=0).dtype
        return Spec(reduced(x, axis, keepdims), dtype)
    return infer


for _name, _reduce in {"sum": np.add.reduce, "prod": np.multiply.reduce,
                       "max": np.maximum.reduce, "min": np.minimum.reduce}.items():
    define(_name, _reduce, _infer_reduce(_reduce), lambda x, **attrs: x.size, "reduce")
for _name, _place in {"argmax": np.argmax, "argmin": np.argmin}.items():
    define(_name, _place, lambda x, axis: Spec(reduced(x, (axis,), False), np.int64),
           lambda x, **attrs: x.size, "reduce")


# ---- matmul

def _infer_matmul(a, b):
    if a.ndim == 0 or b.ndim == 0:
        raise LabError(f"matmul: needs at least one axis on both sides, got {a} and {b}.")
    rows, cols = (a.shape[-2:-1] if a.ndim > 1 else ()), (b.shape[-1:] if b.ndim > 1 else ())
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise LabError(f"matmul: inner sizes differ, {a} and {b}.")
    batch = broadcast(a.shape[:-2], b.shape[:-2], op="matmul")
    return Spec(batch + rows + cols, np.result_type(a.dtype, b.dtype))


define("matmul", np.matmul, _infer_matmul,
       lambda a, b: 2 * _infer_matmul(a, b).size * a.shape[-1], "matmul")


# ---- shape: no arithmetic

def free(*specs, **attrs):
    return 0


def _infer_reshape(x, shape):
    known = [[n for n in s if not isinstance(n, str)] for s in (x.shape, shape)]
    names = [sorted(n for n in s if isinstance(n, str)) for s in (x.shape, shape)]
    if names[0] != names[1] or math.prod(known[0]) != math.prod(known[1]):
        raise LabError(f"reshape: {x} has {math.prod(known[0])} elements, {list(shape)} has "
                       f"{math.prod(known[1])}.")
    return Spec(shape, x.dtype)


def _infer_transpose(x, axes):
    if sorted(axes) != list(range(x.ndim)):
        raise LabError(f"transpose of {x} takes each axis from 0 to {x.ndim - 1} once, got "
                       f"{list(axes)}.")
    return Spec(tuple(x.shape[i] for i in axes), x.dtype)


def _infer_broadcast_to(x, shape):
    if broadcast(x.shape, shape, op="broadcast_to") != tuple(shape):
        raise LabError(f"broadcast_to: {x} does not broadcast to {list(shape)}.")
    return Spec(shape, x.dtype)


def _broadcast_to(x, shape):
    """A copy where that is quicker than NumPy's view."""
    if math.prod(shape) > 4096:
        return np.broadcast_to(x, shape)
    out = np.empty(shape, x.dtype if hasattr(x, "dtype") else np.result_type(x))
    out[...] = x
    return out


def _infer_concatenate(*specs, axis):
    rests = {s.shape[:axis] + s.shape[axis + 1:] for s in specs}
    if len(rests) > 1:
        raise LabError(f"concatenate: {' and '.join(map(str, specs))} differ off axis {axis}.")
    shape, joined = list(specs[0].shape), [s.shape[axis] for s in specs]
    if any(isinstance(n, str) for n in joined):
        raise LabError(f"concatenate: {' and '.join(map(str, specs))} along axis {axis}, which "
                       f"has a name; only axes of known length can be joined.")
    shape[axis] = sum(joined)
    return Spec(shape, np.result_type(*(s.dtype for s in specs)))


def _slices(start, stop, step):
    """Python slices of the attributes; a stop of -1 lies before the first element."""
    return tuple(slice(a, b if b >= 0 else None, c)
                 for a, b, c in zip(start, stop, step, strict=True))


def _infer_slice(x, start, stop, step):
    shape = [n if isinstance(n, str) else len(range(a, b, c))
             for n, a, b, c in zip(x.shape, start, stop, step, strict=True)]
    return Spec(shape, x.dtype)


def _unslice(x, shape, start, stop, step):
    out = np.zeros(shape, np.asarray(x).dtype)
    out[_slices(start, stop, step)] = x
    return out


define("reshape", lambda x, shape: np.asarray(x).reshape(shape), _infer_reshape, free,
       "shape")
define("transpose", lambda x, axes: np.asarray(x).transpose(axes), _infer_transpose, free,
       "shape")
define("broadcast_to", _broadcast_to, _infer_broadcast_to, free, "shape")
define("concatenate", lambda *xs, axis: np.concatenate(xs, axis=axis), _infer_concatenate, free,
       "shape")
define("slice", lambda x, start, stop, step: np.asarray(x)[_slices(start, stop, step)],
       _infer_slice, free, "shape")
define("unslice", _unslice, lambda x, shape, start, stop, step: Spec(shape, x.dtype), free,
       "shape")

