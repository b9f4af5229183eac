"""Tracing: run a function on specs and keep what it did as a graph."""

import inspect
import re

import numpy as np

from aisys_lab.autodiff.tensor import MODES, Mode, Tensor, inside
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, names, unflatten
from aisys_lab.ir import OPS, Graph, Node, Spec, Traced, interpret, short, spec_of, tidy


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

    def bind(self, op, inputs, attrs):
        """A node for the op; its results are tensors that hold specs."""
        weak = self._dtype_beside(inputs)
        ins = tuple(self.name_of(x, weak) for x in inputs)
        if "body" in attrs and not isinstance(attrs["body"], Graph):  # a Python function
            return inside(inputs, attrs)
        spec = OPS[op].infer(*(self.specs[name] for name in ins), **attrs)
        several = isinstance(spec, tuple)
        results = [self.input(self._fresh("t", len(self.nodes)), s)
                   for s in (spec if several else (spec,))]
        self.nodes.append(Node(tuple(x.note for x in results), op, ins, attrs))
        return tuple(results) if several else results[0]

    def constant(self, array):
        """An array as a traced value: what is done to it shows in the graph."""
        name = self.name_of(array)
        return Tensor(self.specs[name], self, name)

    def _dtype_beside(self, inputs):
        """The dtype that a Python number takes beside these arrays (NEP 50)."""
        typed = [x.dtype for x in inputs if hasattr(x, "dtype")]
        numbers = [x for x in inputs if type(x) in (bool, int, float)]
        return np.result_type(*typed, *numbers) if numbers and typed else None

    def _fresh(self, letter, number):
        """``t3`` or ``c3``, or the next one where an argument has that name."""
        while f"{letter}{number}" in self.specs:
            number += 1
        return f"{letter}{number}"

    def name_of(self, x, weak=None):
        """The name of a traced value; a constant gets one on first sight."""
        if type(x) is Tensor and x.mode is self:
            return x.note
        if isinstance(x, Traced):
            raise LabError(f"tracing: {x!r} comes from outside; pass it as an argument.")
        array = _constant(x, weak)
        key = (array.dtype, array.tobytes()) if array.ndim == 0 else id(x)
        name, _ = self.known.get(key, (None, None))
        if name is None or not _same(self.constants[name], array):
            name = self._fresh("c", len(self.constants))
            self.specs[name], self.constants[name] = spec_of(array), array.copy()
            self.known[key] = name, x  # x is kept alive, so that its id stays its own
        return name


def trace(f, *args, dims=None):
    """The graph of ``f`` on arguments of these shapes and dtypes; values are not looked at.

    Leaves of the arguments are the inputs, named after parameters and keys (``layer1.w``).
    ``dims`` names axes that stay open: ``dims={"x": {0: "N"}}``. Raises LabError where ``f``
    needs a value that only a run would give.
    """
    mode = MODES["trace"]()
    leaves, treedef = flatten(tuple(args))
    if not callable(f):
        raise LabError(f"trace takes a function, got {type(f).__name__}.")
    inputs, dims = input_names(f, args), _checked(dims or {})
    for name in dims:
        if name not in inputs:
            raise LabError(f"trace: dims names {name!r}; the inputs are: {', '.join(inputs)}.")
    tensors = [mode.input(name, _open(spec_of(leaf), dims.get(name, {}), name))
               for name, leaf in zip(inputs, leaves, strict=True)]
    try:
        outputs = tuple(map(mode.name_of, flatten(f(*unflatten(treedef, tensors)))[0]))
    finally:
        mode.close()
    return tidy(Graph(getattr(f, "__name__", "f").strip("<>"), inputs, outputs,
                      tuple(mode.nodes), mode.specs, mode.constants))


def _constant(x, weak):
    """A constant as an array; a Python number takes the dtype of what stands beside it."""
    try:
        return np.asarray(x, weak if type(x) in (bool, int, float) else None)
    except OverflowError:
        raise LabError(f"tracing: {x} is out of bounds for {short(weak)}.") from None


def _same(a, b):
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _checked(dims):
    """``dims`` if it reads ``{input: {axis: letter}}``; else a sentence."""
    sound = isinstance(dims, dict) and all(
        isinstance(axes, dict) and all(hasattr(axis, "__index__") and isinstance(letter, str)
                                       and letter.isidentifier() for axis, letter in axes.items())
        for axes in dims.values())
    if not sound:
        raise LabError(f"trace: dims={dims!r}; it gives axes of inputs a name, as in "
                       f"dims={{'x': {{0: 'N'}}}}.")
    return dims


def _open(spec, axes, name):
    """The spec with axes given a name."""
    shape = list(spec.shape)
    for axis, letter in axes.items():
        if not -len(shape) <= axis < len(shape):
            raise LabError(f"trace: dims names axis {axis} of {name}, which is {spec}.")
        shape[axis] = letter
    return Spec(shape, spec.dtype)


def input_names(f, args):
    """Parameter names for plain arguments, keys for trees; prefixed where two would clash."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    plain += [f"x{i}" for i in range(len(plain), len(args))]
    brief = [_word(name) for label, arg in zip(plain, args, strict=False)
             for name in ([label] if _is_leaf(arg) else names(arg))]
    if len(set(brief)) == len(brief) and not any(name[0].isdigit() for name in brief):
        return tuple(brief)
    full = [_word(name) for label, arg in zip(plain, args, strict=False)
            for name in names(arg, label)]
    twice = [name for i, name in enumerate(full) if name in full[:i]]
    if twice:
        raise LabError(f"trace: two arguments would be named {twice[0]}; rename a key.")
    return tuple(full)


def _word(name):
    """A name that the text form can hold: letters, digits, dots and underscores."""
    return re.sub(r"[^\w.]", "_", name) or "_"


def _is_leaf(arg):
    return names(arg, "leaf") == ["leaf"]


def apply_graph(graph):
    """A function of the graph's inputs that can be traced and differentiated again."""
    def f(*args):
        return interpret(graph, *args)
    f.__name__ = graph.name
    return f
