"""Reverse mode is forward mode transposed: linearise by the JVP rows, then turn the graph round.

A. Radul, A. Paszke, R. Frostig, M. Johnson, D. Maclaurin, "You Only Linearize Once: Tangents
Transpose to Gradients", POPL 2023, doi:10.1145/3571236. JAX has its reverse mode from here.
"""

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.rules import unbroadcast
from aisys_lab.autodiff.trace import trace
from aisys_lab.autodiff.verbs import jvp
from aisys_lab.core import LabError, Table
from aisys_lab.ir import OPS, bind, interpret

TRANSPOSE = Table("TRANSPOSE", "linear ops turned round: (g, *inputs, **attrs) -> gradient",
                  noun="transpose rule")

# one function an input; what moves comes as a spec, what is constant as an array
for _op, _row in {
    "neg": (lambda g, x: -g,),
    "add": (lambda g, x, y: g, lambda g, x, y: g),
    "sub": (lambda g, x, y: g, lambda g, x, y: -g),
    "mul": (lambda g, x, y: g * y, lambda g, x, y: x * g),
    "div": (lambda g, x, y: g / y,),  # linear above the line only
    "where": (None, lambda g, c, x, y: anp.where(c, g, 0), lambda g, c, x, y: anp.where(c, 0, g)),
    "cast": (lambda g, x, dtype: anp.astype(g, x.dtype),),
    "matmul": (lambda g, x, y: unbroadcast(g @ anp.swapaxes(y, -1, -2), x),
               lambda g, x, y: unbroadcast(anp.swapaxes(x, -1, -2) @ g, y)),
    "sum": (lambda g, x, axis, keepdims: _spread(g, x, axis, keepdims),),
    "broadcast_to": (lambda g, x, shape: unbroadcast(g, x),),
    "reshape": (lambda g, x, shape: anp.reshape(g, x.shape),),
    "transpose": (lambda g, x, axes: anp.transpose(g, np.argsort(axes)),),
    "slice": (lambda g, x, **at: bind("unslice", g, shape=x.shape, **at),),
    "unslice": (lambda g, x, shape, **at: bind("slice", g, **at),),
}.items():
    TRANSPOSE.define(_op, _row)


def _spread(g, x, axis, keepdims):
    """A sum turned round: its gradient, everywhere where it was summed."""
    kept = tuple(1 if i in axis else n for i, n in enumerate(x.shape))
    return anp.broadcast_to(g if keepdims else anp.reshape(g, kept), x.shape)


def linearize(f, *xs):
    """``(out, graph)``: f at xs, and its derivative there, a linear graph from tangent to tangent.

    Forward mode runs on tangents of which only the spec is known, so that what does not depend on
    them is computed at once, and what remains in the graph is linear.
    """
    found = []

    def tangent(*moves):
        out, moved = jvp(f, xs, moves)
        found.append(out)
        return moved

    graph = trace(tangent, *xs)
    return found[0], graph


def transpose(linear):
    """The graph from a gradient of the one output to a gradient of each input."""
    def back(g):
        waiting = {linear.outputs[0]: g}
        for node in reversed(linear.nodes):
            if node.outs[0] in waiting:
                for name, part in _turned(linear, node, waiting.pop(node.outs[0])):
                    waiting[name] = waiting[name] + part if name in waiting else part
        return tuple(waiting.get(name, np.zeros(spec.shape, spec.dtype))
                     for name, spec in ((n, linear.specs[n]) for n in linear.inputs))

    return trace(back, linear.specs[linear.outputs[0]])


def _turned(graph, node, g):
    """``(name, gradient)`` of each input of a linear node that is not constant."""
    xs = [graph.constants.get(name, graph.specs[name]) for name in node.inputs]
    rules = TRANSPOSE[node.op]
    for k, (name, x) in enumerate(zip(node.inputs, xs, strict=True)):
        if name in graph.constants:
            continue
        if k >= len(rules) or rules[k] is None:
            raise LabError(f"transpose: {node.op} is not linear in its input {k}, {name}.")
        part = rules[k](g, *xs, **node.attrs)
        yield name, unbroadcast(part, x) if OPS[node.op].kind == "elementwise" else part


def vjp(f, *xs):
    """``(out, pull)`` as `aisys_lab.vjp` gives them, but from the JVP rows alone."""
    out, linear = linearize(f, *xs)
    back = transpose(linear)
    return out, lambda g: interpret(back, g)
