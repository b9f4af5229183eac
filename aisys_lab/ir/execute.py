"""Running a graph by an executor: the harness keeps the values, checks each step, and counts."""

import threading
from dataclasses import dataclass, field

from aisys_lab.core import LabError, whole
from aisys_lab.core.text import count
from aisys_lab.ir.executors import EXECUTORS
from aisys_lab.ir.gantt import Bar, gantt
from aisys_lab.ir.graph import need_graph
from aisys_lab.ir.interpret import arguments
from aisys_lab.ir.ops import OPS, bind
from aisys_lab.ir.order import named_cycle


@dataclass(frozen=True)
class Run:
    """One run of a graph: its outputs, the order of the nodes, the bytes alive, who did what.

    A step is one node finished. Bytes are those of the values that nodes make, each in a buffer
    of its own; inputs and constants belong to the caller. ``total`` is what all values take.
    """

    graph: str
    executor: str
    outputs: tuple = field(repr=False)
    order: tuple
    peak: int
    total: int
    bars: tuple
    is_leaf = True

    @property
    def workers(self):
        """How many workers ran at least one node."""
        return 1 + max((bar.worker for bar in self.bars), default=0)

    def __str__(self):
        many = f"{self.workers} worker{'s' * (self.workers != 1)}"
        head = (f"run of {self.graph} by {self.executor}: {len(self.order)} nodes on {many}, at "
                f"most {count(self.peak)} of {count(self.total)} bytes alive")
        return "\n".join([head, *gantt(self.bars, self.workers)])

    __repr__ = __str__


def execute(graph, *args, executor="counting", workers=2) -> Run:
    """A Run of the graph on arrays: the outputs of ``interpret``, and how they came about.

    Rows of EXECUTORS without threads use one worker. Raises LabError for a graph with a cycle or
    with names that nobody makes, for an op that fails, and for an executor that runs a node too
    early, twice or not at all, or frees what is still needed.
    """
    need_graph("execute", graph)
    row, workers = EXECUTORS[executor], whole("execute", "workers", workers, 1)
    leaves, dims = arguments(graph, args)
    graph = graph.at(**dims) if dims else graph
    ring = named_cycle(graph)
    if ring:
        raise LabError(f"{graph.name} cannot run: its nodes wait for each other in a cycle, "
                       f"{' -> '.join(ring)}.")
    store = Store(graph, dict(zip(graph.inputs, leaves, strict=True)), executor)
    row(graph, store.run, store.free, workers)
    return store.finish()


class Store:
    """The values of a run, and what has happened to them; safe to use from several threads."""

    def __init__(self, graph, inputs, executor):
        self.graph, self.executor, self.lock = graph, executor, threading.Lock()
        self.given = inputs | graph.constants
        self.values, self.gone = dict(self.given), set()
        self.begun, self.bars, self.threads = {}, [], {}
        self.live = self.peak = self.total = 0

    def run(self, i):
        """Computes node ``i``; its results can be read from then on."""
        node = self.graph.nodes[i]
        with self.lock:
            values = self._begin(i, node)
        try:
            out = bind(node.op, *values, **node.attrs)
        except LabError:
            raise
        except Exception as error:
            raise LabError(f"{node.label} raised {type(error).__name__}: {error}") from error
        with self.lock:
            self.values.update(zip(node.outs, out if OPS[node.op].multi else (out,), strict=True))
            worker = self.threads.setdefault(threading.get_ident(), len(self.threads))
            self.bars.append(Bar(node.outs[0], worker, self.begun[i], len(self.bars) + 1))

    def _begin(self, i, node):
        """The values that a node reads; from here on its results take room."""
        if i in self.begun:
            raise self._fault(f"runs {node.label} twice")
        for name in (*node.inputs, *node.after):
            if name in self.gone and name in node.inputs:
                raise self._fault(f"frees {name}, which {node.label} has yet to read")
            if name not in self.values and name not in self.gone:
                raise self._fault(f"runs {node.label} before {name} is made")
        self.begun[i] = len(self.bars)
        size = sum(self.graph.specs[name].nbytes for name in node.outs)
        self.live, self.total = self.live + size, self.total + size
        self.peak = max(self.peak, self.live)
        return [self.values[name] for name in node.inputs]

    def free(self, name):
        """Lets a value go; inputs and constants belong to the caller and stay."""
        with self.lock:
            if name in self.given:
                return
            if name in self.graph.outputs:
                raise self._fault(f"frees {name}, an output of the graph")
            if name not in self.values:
                state = "twice" if name in self.gone else "before it is made"
                raise self._fault(f"frees {name} {state}")
            del self.values[name]
            self.gone.add(name)
            self.live -= self.graph.specs[name].nbytes

    def finish(self):
        """What came of it."""
        left = [node for i, node in enumerate(self.graph.nodes) if i not in self.begun]
        if left:
            raise self._fault(f"leaves out {len(left)} of {len(self.graph)} nodes, first "
                              f"{left[0].label}")
        outputs = tuple(self.values[name] for name in self.graph.outputs)
        return Run(self.graph.name, self.executor, outputs,
                   tuple(bar.label for bar in self.bars), self.peak, self.total,
                   tuple(self.bars))

    def _fault(self, what):
        return LabError(f"executor {self.executor!r} {what}.")
