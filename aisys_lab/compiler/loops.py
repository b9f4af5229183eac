"""Lowering: every op as lines of loop text, ready for Numba.

A name of the graph is an array of the generated function; inside a loop nest ``i0, i1, …`` run
over the result. One row an elementwise op in ``LOOPS``; other kinds have a writer in ``WRITERS``.
"""

import keyword
import re
import unicodedata

from aisys_lab.core import LabError, Table
from aisys_lab.ir import broadcast
from aisys_lab.ir.integer import levels
from aisys_lab.ir.ops import UFUNCS

LOOPS = Table("LOOPS", "the expression that one element of an op computes", noun="loop form")
for _op, _text in {
    "neg": "-{0}", "exp": "np.exp({0})", "log": "np.log({0})", "sqrt": "np.sqrt({0})",
    "tanh": "np.tanh({0})", "sin": "np.sin({0})", "cos": "np.cos({0})", "abs": "np.abs({0})",
    "floor": "np.floor({0})", "rint": "np.rint({0})", "ceil": "np.ceil({0})",
    "trunc": "np.trunc({0})", "expm1": "np.expm1({0})", "exp2": "np.exp2({0})",
    "log1p": "np.log1p({0})", "log2": "np.log2({0})", "log10": "np.log10({0})",
    "cbrt": "np.cbrt({0})", "tan": "np.tan({0})", "arcsin": "np.arcsin({0})",
    "arccos": "np.arccos({0})", "arctan": "np.arctan({0})", "sinh": "np.sinh({0})",
    "cosh": "np.cosh({0})", "arcsinh": "np.arcsinh({0})", "arccosh": "np.arccosh({0})",
    "arctanh": "np.arctanh({0})", "arctan2": "np.arctan2({0}, {1})",
    "hypot": "np.hypot({0}, {1})", "logaddexp": "np.logaddexp({0}, {1})",
    "mod": "np.remainder({0}, {1})", "erf": "math.erf({0})",
    "floor_div": "np.floor_divide({0}, {1}) if {0} - {0} == 0 or {1} == 0 else {0} - {0}",
    "sigmoid": "1 / (1 + np.exp(-{dtype}({0})))",
    "sign": "{0} if {0} != {0} else ({0} > 0) - ({0} < 0)",
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}",
    "pow": "{0} ** {1}", "eq": "{0} == {1}", "ne": "{0} != {1}", "lt": "{0} < {1}",
    "le": "{0} <= {1}", "gt": "{0} > {1}", "ge": "{0} >= {1}",
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
    "logical_and": "{0} and {1}", "logical_or": "{0} or {1}", "logical_not": "not {0}",
    "where": "{1} if {0} else {2}", "cast": "{0}", "broadcast_to": "{0}",
    "stop_gradient": "{0}",
    "quantize_linear": "{2} if {0} != {0} else min(max(np.rint({0} / {1}) + {2}, {low}), {high})",
    "dequantize_linear": "{dtype}(np.int64({0}) - np.int64({2})) * {1}",
}.items():
    LOOPS.define(_op, _text)


RESERVED = r"np|njit|math|matmul|matmul_int|range|min|max|i\d+|v_\w+|\d.*"  # the text's own


def identifier(name):
    """A Python name for a graph name: ``layer1.w -> layer1_w``."""
    name = "".join(letter if f"_{letter}".isidentifier() else "_"
                   for letter in unicodedata.normalize("NFKC", name))
    clash = keyword.iskeyword(name) or re.fullmatch(RESERVED, name)
    return f"_{name}" if clash else name


def type_name(dtype):
    """``np.float32``, as generated code spells a dtype."""
    return f"np.{dtype.name.replace('bool', 'bool_')}"


