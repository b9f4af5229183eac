"""The rows that say what each of our ops is in ONNX."""

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.inference.onnx_schema import CODES
from aisys_lab.ir import dtype_of
from aisys_lab.ir.integer import levels

EXPORT = Table("EXPORT", "our op -> ONNX nodes: (writer, out, *inputs, **attrs)", noun="op")


def find_relus(graph):
    """``where(x <= 0, 0, x)`` is Relu: out -> what to emit; a comparison nobody else reads goes.

    Where x is NaN ours is NaN, as is ONNX's; a runtime may differ.
    """
    made, found = {node.outs[0]: node for node in graph.nodes}, {}
    for node in graph.nodes:
        if node.op == "where":
            test, zero, x = node.inputs
            compare = made.get(test)
            if compare and compare.op == "le" and compare.inputs == (x, zero) and not np.any(
                    graph.constants.get(zero, True)) and graph.specs[zero].shape == ():
                found[node.outs[0]] = ("Relu", [x], node.outs[0])
    return found


# ---- rows: elementwise

def _arithmetic(op):
    """Inputs are cast to the dtype of the result: ONNX wants one dtype, NumPy promotes."""
    def row(w, out, *inputs):
        w.emit(op, [w.cast(name, w.specs[out].dtype) for name in inputs], out)
    return row


def _comparison(op):
    def row(w, out, *inputs):
        dtype = np.result_type(*(w.specs[name].dtype for name in inputs))
        w.emit(op, [w.cast(name, dtype) for name in inputs], out)
    return row


for _ours, _theirs in {"neg": "Neg", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "tanh": "Tanh",
                       "sin": "Sin", "cos": "Cos", "abs": "Abs", "sign": "Sign",
                       "floor": "Floor", "rint": "Round", "add": "Add", "sub": "Sub",
                       "mul": "Mul", "div": "Div", "pow": "Pow", "maximum": "Max",
                       "minimum": "Min", "matmul": "MatMul", "logical_and": "And",
                       "logical_or": "Or", "logical_not": "Not", "ceil": "Ceil", "tan": "Tan",
                       "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sinh": "Sinh",
                       "cosh": "Cosh", "arcsinh": "Asinh", "arccosh": "Acosh",
                       "arctanh": "Atanh", "erf": "Erf", "sigmoid": "Sigmoid",
                       "stop_gradient": "Identity"}.items():
    EXPORT.define(_ours, _arithmetic(_theirs))
for _ours, _theirs in {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater",
                       "ge": "GreaterOrEqual"}.items():
    EXPORT.define(_ours, _comparison(_theirs))


@EXPORT.row("ne")
def _not_equal(w, out, x, y):
    same = w.fresh(out, w.specs[out])
    _comparison("Equal")(w, same, x, y)
    w.emit("Not", [same], out)


@EXPORT.row("where")
def _where(w, out, condition, x, y):
    dtype = w.specs[out].dtype
    w.emit("Where", [w.cast(condition, np.bool_), w.cast(x, dtype), w.cast(y, dtype)], out)


@EXPORT.row("cast")
def _cast(w, out, x, dtype):
    w.emit("Cast", [x], out, to=CODES[dtype_of(dtype)])


# ---- rows: reductions

def _reduction(op):
    def row(w, out, x, axis, keepdims=False):
        x = w.cast(x, w.specs[out].dtype)
        w.emit(op, [x, w.ints(out, axis)], out, keepdims=int(keepdims), noop_with_empty_axes=1)
    return row


for _ours, _theirs in {"sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax",
                       "min": "ReduceMin"}.items():
    EXPORT.define(_ours, _reduction(_theirs))
for _ours, _theirs in {"argmax": "ArgMax", "argmin": "ArgMin"}.items():
    EXPORT.define(_ours, lambda w, out, x, axis, op=_theirs:
                  w.emit(op, [x], out, axis=axis, keepdims=0))


# ---- rows: shape

@EXPORT.row("reshape")
def _reshape(w, out, x, shape):
    named = [n for n in shape if isinstance(n, str)]
    if len(named) > 1:
        raise LabError(f"{out} = reshape to {list(shape)}: ONNX finds one open axis, not "
                       f"{len(named)}; give {named[1]} a number with graph.at({named[1]}=…).")
    dims = [-1 if isinstance(n, str) else n for n in shape]
    w.emit("Reshape", [x, w.ints(out, dims)], out, allowzero=int(-1 not in dims))


@EXPORT.row("broadcast_to")
def _broadcast_to(w, out, x, shape):
    """Expand keeps an axis where 1 is asked for, so an axis that x has open stays open."""
    own = (1,) * (len(shape) - w.specs[x].ndim) + w.specs[x].shape
    dims = [1 if n == m else n for n, m in zip(shape, own, strict=True)]
    if any(isinstance(n, str) for n in dims):
        raise LabError(f"{out} = broadcast_to {list(shape)}: an open axis has no size to write; "
                       f"give it a number with graph.at(…).")
    w.emit("Expand", [x, w.ints(out, dims)], out)


@EXPORT.row("transpose")
def _transpose(w, out, x, axes):
    w.emit("Transpose", [x], out, perm=tuple(axes))


@EXPORT.row("concatenate")
def _concatenate(w, out, *xs, axis):
    w.emit("Concat", [w.cast(x, w.specs[out].dtype) for x in xs], out, axis=axis)


@EXPORT.row("slice")
def _slice(w, out, x, start, stop, step):
    axes = range(w.specs[x].ndim)
    w.emit("Slice", [x, *(w.ints(out, list(v)) for v in (start, stop, axes, step))], out)


# ---- rows: integers

def _last_axis(w, x, scale):
    return {"axis": w.specs[x].ndim - 1} if w.specs[scale].shape else {}


@EXPORT.row("quantize_linear")
def _quantize(w, out, x, scale, zero, bits=8):
    """Fewer bits than the dtype holds need a Clip behind: QuantizeLinear knows whole dtypes."""
    dtype = w.specs[zero].dtype
    low, high = (np.array(n, dtype) for n in levels(dtype, bits))
    whole = levels(dtype, 8 * dtype.itemsize) == (low, high)
    wide = out if whole else w.fresh(out, w.specs[out])
    w.emit("QuantizeLinear", [x, scale, zero], wide, **_last_axis(w, x, scale))
    if not whole:
        w.emit("Clip", [wide, w.constant(out, low), w.constant(out, high)], out)


@EXPORT.row("dequantize_linear")
def _dequantize(w, out, q, scale, zero):
    """ONNX wants no zero point beside int32 values, where it can only be 0."""
    plain = w.specs[q].dtype == np.int32 and not np.any(w.graph.constants.get(zero, True))
    w.emit("DequantizeLinear", [q, scale] if plain else [q, scale, zero], out,
           **_last_axis(w, q, scale))


@EXPORT.row("matmul_int")
def _matmul_int(w, out, a, b, a_zero):
    w.emit("MatMulInteger", [a, b, a_zero], out)
