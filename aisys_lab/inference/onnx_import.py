"""The rows that say what each ONNX op is in ours: ``(builder, *inputs, **attributes) -> name``."""

import math
import sys

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.inference.onnx_schema import ELEMENTS
from aisys_lab.ir import short

IMPORT = Table("IMPORT", "ONNX op -> ours: (builder, *inputs, **attributes)", noun="ONNX op")


# ---- elementwise

def _same(op):
    """An op that we have under another name."""
    return lambda b, *xs: b(op, *xs)


for _theirs, _ours in {"Neg": "neg", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Tanh": "tanh",
                       "Sin": "sin", "Cos": "cos", "Abs": "abs", "Sign": "sign",
                       "Floor": "floor", "Round": "rint", "Add": "add", "Sub": "sub",
                       "Mul": "mul", "MatMul": "matmul", "Equal": "eq", "Less": "lt",
                       "LessOrEqual": "le", "Greater": "gt", "GreaterOrEqual": "ge",
                       "And": "logical_and", "Or": "logical_or", "Not": "logical_not",
                       "Where": "where", "Ceil": "ceil", "Tan": "tan", "Asin": "arcsin",
                       "Acos": "arccos", "Atan": "arctan", "Sinh": "sinh", "Cosh": "cosh",
                       "Asinh": "arcsinh", "Acosh": "arccosh", "Atanh": "arctanh",
                       "Erf": "erf", "Sigmoid": "sigmoid"}.items():
    IMPORT.define(_theirs, _same(_ours))


def _chain(op):
    """An op of two sides that ONNX applies to any number of inputs."""
    def row(b, x, *rest):
        for y in rest:
            x = b(op, x, y)
        return x
    return row


for _theirs, _ours in {"Max": "maximum", "Min": "minimum", "Sum": "add"}.items():
    IMPORT.define(_theirs, _chain(_ours))


@IMPORT.row("Identity")
def identity(b, x):
    return x


@IMPORT.row("Div")
def div(b, x, y):
    """ONNX divides whole numbers without a remainder, NumPy does not; we read floats."""
    if b.spec(x).dtype.kind != "f":
        raise LabError(f"divides whole numbers, {b.spec(x)}; we read it for floats.")
    return b("div", x, y)


@IMPORT.row("Pow")
def power(b, x, y):
    """The dtype of the base stays."""
    return b("pow", x, b.cast(y, b.spec(x).dtype))


@IMPORT.row("Reciprocal")
def reciprocal(b, x):
    return b("div", b.scalar(1, x), x)


@IMPORT.row("Relu")
def relu(b, x):
    zero = b.scalar(0, x)
    return b("where", b("le", x, zero), zero, x)


@IMPORT.row("Clip")
def clip(b, x, low=None, high=None):
    x = b("maximum", x, low) if low else x
    return b("minimum", x, high) if high else x


@IMPORT.row("Cast")
def cast(b, x, *, to):
    if to not in ELEMENTS:
        raise LabError(f"element type {to} is none that we read.")
    return b("cast", x, dtype=short(ELEMENTS[to][0]))


@IMPORT.row("Constant")
def constant(b, *, value=None, value_float=None, value_int=None, value_floats=None,
             value_ints=None):
    floats = value_float if value_float is not None else value_floats
    whole = value_int if value_int is not None else value_ints
    if value is not None:
        return b.constant(value)
    if floats is None and whole is None:
        raise LabError("holds no value.")
    return b.constant(np.array(whole, np.int64) if floats is None else
                      np.array(floats, np.float32))


# ---- matrix products