def scalar(value, dtype):
    """A literal of that dtype, as generated code spells it."""
    value = value.item()
    text = {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(str(value), repr(value))
    return f"{type_name(dtype)}({text})"


def nest(shape, lines, depth=0, start=0):
    """``lines`` inside one loop an axis."""
    heads = ["    " * (depth + k) + f"for i{k + start} in range({n}):"
             for k, n in enumerate(shape)]
    return heads + ["    " * (depth + len(shape)) + line for line in lines]


def element(name, graph, rank):
    """One element of an array under the loops of a result with ``rank`` axes."""
    spec = graph.specs[name]
    if name in graph.constants and graph.constants[name].size == 1:
        return scalar(graph.constants[name].reshape(()), spec.dtype)
    index = ["0" if n == 1 else f"i{rank - spec.ndim + k}" for k, n in enumerate(spec.shape)]
    return f"{identifier(name)}[{', '.join(index) or '()'}]"


def allocate(name, graph):
    spec = graph.specs[name]
    shape = f"({', '.join(map(str, spec.shape))}{',' if spec.ndim == 1 else ''})"
    return f"{identifier(name)} = np.empty({shape}, {type_name(spec.dtype)})"


def expression(node, graph, values):
    """What one element of the result is, in the dtype that the graph says the op makes."""
    dtype, ins = graph.specs[node.outs[0]].dtype, [graph.specs[name].dtype for name in node.inputs]
    if node.op in UFUNCS:  # NumPy's own casts, where Numba would take other types
        wanted = UFUNCS[node.op].resolve_dtypes((*ins, None))
        values = [x if have == want else f"{type_name(want)}({x})"
                  for x, have, want in zip(values, ins, wanted, strict=False)]
    low, high = levels(dtype, node.attrs["bits"]) if "bits" in node.attrs else (None, None)
    text = LOOPS[node.op].format(*values, dtype=type_name(dtype), low=low, high=high)
    same = node.op == "broadcast_to" or dtype.kind == "f" and set(ins) == {dtype}
    return text if same else f"{type_name(dtype)}({text})"


def write_elementwise(node, graph):
    """One loop nest over the result."""
    body = node.attrs.get("body")
    if body is not None:
        return _write_fused(node, body, graph)
    spec = graph.specs[node.outs[0]]
    values = [element(name, graph, spec.ndim) for name in node.inputs]
    store = element(node.outs[0], graph, spec.ndim) if spec.ndim else f"{node.outs[0]}[()]"
    line = f"{store} = {expression(node, graph, values)}"
    return [allocate(node.outs[0], graph), *nest(spec.shape, [line])]


def _write_fused(node, body, graph):
    """One nest for the whole body: intermediate results are scalars, only outputs are stored."""
    spec = body.specs[body.outputs[0]]
    lines = []
    local = {inner: element(outer, graph, spec.ndim)
             for inner, outer in zip(body.inputs, node.inputs, strict=True)}
    for inner in body.nodes:
        values = [local.get(name) or element(name, body, spec.ndim) for name in inner.inputs]
        local[inner.outs[0]] = f"v_{identifier(inner.outs[0])}"
        lines.append(f"{local[inner.outs[0]]} = {expression(inner, body, values)}")
    index = ", ".join(f"i{k}" for k in range(spec.ndim)) or "()"
    lines += [f"{identifier(out)}[{index}] = {local[name]}"
              for out, name in zip(node.outs, body.outputs, strict=True)]
    return [allocate(out, graph) for out in node.outs] + nest(spec.shape, lines)


def write_reduce(node, graph):
    """Loops over the input in its own order; the running result lies in the output."""
    (source,), axis = node.inputs, node.attrs["axis"]
    spec, out = graph.specs[source], identifier(node.outs[0])
    keepdims = node.attrs.get("keepdims", False)
    kept = [("0" if k in axis else f"i{k}") for k in range(spec.ndim)
            if keepdims or k not in axis]
    x, cell = element(source, graph, spec.ndim), f"{out}[{', '.join(kept) or '()'}]"
    dtype = graph.specs[node.outs[0]].dtype
    first, step = {
        "sum": ("0", f"{cell} += {x}"), "prod": ("1", f"{cell} *= {x}"),
        "max": (_lowest(dtype), f"{cell} = {x} if {x} > {cell} or {x} != {x} else {cell}"),
        "min": (_highest(dtype), f"{cell} = {x} if {x} < {cell} or {x} != {x} else {cell}"),
    }[node.op]
    return [allocate(node.outs[0], graph), f"{out}[...] = {first}", *nest(spec.shape, [step])]


def _lowest(dtype):
    return "-np.inf" if dtype.kind == "f" else f"np.iinfo(np.{dtype.name}).min"


def _highest(dtype):
    return "np.inf" if dtype.kind == "f" else f"np.iinfo(np.{dtype.name}).max"


def write_matmul(node, graph):
    """A call of our kernel, for each matrix of a batch; a vector is lent the axis it lacks."""
    left, right = (graph.specs[name] for name in node.inputs)
    if {left.dtype.kind, right.dtype.kind} != {"f"} or left.dtype != right.dtype:
        raise LabError(f"compile: matmul has a loop form for floats of one dtype, not for {left} "
                       f"and {right}.")
    shapes = [(1,) * (left.ndim == 1) + left.shape, right.shape + (1,) * (right.ndim == 1)]
    batch = broadcast(*(shape[:-2] for shape in shapes), op="matmul")
    shapes.append((*batch, shapes[0][-2], shapes[1][-1]))
    names = map(identifier, (*node.inputs, *node.outs))
    specs = (left, right, graph.specs[node.outs[0]])
    parts = [_matrix(name if spec.shape == shape else f"{name}.reshape({shape!r})", shape, batch)
             for name, spec, shape in zip(names, specs, shapes, strict=True)]
    return [allocate(node.outs[0], graph), *nest(batch, [f"matmul({', '.join(parts)})"])]


def _matrix(name, shape, batch):
    """The matrix of an array under the loops over a batch."""
    skipped = len(batch) - (len(shape) - 2)
    index = ["0" if n == 1 else f"i{skipped + k}" for k, n in enumerate(shape[:-2])]
    return f"{name}[{', '.join(index)}]" if index else name


def write_matmul_int(node, graph):
    """A call of our integer kernel: every product and sum in int32."""
    if any(graph.specs[name].ndim != 2 for name in node.inputs[:2]):
        raise LabError("compile: matmul_int has a loop form for two matrices only.")
    a, b, out = map(identifier, (*node.inputs[:2], *node.outs))
    zero = element(node.inputs[2], graph, 0)
    return [allocate(node.outs[0], graph), f"matmul_int({a}, {b}, {zero}, {out})"]


def write_reshape(node, graph):
    shape = graph.specs[node.outs[0]].shape
    return [f"{identifier(node.outs[0])} = {identifier(node.inputs[0])}.reshape({shape!r})"]


def _copy(node, graph, shape, target, source, first=None):
    out, x = identifier(node.outs[0]), identifier(node.inputs[0])
    line = f"{out}[{', '.join(target) or '()'}] = {x}[{', '.join(source) or '()'}]"
    head = [allocate(node.outs[0], graph)] + ([f"{out}[...] = {first}"] if first else [])
    return head + nest(shape, [line])


def write_transpose(node, graph):
    axes, shape = node.attrs["axes"], graph.specs[node.outs[0]].shape
    source = [f"i{axes.index(k)}" for k in range(len(axes))]
    return _copy(node, graph, shape, [f"i{k}" for k in range(len(shape))], source)


def _strided(node):
    return [f"{a} + i{k} * {c}" for k, (a, c) in enumerate(
        zip(node.attrs["start"], node.attrs["step"], strict=True))]


def write_slice(node, graph):
    shape = graph.specs[node.outs[0]].shape
    return _copy(node, graph, shape, [f"i{k}" for k in range(len(shape))], _strided(node))


def write_unslice(node, graph):
    shape = graph.specs[node.inputs[0]].shape
    return _copy(node, graph, shape, _strided(node), [f"i{k}" for k in range(len(shape))], "0")


def write_concatenate(node, graph):
    lines, start, axis = [allocate(node.outs[0], graph)], 0, node.attrs["axis"]
    out = identifier(node.outs[0])
    for name in node.inputs:
        shape = graph.specs[name].shape
        here = [f"i{k}" for k in range(len(shape))]
        there = [f"{start} + {i}" if k == axis else i for k, i in enumerate(here)]
        lines += nest(shape, [f"{out}[{', '.join(there)}] = "
                              f"{identifier(name)}[{', '.join(here)}]"])
        start += shape[axis]
    return lines


WRITERS = {"fused": write_elementwise, "sum": write_reduce, "prod": write_reduce,
           "max": write_reduce, "min": write_reduce, "matmul": write_matmul,
           "matmul_int": write_matmul_int, "reshape": write_reshape, "transpose": write_transpose,
           "slice": write_slice, "unslice": write_unslice,
           "concatenate": write_concatenate}


def has_loops(node):
    """Whether the op can be lowered; all others stay with the interpreter."""
    return node.op in WRITERS or node.op in LOOPS


def write_node(node, graph):
    """The lines of one node."""
    if not has_loops(node):
        raise LabError(f"compile: no loop form for {node.op!r}; there are forms for: "
                       f"{', '.join(sorted({*LOOPS, *WRITERS}))}.")
    return WRITERS.get(node.op, write_elementwise)(node, graph)


