"""A session: one graph, made ready to run again and again."""

from dataclasses import dataclass, field
from functools import partial

from aisys_lab.compiler import BACKENDS, compile, optimize
from aisys_lab.core import LabError
from aisys_lab.core.text import si
from aisys_lab.ir import Graph, interpret
from aisys_lab.models import freeze


@dataclass(frozen=True)
class Session:
    """Runs a graph or model: compiled where every op has a loop form, else interpreted.

    ``how`` says which. A graph with an open batch axis is compiled once for each size.
    """

    graph: Graph
    backend: str = "numba"
    how: str = field(init=False)
    run: object = field(init=False, repr=False)

    def __post_init__(self):
        BACKENDS[self.backend]  # a sentence if there is none
        object.__setattr__(self, "graph", freeze(self.graph))
        for name, value in zip(("run", "how"), _ready(self.graph, self.backend), strict=True):
            object.__setattr__(self, name, value)

    def __call__(self, *args):
        """The tuple of outputs."""
        return tuple(self.run(*args))

    def __str__(self):
        ends = (", ".join(f"{name} {self.graph.specs[name]}" for name in names)
                for names in (self.graph.inputs, self.graph.outputs))
        return (f"session {self.graph.name}: {' -> '.join(ends)}, {len(self.graph)} nodes, "
                f"{si(self.graph.nbytes, 'B')} of constants, {self.how}")

    __repr__ = __str__


def _ready(graph, backend):
    """``(run, how)``; the backend is tried with every open axis at one."""
    ones = {n: 1 for spec in graph.specs.values() for n in spec.shape if isinstance(n, str)}
    try:
        small = optimize(graph)
        compile(small.at(**ones), backend)
        return compile(small, backend), f"compiled by {backend}"
    except LabError as reason:
        return partial(interpret, graph), f"interpreted ({str(reason).split(';')[0]})"
