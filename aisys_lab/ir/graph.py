"""Graphs: typed, in single assignment, frozen; what every later stage takes and returns."""

from dataclasses import dataclass, field, replace

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.ops import OPS, define
from aisys_lab.ir.spec import Spec


@dataclass(frozen=True)
class Node:
    """One application of an op: names in, names out; ``attrs`` are plain values or body graphs.

    ``after`` are control edges: names of values that must have been made before, though the node
    does not read them.
    """

    outs: tuple
    op: str
    inputs: tuple
    attrs: dict = field(default_factory=dict)
    after: tuple = ()

    @property
    def label(self):
        """The node as errors name it."""
        return f"{', '.join(self.outs)} = {self.op}({', '.join(self.inputs)})"


@dataclass(frozen=True)
class Graph:
    """Nodes in order of execution; ``specs`` types every name, ``constants`` holds arrays by name.

    All inputs and outputs are kept, used or not, in order, through every pass.
    """

    name: str
    inputs: tuple
    outputs: tuple
    nodes: tuple
    specs: dict
    constants: dict = field(default_factory=dict)
    is_leaf = True

    def __str__(self):
        from aisys_lab.ir.text import show_graph
        return show_graph(self)

    __repr__ = __str__

    def __len__(self):
        return len(self.nodes)

    def __eq__(self, other):
        return isinstance(other, Graph) and str(self) == str(other) and all(
            np.array_equal(array, other.constants.get(name), equal_nan=array.dtype.kind == "f")
            for name, array in self.constants.items())

    __hash__ = None

    @property
    def nbytes(self):
        """Bytes of the constants: what the weights of a frozen model take."""
        return sum(array.nbytes for array in self.constants.values())

    def but(self, **changes):
        """The graph with fields replaced; constants and specs nobody names any more are dropped."""
        return tidy(replace(self, **changes))

    def at(self, **dims):
        """The graph with named axes replaced by numbers: ``graph.at(N=64)``."""
        specs = {name: spec.at(**dims) for name, spec in self.specs.items()}
        nodes = tuple(replace(node, attrs={key: _at(value, dims)
                                           for key, value in node.attrs.items()})
                      for node in self.nodes)
        return replace(self, specs=specs, nodes=nodes)

    def users(self):
        """Name -> the nodes that read it."""
        table = {name: [] for name in self.specs}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                table[name].append(node)
        return table


def _at(value, dims):
    if isinstance(value, Graph):
        return value.at(**dims)
    if isinstance(value, tuple):
        return tuple(dims.get(n, n) if isinstance(n, str) else n for n in value)
    return value


def tidy(graph):
    """Drops constants and specs that no node, input or output names."""
    used = {*graph.inputs, *graph.outputs}
    for node in graph.nodes:
        used.update(node.inputs, node.outs, node.after)
    return replace(graph, specs={name: s for name, s in graph.specs.items() if name in used},
                   constants={name: c for name, c in graph.constants.items() if name in used})


def infer(node, specs):
    """Specs of a node's outputs from those of its inputs."""
    op = OPS[node.op]
    try:
        out = op.infer(*(specs[name] for name in node.inputs), **node.attrs)
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        given = [*(str(specs[name]) for name in node.inputs),
                 *(f"{key}={value!r}" for key, value in node.attrs.items())]
        raise LabError(f"{node.op} does not take ({', '.join(given)}).") from None
    return tuple(out) if op.multi else (out,)


def need_graph(verb, graph):
    """The graph itself; a sentence if it is none."""
    if not isinstance(graph, Graph):
        raise LabError(f"{verb} takes a graph, as trace(f, *args) gives one, got a "
                       f"{type(graph).__name__}.")
    return graph


def verify(graph):
    """The graph itself if it is sound; else a sentence that names the first fault."""
    need_graph("verify", graph)
    known = {*graph.inputs, *graph.constants}
    if len(known) < len(graph.inputs) + len(graph.constants):
        raise LabError(f"graph {graph.name} has two inputs or constants of one name: "
                       f"{', '.join([*graph.inputs, *graph.constants])}.")
    _verify_specs(graph)
    for name, array in graph.constants.items():
        if not graph.specs[name].fits(array):
            raise LabError(f"constant {name} is {graph.specs[name]} in the specs but holds "
                           f"{Spec(array.shape, array.dtype)}.")
    for node in graph.nodes:
        _verify_node(graph, node, known)
        known.update(node.outs)
    missing = [name for name in graph.outputs if name not in known]
    if missing:
        raise LabError(f"output {missing[0]} is never made; nodes make: "
                       f"{', '.join(sorted(known))}.")
    return graph


def _verify_specs(graph):
    made = [name for node in graph.nodes for name in node.outs]
    for name in (*graph.inputs, *graph.constants, *made):
        if name not in graph.specs:
            raise LabError(f"{name} has no spec in graph {graph.name}.")


def _verify_node(graph, node, known):
    for name in (*node.inputs, *node.after):
        if name not in known:
            raise LabError(f"{node.label}: {name} is used before it is made{_circle(graph)}.")
    for name in node.outs:
        if name in known:
            raise LabError(f"{node.label}: {name} is made twice.")
    made = infer(node, graph.specs)
    said = tuple(graph.specs[name] for name in node.outs)
    if made != said:
        raise LabError(f"{node.label}: makes {', '.join(map(str, made))}, the graph says "
                       f"{', '.join(map(str, said))}.")
    for body in (value for value in node.attrs.values() if isinstance(value, Graph)):
        verify(body)


def _circle(graph):
    """The cycle that a graph has, for the end of a sentence."""
    from aisys_lab.ir.order import named_cycle
    names = named_cycle(graph)
    return f", in a cycle: {' -> '.join(names)}" if names else ""


# ---- a node that holds a small graph of its own, as fusion makes them

def _eval_fused(*inputs, body):
    from aisys_lab.ir.interpret import interpret
    return interpret(body, *inputs)


def _flops_fused(*specs, body):
    return sum(work_flops(body, node) for node in body.nodes)


def work_flops(graph, node):
    """Operations of one node of a graph."""
    return OPS[node.op].flops(*(graph.specs[name] for name in node.inputs), **node.attrs)


def _infer_fused(*specs, body):
    takes = tuple(body.specs[name] for name in body.inputs)
    if specs != takes:
        raise LabError(f"fused: the body takes ({', '.join(map(str, takes))}), got "
                       f"({', '.join(map(str, specs))}).")
    return tuple(body.specs[name] for name in body.outputs)


define("fused", _eval_fused, _infer_fused, _flops_fused, "fused", multi=True)
