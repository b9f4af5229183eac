"""Graph passes: each takes a graph and returns one that computes the same."""

from dataclasses import replace

import numpy as np

from aisys_lab.core import Table
from aisys_lab.ir import OPS, bind, prune, rename, spec_of, tidy, verify
from aisys_lab.ir.graph import need_graph
from aisys_lab.ir.text import INLINE

PASSES = Table("PASSES", "graph -> graph, computing the same", noun="pass")
DEFAULT = ("fold", "cse", "dce", "fuse")


def optimize(graph, passes=None):
    """The graph after the named passes, in order; None takes the default pipeline."""
    need_graph("optimize", graph)
    passes = (passes,) if isinstance(passes, str) else passes
    for name in DEFAULT if passes is None else passes:
        graph = PASSES[name](graph)
    return verify(graph)


def rebuild(graph, nodes, names, **changes):
    """The graph with other nodes, and outputs renamed alike."""
    outputs = tuple(names.get(name, name) for name in graph.outputs)
    return tidy(replace(graph, nodes=tuple(nodes), outputs=outputs, **changes))


@PASSES.row("fold")
def fold(graph):
    """Computes what depends on constants alone, unless the result is a larger array."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        values = [constants.get(name) for name in node.inputs]
        limit = max([INLINE, *(v.size for v in values if v is not None)])
        known = all(v is not None for v in values) and not (OPS[node.op].multi or node.after)
        if known and _size(graph.specs[node.outs[0]]) <= limit:
            constants[node.outs[0]] = np.asarray(bind(node.op, *values, **node.attrs))
        else:
            nodes.append(node)
    return rebuild(graph, nodes, {}, constants=constants)


def _size(spec):
    """Elements; infinitely many where an axis is open."""
    return np.inf if any(isinstance(n, str) for n in spec.shape) else spec.size


@PASSES.row("cse")
def cse(graph):
    """Common subexpressions: the second of two equal nodes (or constants) gives way to the first.

    Every primitive is a pure function of its inputs, so equal calls have equal results.
    """
    names, seen, nodes = {}, {}, []
    for name, array in graph.constants.items():
        names[name] = seen.setdefault(("const", spec_of(array), array.tobytes()), name)
    for node in graph.nodes:
        node = rename(node, names)
        key = (node.op, node.inputs, node.after, repr(sorted(node.attrs.items(), key=str)))
        first = seen.setdefault(key, node.outs)
        if first is node.outs:
            nodes.append(node)
        names.update(zip(node.outs, first, strict=True))
    return rebuild(graph, nodes, names)


@PASSES.row("dce")
def dce(graph):
    """Dead code: a node whose results nobody reads goes."""
    return prune(graph)
