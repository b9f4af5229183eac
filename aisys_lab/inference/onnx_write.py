"""From our graph to an ONNX file: one row an op in EXPORT, then one message."""

from pathlib import Path

import numpy as np

from aisys_lab.compiler import inline
from aisys_lab.core import LabError, Table, write_atomic
from aisys_lab.inference.onnx_schema import CODES, HOLDS, IR_VERSION, OPSET, SCHEMA
from aisys_lab.inference.wire import encode
from aisys_lab.ir import Spec, dtype_of
from aisys_lab.ir.integer import levels
from aisys_lab.models import freeze

EXPORT = Table("EXPORT", "our op -> ONNX nodes: (writer, out, *inputs, **attrs)", noun="op")


def save_onnx(model, path):
    """Writes a model or graph as ONNX (opset 18) and returns the path.

    A model is saved with an open batch axis N and its parameters as named initializers.
    """
    data = encode(SCHEMA, "Model", to_onnx(freeze(model)))
    if len(data) >= 2**31:
        raise LabError(f"{path}: {len(data)} bytes; an ONNX file without external data ends at "
                       f"2 GiB.")
    try:
        return write_atomic(Path(path), data)
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}; choose a file in a folder of "
                       f"yours.") from None


def to_onnx(graph):
    """The ModelProto of a graph, as a dict."""
    writer = Writer(inline(graph))
    writer.write()
    values = {"node": writer.nodes, "name": graph.name, "initializer": writer.tensors,
              "input": [_value_info(name, graph.specs[name]) for name in graph.inputs],
              "output": [_value_info(name, graph.specs[name]) for name in graph.outputs]}
    return {"ir_version": IR_VERSION, "producer_name": "aisys_lab", "graph": values,
            "opset_import": [{"domain": "", "version": OPSET}]}


def _value_info(name, spec):
    dims = [{"dim_param" if isinstance(n, str) else "dim_value": n} for n in spec.shape]
    return {"name": name, "type": {"tensor_type": {"elem_type": CODES[spec.dtype],
                                                   "shape": {"dim": dims}}}}


def tensor(name, array):
    """A TensorProto: raw bytes, little-endian, row by row."""
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return {"name": name, "dims": list(array.shape), "data_type": CODES[array.dtype],
            "raw_data": raw}


def _attribute(name, value):
    """An AttributeProto; its type says which of its fields holds the value."""
    code = {float: 1, int: 2, str: 3, tuple: 7}[type(value)]
    return {"name": name, HOLDS[code]: value.encode() if code == 3 else value, "type": code}


class Writer:
    """Collects ONNX nodes and tensors while the rows of EXPORT walk a graph."""

    def __init__(self, graph):
        self.graph, self.specs = graph, dict(graph.specs)
        self.nodes, self.tensors = [], []

    def write(self):
        """Constants, then every node; what only a Relu would have read is not written."""
        relus, users = find_relus(self.graph), self.graph.users()
        self.tensors = [tensor(name, array) for name, array in self.graph.constants.items()]
        for node in self.graph.nodes:
            out = node.outs[0]
            readers = {user.outs[0] for user in users[out]}
            if readers and readers <= relus.keys() and node.op == "le" \
                    and out not in self.graph.outputs:
                continue
            if out in relus:
                self.emit(*relus[out])
            elif node.op not in EXPORT:
                raise LabError(f"{out} = {node.op}(…) has no ONNX form; there is one for: "
                               f"{', '.join(EXPORT)}.")
            else:
                EXPORT[node.op](self, out, *node.inputs, **node.attrs)
        self._drop_unread()

    def _drop_unread(self):
        read = set(self.graph.outputs).union(*(node["input"] for node in self.nodes))
        self.tensors = [t for t in self.tensors if t["name"] in read]

    def emit(self, op, inputs, out, **attributes):
        """One NodeProto; returns its output name."""
        self.nodes.append({"op_type": op, "input": list(inputs), "output": [out], "name": out,
                           "attribute": [_attribute(*pair) for pair in attributes.items()]})
        return out

    def fresh(self, stem, spec):
        """A new name; its spec is remembered."""
        k = next(k for k in range(len(self.specs) + 1) if f"{stem}.{k}" not in self.specs)
        self.specs[f"{stem}.{k}"] = spec
        return f"{stem}.{k}"

    def constant(self, stem, array):
        """A new initializer."""
        name = self.fresh(stem, Spec(array.shape, array.dtype))
        self.tensors.append(tensor(name, array))
        return name

    def ints(self, stem, values):
        return self.constant(stem, np.array(values, np.int64))

    def cast(self, name, dtype):
        """The name itself if it has that dtype, else that of a Cast (ONNX never casts alone)."""
        spec = self.specs[name]
        if spec.dtype == dtype:
            return name
        out = self.fresh(name, Spec(spec.shape, dtype))
        return self.emit("Cast", [name], out, to=CODES[np.dtype(dtype)])


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
                       "logical_or": "Or", "logical_not": "Not"}.items():
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


for _ours, _theirs in {"sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}.items():
    EXPORT.define(_ours, _reduction(_theirs))


@EXPORT.row("argmax")
def _argmax(w, out, x, axis):
    w.emit("ArgMax", [x], out, axis=axis, keepdims=0)


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
