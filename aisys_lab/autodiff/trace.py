"""Tracing: run a function on specs and keep what it did as a graph."""

import inspect

import numpy as np

from aisys_lab.autodiff.tensor import MODES, Mode, Tensor
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, names, unflatten
from aisys_lab.ir import OPS, Graph, Node, Spec, Traced, interpret, spec_of


@MODES.row("trace")
class Trace(Mode):
    """Every op becomes a node; a tensor's note is its name. (JAX stages out a jaxpr this way.)"""

    name = "tracing"

    def __init__(self):
        super().__init__()
        self.nodes, self.specs, self.constants = [], {}, {}
        self.known = {}  # constants already named, by dtype and value or by identity

    def input(self, name, spec):
        self.specs[name] = spec
        return Tensor(spec, self, name)

    def record(self, op, inputs, attrs):
        weak = self._dtype_beside(inputs)
        ins = tuple(self.name_of(x, weak) for x in inputs)
        spec = OPS[op].infer(*(self.specs[name] for name in ins), **attrs)
        out = f"t{len(self.nodes)}"
        self.nodes.append(Node((out,), op, ins, attrs))
        return self.input(out, spec)

    def constant(self, array):
        """An array as a traced value: what is done to it shows in the graph."""
        name = self.name_of(array)
        return Tensor(self.specs[name], self, name)

    def _dtype_beside(self, inputs):
        """The dtype that a Python number takes beside these arrays (NEP 50)."""
        typed = [x.dtype for x in inputs if hasattr(x, "dtype")]
        numbers = [x for x in inputs if type(x) in (bool, int, float)]
        return np.result_type(*typed, *numbers) if numbers and typed else None

    def name_of(self, x, weak=None):
        """The name of a traced value; a constant gets one on first sight."""
        if type(x) is Tensor and x.mode is self:
            return x.note
        if isinstance(x, Traced):
            raise LabError(f"tracing: {x!r} comes from outside; pass it as an argument.")
        array = np.asarray(x, weak if type(x) in (bool, int, float) else None)
        key = (array.dtype, array.item()) if array.ndim == 0 else id(x)
        if key not in self.known:
            name = self.known[key] = f"c{len(self.constants)}"
            self.specs[name], self.constants[name] = spec_of(array), array
        return self.known[key]


def trace(f, *args, dims=None):
    """The graph of ``f`` on arguments of these shapes and dtypes; values are not looked at.

    Leaves of the arguments are the inputs, named after parameters and keys (``layer1.w``).
    ``dims`` names axes that stay open: ``dims={"x": {0: "N"}}``. Raises LabError where ``f``
    needs a value that only a run would give.
    """
    mode = MODES["trace"]()
    leaves, treedef = flatten(tuple(args))
    inputs = _input_names(f, args)
    tensors = [mode.input(name, _open(spec_of(leaf), (dims or {}).get(name, {})))
               for name, leaf in zip(inputs, leaves, strict=True)]
    out = f(*unflatten(treedef, tensors))
    outputs = tuple(mode.name_of(x) for x in flatten(out)[0])
    mode.open = False
    return Graph(getattr(f, "__name__", "f").strip("<>"), inputs, outputs, tuple(mode.nodes),
                 mode.specs, mode.constants)


def _open(spec, axes):
    shape = list(spec.shape)
    for axis, name in axes.items():
        shape[axis] = name
    return Spec(shape, spec.dtype)


def _input_names(f, args):
    """Parameter names for plain arguments, keys for trees; prefixed where two would clash."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    plain += [f"x{i}" for i in range(len(plain), len(args))]
    short = [name for label, arg in zip(plain, args, strict=False)
             for name in ([label] if _is_leaf(arg) else names(arg))]
    if len(set(short)) == len(short) and not any(name[0].isdigit() for name in short):
        return tuple(short)
    return tuple(name for label, arg in zip(plain, args, strict=False)
                 for name in names(arg, label))


def _is_leaf(arg):
    return names(arg, "leaf") == ["leaf"]


def apply_graph(graph):
    """A function of the graph's inputs that can be traced and differentiated again."""
    def f(*args):
        return interpret(graph, *args)
    f.__name__ = graph.name
    return f
