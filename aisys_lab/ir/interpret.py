"""The oracle: runs a graph node by node with NumPy, and counts what each node does."""

from dataclasses import dataclass

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten
from aisys_lab.ir.graph import need_graph, work_flops
from aisys_lab.ir.ops import OPS, by_definition
from aisys_lab.ir.spec import spec_of


def arguments(graph, args):
    """``(leaves, dims)``: the arguments flat, in the graph's input order, and what its named
    axes are; a sentence if they do not fit."""
    need_graph("interpret", graph)
    leaves = [x if hasattr(x, "dtype") else np.asarray(x) for x in flatten(tuple(args))[0]]
    if len(leaves) != len(graph.inputs):
        raise LabError(f"{graph.name} takes {len(graph.inputs)} arrays "
                       f"({', '.join(graph.inputs)}), got {len(leaves)}.")
    dims = {}
    for name, leaf in zip(graph.inputs, leaves, strict=True):
        spec = graph.specs[name]
        if not spec.fits(leaf) or not _same_dims(spec, spec_of(leaf).shape, dims):
            raise LabError(f"{graph.name}: input {name} should be {spec.at(**dims)}, got "
                           f"{spec_of(leaf)}.")
    return leaves, dims


def _same_dims(spec, shape, dims):
    return all(not isinstance(n, str) or dims.setdefault(n, m) == m
               for n, m in zip(spec.shape, shape, strict=True))


def interpret(graph, *args):
    """Runs a graph on arrays (trees are flattened) and returns the tuple of its outputs."""
    leaves, dims = arguments(graph, args)
    graph = graph.at(**dims) if dims else graph
    values = dict(zip(graph.inputs, leaves, strict=True)) | graph.constants
    for node in graph.nodes:
        out = by_definition(node.op, *(values[name] for name in node.inputs), **node.attrs)
        values.update(zip(node.outs, out if OPS[node.op].multi else (out,), strict=True))
    return tuple(values[name] for name in graph.outputs)


@dataclass(frozen=True)
class Work:
    """What one node does: operations, bytes read and written, and the dtype that it computes in."""

    name: str
    op: str
    kind: str
    flops: int
    bytes_in: int
    bytes_out: int
    dtype: str

    @property
    def bytes(self):
        return self.bytes_in + self.bytes_out


def work(graph):
    """One ``Work`` a node: each input is read once and each output written once."""
    rows = []
    for node in graph.nodes:
        ins = [graph.specs[name] for name in dict.fromkeys(node.inputs)]
        outs = [graph.specs[name] for name in node.outs]
        body = node.attrs["body"] if node.op == "fused" else None
        op = "+".join(n.op for n in body.nodes) if body is not None else node.op
        rows.append(Work(node.outs[0], op, OPS[node.op].kind, work_flops(graph, node),
                         sum(s.nbytes for s in ins), sum(s.nbytes for s in outs),
                         str(_widest(ins + outs))))
    return tuple(rows)


def _widest(specs):
    from aisys_lab.ir.spec import short
    floats = [s.dtype for s in specs if s.dtype.kind == "f"]
    return short(max(floats or [s.dtype for s in specs], key=lambda d: d.itemsize))
