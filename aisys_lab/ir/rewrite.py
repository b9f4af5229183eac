"""Rewriting graphs: other names, fused nodes opened, nodes that nobody reads taken out."""

from dataclasses import replace

from aisys_lab.ir.graph import tidy


def rename(node, names):
    """The node reading other names."""
    inputs, after = (tuple(names.get(name, name) for name in row)
                     for row in (node.inputs, node.after))
    return replace(node, inputs=inputs, after=after)


def prune(graph):
    """The graph without nodes whose results nobody reads."""
    live, kept = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if live.intersection(node.outs):
            kept.append(node)
            live.update(node.inputs, node.after)
    return tidy(replace(graph, nodes=tuple(reversed(kept))))


def inline(graph):
    """The graph with fused nodes opened again: what fusion undoes to."""
    nodes, specs, constants = [], dict(graph.specs), dict(graph.constants)
    for node in graph.nodes:
        if node.op != "fused":
            nodes.append(node)
            continue
        body = node.attrs["body"]
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