@IMPORT.row("Gemm")
def gemm(b, a, w, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    """alpha * A @ B + beta * C, A and B transposed on demand."""
    a = b("transpose", a, axes=(1, 0)) if transA else a
    w = b("transpose", w, axes=(1, 0)) if transB else w
    out = b("matmul", a, w)
    out = out if alpha == 1 else b("mul", out, b.scalar(alpha, out))
    if c is None or beta == 0:
        return out
    return b("add", out, c if beta == 1 else b("mul", c, b.scalar(beta, c)))


@IMPORT.row("Softmax")
def softmax(b, x, *, axis=-1):
    axes = _axes(b, x, (axis,))
    e = b("exp", b("sub", x, b("max", x, axis=axes, keepdims=True)))
    return b("div", e, b("sum", e, axis=axes, keepdims=True))


# ---- reductions: axes are an attribute up to opset 17 (13 for ReduceSum), an input from then on

def _axes(b, x, axes):
    """Axes counted from the front, in order."""
    rank = b.spec(x).ndim
    if any(not -rank <= a < rank for a in axes):
        raise LabError(f"axes {list(axes)} do not fit {b.spec(x)}.")
    return tuple(sorted({a % rank for a in axes}))


def _reduction(op):
    def row(b, x, given=None, *, axes=None, keepdims=1, noop_with_empty_axes=0):
        axes = b.ints(given, "the list of axes") if given else axes
        if not axes and noop_with_empty_axes:
            return x
        axes = _axes(b, x, axes or range(b.spec(x).ndim))
        return b(op, x, axis=axes, keepdims=bool(keepdims))
    return row


for _theirs, _ours in {"ReduceSum": "sum", "ReduceProd": "prod", "ReduceMax": "max",
                       "ReduceMin": "min"}.items():
    IMPORT.define(_theirs, _reduction(_ours))


@IMPORT.row("ReduceMean")
def mean(b, x, given=None, **attributes):
    total = _reduction("sum")(b, x, given, **attributes)
    count = b.spec(x).size // b.spec(total).size if total != x else 1
    return b("div", total, b.scalar(count, total))


def _place(op):
    def row(b, x, *, axis=0, keepdims=1, select_last_index=0):
        if select_last_index:
            raise LabError("asks for the last of equal entries; ours gives the first.")
        (axis,) = _axes(b, x, (axis,))
        out = b(op, x, axis=axis)
        shape = b.spec(x).shape
        return b("reshape", out, shape=(*shape[:axis], 1, *shape[axis + 1:])) if keepdims else out
    return row


for _theirs, _ours in {"ArgMax": "argmax", "ArgMin": "argmin"}.items():
    IMPORT.define(_theirs, _place(_ours))


# ---- shape

@IMPORT.row("Reshape")
def reshape(b, x, target, *, allowzero=0):
    """0 copies an axis, -1 takes what is left; both may be an axis that is still open."""
    old, new = b.spec(x).shape, list(b.ints(target, "the new shape"))
    for k, n in enumerate(new):
        if n == 0 and not allowzero:
            new[k] = old[k]
    if new.count(-1) > 1 or any(isinstance(n, int) and n < -1 for n in new):
        raise LabError(f"{new} is no shape.")
    return b("reshape", x, shape=tuple(n if n != -1 else _rest(old, new) for n in new))


def _rest(old, new):
    """What -1 stands for: the open axis that is missing, or the elements that are left."""
    missing = [n for n in old if isinstance(n, str) and n not in new]
    have, want = (math.prod(n for n in shape if isinstance(n, int) and n != -1)
                  for shape in (old, new))
    if len(missing) > 1 or (missing and have != want) or want == 0 or have % want:
        raise LabError(f"what -1 is in {new} does not follow from {list(old)}.")
    return missing[0] if missing else have // want


@IMPORT.row("Flatten")
def flatten(b, x, *, axis=1):
    shape = b.spec(x).shape
    axis = axis + len(shape) if axis < 0 else axis
    return b("reshape", x, shape=(_product(shape[:axis]), _product(shape[axis:])))


def _product(axes):
    names = [n for n in axes if isinstance(n, str)]
    if len(names) > 1 or (names and math.prod(n for n in axes if n not in names) != 1):
        raise LabError(f"the product of {list(axes)} has no name; give open axes a size.")
    return names[0] if names else math.prod(axes)


@IMPORT.row("Squeeze")
def squeeze(b, x, given=None):
    shape = b.spec(x).shape
    axes = _axes(b, x, b.ints(given, "the list of axes")) if given else [
        k for k, n in enumerate(shape) if n == 1]
    return b("reshape", x, shape=tuple(n for k, n in enumerate(shape) if k not in axes))


@IMPORT.row("Unsqueeze")
def unsqueeze(b, x, given):
    axes = b.ints(given, "the list of axes")
    rank, rest = b.spec(x).ndim + len(axes), iter(b.spec(x).shape)
    axes = {a % rank for a in axes}
    return b("reshape", x, shape=tuple(1 if k in axes else next(rest) for k in range(rank)))


@IMPORT.row("Transpose")
def transpose(b, x, *, perm=None):
    rank = b.spec(x).ndim
    axes = perm or tuple(range(rank))[::-1]
    if sorted(axes) != list(range(rank)):
        raise LabError(f"perm {list(axes)} does not fit {b.spec(x)}.")
    return b("transpose", x, axes=axes)


@IMPORT.row("Expand")
def expand(b, x, target):
    """Broadcasts both ways, so a 1 in the target keeps the axis."""
    shape = b.ints(target, "the new shape")
    rank = max(len(shape), b.spec(x).ndim)
    old, new = ((1,) * (rank - len(s)) + s for s in (b.spec(x).shape, shape))
    return b("broadcast_to", x, shape=tuple(n if m == 1 else m
                                            for n, m in zip(old, new, strict=True)))


@IMPORT.row("Concat")
def concat(b, *xs, axis):
    (axis,) = _axes(b, xs[0], (axis,))
    return b("concatenate", *xs, axis=axis)


@IMPORT.row("Slice")
def slice_(b, x, starts, ends, axes=None, steps=None):
    """Forward slices; an open axis can only be taken whole."""
    starts, ends = b.ints(starts, "the start"), b.ints(ends, "the end")
    axes = b.ints(axes, "the list of axes") if axes else tuple(range(len(starts)))
    steps = b.ints(steps, "the step") if steps else (1,) * len(starts)
    cuts = {k: slice(0, sys.maxsize if isinstance(n, str) else n, 1)
            for k, n in enumerate(b.spec(x).shape)}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        (axis,) = _axes(b, x, (axis,))
        cuts[axis] = _cut(b.spec(x).shape[axis], start, end, step)
    return b("slice", x, **{name: tuple(getattr(cut, name) for cut in cuts.values())
                            for name in ("start", "stop", "step")})


def _cut(n, start, end, step):
    if step < 1 or (isinstance(n, str) and (start, step, end >= 2**31 - 1) != (0, 1, True)):
        raise LabError(f"takes {start}:{end}:{step} of an axis of {n}; we read forward slices "
                       f"of axes that have a size.")
    return slice(0, sys.maxsize, 1) if isinstance(n, str) else slice(
        *slice(start, end, step).indices(n))


# ---- integers

def _beside(b, x, scale, zero, axis):
    """Scale and zero point as NumPy broadcasts them: the quantised axis last, or moved there."""
    if b.spec(scale).ndim == 0 or b.spec(scale).shape == (1,):
        return (b("reshape", name, shape=()) for name in (scale, zero))
    (axis,) = _axes(b, x, (axis,))
    shape = (*b.spec(scale).shape, *(1,) * (b.spec(x).ndim - axis - 1))
    return (b("reshape", name, shape=shape) if len(shape) > 1 else name
            for name in (scale, zero))


def _zero(b, scale, dtype):
    return b.constant(np.zeros(b.value(scale, "the scale").shape, dtype))


@IMPORT.row("QuantizeLinear")
def quantize_linear(b, x, scale, zero=None, *, axis=1):
    scale, zero = _beside(b, x, scale, zero or _zero(b, scale, np.uint8), axis)
    return b("quantize_linear", x, scale, zero)


@IMPORT.row("DequantizeLinear")
def dequantize_linear(b, x, scale, zero=None, *, axis=1):
    scale, zero = _beside(b, x, scale, zero or _zero(b, scale, b.spec(x).dtype), axis)
    return b("dequantize_linear", x, scale, zero)


@IMPORT.row("MatMulInteger")
def matmul_integer(b, x, w, x_zero=None, w_zero=None):
    if w_zero and np.any(b.value(w_zero, "the right zero point")):
        raise LabError("has a zero point on the right; ours is symmetric there.")
    x_zero = x_zero or b.constant(np.zeros((), b.spec(x).dtype))
    return b("matmul_int", x, w, b("reshape", x_zero, shape=()))
