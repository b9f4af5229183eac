"""Graph passes: each takes a graph and returns one that computes the same."""

from dataclasses import replace

import numpy as np

from aisys_lab.core import Table
from aisys_lab.ir import OPS, Graph, bind, spec_of, tidy, verify
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


def rename(node, names):
    """The node reading other names."""
    inputs, after = (tuple(names.get(name, name) for name in row)
                     for row in (node.inputs, node.after))
    return replace(node, inputs=inputs, after=after)


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
    live, kept = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if live.intersection(node.outs):
            kept.append(node)
            live.update(node.inputs, node.after)
    return rebuild(graph, reversed(kept), {})


def inline(graph):
    """The graph with fused nodes opened again: what fusion undoes to."""
    nodes, specs, constants = [], dict(graph.specs), dict(graph.constants)
    for node in graph.nodes:
        body = node.attrs.get("body")
        if not isinstance(body, Graph):
            nodes.append(node)
            continue
        names = {name: _apart(name, body.constants.get(name), specs, constants)
                 for name in body.specs}
        names |= dict(zip(body.inputs, node.inputs, strict=True))
        names |= dict(zip(body.outputs, node.outs, strict=True))
        nodes += [replace(rename(n, names), outs=tuple(names[o] for o in n.outs))
                  for n in body.nodes]
        specs |= {names[name]: spec for name, spec in body.specs.items()}
        constants |= {names[name]: array for name, array in body.constants.items()}
    return replace(graph, nodes=tuple(nodes), specs=specs, constants=constants)


def _apart(name, array, specs, constants):
    """A name that the graph does not have, or has for the same constant."""
    def same(other):
        return array is not None and other is not None and (
            array.dtype == other.dtype and array.tobytes() == other.tobytes())
    while name in specs and not same(constants.get(name)):
        name += "_"
    return name
