"""Code generation: a graph becomes the text of one Numba function in a file that can be read."""

import hashlib
import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aisys_lab.autodiff import trace
from aisys_lab.compiler.loops import LOOPS, identifier, scalar, write_node
from aisys_lab.compiler.passes import optimize
from aisys_lab.core import LabError, Table, cache_dir, write_atomic
from aisys_lab.core.tree import flatten
from aisys_lab.ir import Graph, arguments, spec_of, verify

BACKENDS = Table("BACKENDS", "graph without open axes -> a function of flat arrays, its source",
                 noun="backend")

HEADER = '''"""Generated from graph {name}: one loop nest a node, intermediate results in arrays."""

{imports}import numpy as np
from numba import njit

from aisys_lab.kernels.gemm import blocked as matmul, integer as matmul_int


@njit(cache=True, fastmath={{"reassoc", "contract", "nsz"}}, error_model="numpy")
def {function}({parameters}):
'''


def source_of(graph):
    """``(text, names)``: Numba text of a graph whose axes are all numbers, and the constants that
    are its last parameters (all but single numbers)."""
    lowerable(graph)
    beside = [name for name in graph.constants if graph.constants[name].size != 1]
    single = [name for name in graph.constants if graph.constants[name].size == 1]
    names = [identifier(name) for name in (*graph.inputs, *beside)]
    lines = [f"{identifier(name)} = np.full({graph.specs[name].shape}, "
             f"{scalar(graph.constants[name], graph.specs[name].dtype)})"
             for name in single if _needs_array(graph, name)]
    for node in graph.nodes:
        lines += write_node(node, graph)
    outputs = "".join(f"{identifier(name)}, " for name in graph.outputs)
    lines.append(f"return ({outputs.rstrip() if len(graph.outputs) == 1 else outputs[:-2]})")
    body = "\n".join("    " + line for line in lines) + "\n"
    head = HEADER.format(name=graph.name, function=identifier(graph.name),
                         parameters=", ".join(names),
                         imports="import math\n\n" * ("math." in body))
    return head + body, beside


def lowerable(graph):
    """A sentence if two names would be one in Python (``a.b``, ``a_b``), or for float16."""
    first = {}
    for body in (graph, *(node.attrs["body"] for node in graph.nodes if "body" in node.attrs)):
        for name, spec in body.specs.items():
            other = first.setdefault(identifier(name), name)
            if other != name:
                raise LabError(f"compile: the names {other} and {name} are the same in Python; "
                               f"rename one of them.")
            if spec.dtype == np.float16:
                raise LabError(f"compile: {name} is {spec}, and Numba has no float16 on CPUs; "
                               f"use float32.")


def _needs_array(graph, name):
    """Whether a one-element constant is read other than as an element of a loop."""
    return name in graph.outputs or any(name in node.inputs and node.op not in LOOPS
                                        for node in graph.nodes)


@BACKENDS.row("numba")
def numba_backend(graph):
    """Writes the text to the cache folder, imports it, and closes over the constants."""
    text, beside = source_of(graph)
    function = getattr(_import(text), identifier(graph.name))
    constants = [_packed(graph.constants[name]) for name in beside]

    def run(*arrays):
        return function(*map(_packed, arrays), *constants)
    return run, text


def _packed(array):
    """In C order, which Numba's types tell apart; ``ascontiguousarray`` would add an axis to a
    single number."""
    return np.asarray(array, order="C")


def _import(text):
    """The module of a generated text: a real file, so that Numba can cache its machine code."""
    import aisys_lab.kernels.gemm as kernels
    digest = hashlib.sha256(text.encode() + Path(kernels.__file__).read_bytes()).hexdigest()[:16]
    name = f"aisys_lab_generated_{digest}"
    if name not in sys.modules:
        path = cache_dir("generated") / f"{name}.py"
        if not path.exists():
            write_atomic(path, text)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


@dataclass(frozen=True)
class Compiled:
    """A compiled graph: call it with the graph's arguments; ``source`` is what runs."""

    graph: Graph
    backend: str
    made: dict = field(default_factory=dict, repr=False)  # (run, source) by sizes of open axes

    def _variant(self, dims):
        key = tuple(sorted(dims.items()))
        if key not in self.made:
            self.made[key] = BACKENDS[self.backend](self.graph.at(**dims))
        return self.made[key]

    def __call__(self, *args):
        leaves, dims = arguments(self.graph, args)
        return tuple(self._variant(dims)[0](*leaves))

    @property
    def source(self):
        """The generated text (of the sizes used last, where axes are open)."""
        if not self.made:
            self._variant({})
        return list(self.made.values())[-1][1]

    @property
    def report(self):
        """What was generated, in a few counted lines."""
        loops = self.source.count("for i0 in")
        return (f"{self.graph.name}: {len(self.graph.nodes)} nodes, {loops} loop nests, "
                f"{self.source.count('matmul(')} matmul calls, backend {self.backend}")

    def __repr__(self):
        return f"compiled {self.graph.name}: {len(self.graph.nodes)} nodes, {self.backend}"


def compile(graph_or_f, backend="numba"):
    """A callable with the arguments of the graph, or of the function, that returns a tuple.

    A graph with open axes is generated once for each size; a function is traced, optimised and
    compiled once for each signature. Raises LabError for an op without a loop form.
    """
    BACKENDS[backend]
    if isinstance(graph_or_f, Graph):
        compiled = Compiled(verify(graph_or_f), backend)
        if not any(isinstance(n, str) for s in graph_or_f.specs.values() for n in s.shape):
            compiled._variant({})
        return compiled
    if not callable(graph_or_f):
        raise LabError(f"compile takes a graph or a function, got {type(graph_or_f).__name__}.")
    return CompiledFunction(graph_or_f, backend)


class CompiledFunction:
    """A function that is traced and compiled anew for each signature of its arguments."""

    def __init__(self, f, backend):
        self.f, self.backend, self.variants = f, backend, {}

    def __call__(self, *args):
        key = tuple(map(str, map(spec_of, flatten(args)[0])))
        if key not in self.variants:
            self.variants[key] = compile(optimize(trace(self.f, *args)), self.backend)
        return self.variants[key](*args)

    def __repr__(self):
        return f"compiled {self.f.__name__}: {len(self.variants)} signatures, {self.backend}"
