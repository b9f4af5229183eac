"""Reverse mode from graph to graph: the gradients become further nodes of the same graph.

PyTorch's AOTAutograd calls the result the joint graph; here it is also what
``trace(value_and_grad(f))`` gives, reached without running ``f`` again.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.forward import push_forward
from aisys_lab.autodiff.numpy.creation import constant_beside
from aisys_lab.autodiff.reverse import add_to, pull_back
from aisys_lab.autodiff.tensor import JVP, VJP, Tensor, is_float, running
from aisys_lab.autodiff.trace import Trace
from aisys_lab.core import LabError, slot
from aisys_lab.ir import OPS, Graph, inline, prune, tidy, verify
from aisys_lab.ir.control import saved
from aisys_lab.ir.graph import need_graph


class Growth(Trace):
    """A graph that goes on growing: ``growth[name]`` is the value of that name, and what is done
    with it in `aisys_lab.autodiff.numpy` becomes a further node."""

    name = "growing a graph"

    def __init__(self, graph):
        super().__init__()
        running.modes.discard(self)  # no function is under way in it
        self.graph = graph
        self.nodes, self.specs = list(graph.nodes), dict(graph.specs)
        self.constants = dict(graph.constants)
        for name, x in self.constants.items():
            self.known[(x.dtype, x.tobytes()) if x.ndim == 0 else id(x)] = name, x

    def __getitem__(self, name):
        """A constant as its array, any other value as a traced one."""
        if name in self.constants:
            return self.constants[name]
        return Tensor(self.specs[name], self, name)

    def results(self, node):
        """What a node makes: one value, or a tuple where its op has several results."""
        made = tuple(self[name] for name in node.outs)
        return made if OPS[node.op].multi else made[0]

    def saving(self, node):
        """The node, or in its place one that keeps what its derivative needs: a scan also gives
        the values that each trip started from."""
        if node.op != "scan" or "saved" in node.attrs:
            return node
        attrs, first = saved(node.attrs), len(node.outs)
        specs = OPS["scan"].infer(*(self.specs[name] for name in node.inputs), **attrs)
        more = [self.input(self._fresh("t", len(self.nodes)), spec).note for spec in specs[first:]]
        longer = replace(node, outs=(*node.outs, *more), attrs=attrs)
        self.nodes = [longer if n is node else n for n in self.nodes]
        return longer

    def input_for(self, letter, name):
        """A new input of the spec of ``name``: its gradient or its tangent."""
        fresh = f"{letter}_{name}"
        while fresh in self.specs:
            fresh += "_"
        return self.input(fresh, self.specs[name])

    def finish(self, outputs, inputs=None):
        """The graph with these values as its outputs."""
        names = tuple(self.name_of(x) for x in outputs)
        return tidy(Graph(self.graph.name, tuple(inputs or self.graph.inputs), names,
                          tuple(self.nodes), self.specs, self.constants))


@slot("graph.backward")
def backward(graph, wrt=None) -> Graph:
    """The graph with more outputs: the gradients of its first output by the inputs ``wrt``.

    ``wrt`` is a name or several; None takes all inputs that are floats. A graph says what is
    computed, so what custom rules said while it was traced is not in it. Raises
    LabError where the first output is no single number, for names that are no floating-point
    inputs, and for an op without a rule.
    """
    need_graph("backward", graph)
    loss, wrt = _loss(verify(graph)), _wrt(graph, wrt)
    growth = Growth(inline(graph))
    one = growth.constant(np.ones((), graph.specs[loss].dtype))
    grads = adjoints(growth, {loss: one}, wrt)
    return prune(growth.finish([*map(growth.__getitem__, graph.outputs),
                                *(gradient(growth, name, grads) for name in wrt)]))


def _loss(graph):
    """The name of the first output; a sentence if it is no single floating-point number."""
    spec = graph.specs[graph.outputs[0]] if graph.outputs else "none"
    if not graph.outputs or spec.shape or not is_float(spec):
        raise LabError(f"backward: the first output of {graph.name} is {spec}; it should be one "
                       f"floating-point number, as a loss is.")
    return graph.outputs[0]


def _wrt(graph, wrt):
    """The names of the inputs to differentiate by."""
    floats = [name for name in graph.inputs if is_float(graph.specs[name])]
    wrt = floats if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
    wrong = [name for name in wrt if name not in floats]
    if wrong:
        raise LabError(f"backward: wrt names {wrong[0]!r}; the floating-point inputs of "
                       f"{graph.name} are: {', '.join(floats)}.")
    return wrt


def adjoints(growth, seeds, wrt):
    """``{name: gradient}``: walks the nodes back from ``seeds``, by the rows of VJP.

    Only nodes on a way from ``wrt`` to the seeds are visited; every use of a value adds its share.
    """
    waiting = defaultdict(lambda: None, seeds)
    moving = reached(growth.graph, wrt)
    for node in reversed(growth.graph.nodes):
        gs = [waiting.pop(name, None) for name in node.outs]
        wanted = [name if name in moving else None for name in node.inputs]
        if not moving.isdisjoint(node.outs) and any(g is not None for g in gs):
            node = growth.saving(node)
            out, g = growth.results(node), zero_filled(gs, growth.results(node))
            values = [growth[name] for name in node.inputs]
            for name, part in zip(wanted, pull_back(node.op, g, out, values, node.attrs, wanted),
                                  strict=True):
                if part is not None:
                    add_to(waiting, name, part)
    return waiting


def zero_filled(gs, out):
    """One gradient a result, as the rules want them: zeros for results that nothing waits for."""
    if not isinstance(out, tuple):
        return gs[0]
    gs = [*gs, *[None] * (len(out) - len(gs))]
    return tuple(anp.zeros_like(x) if g is None else g for g, x in zip(gs, out, strict=True))


def reached(graph, wrt):
    """Names of all values that depend on ``wrt`` through ops that have a derivative."""
    moving = set(wrt)
    for node in graph.nodes:
        if not moving.isdisjoint(node.inputs) and VJP[node.op] is not None:
            moving.update(node.outs)
    return moving


def gradient(growth, name, grads):
    """The gradient (or tangent) of a value; zeros where nothing came."""
    g = grads.get(name)
    return zeros(growth[name]) if g is None else g


def zeros(x):
    """Zeros like ``x``; in a graph they are spread from one, so that it holds no large constant."""
    return anp.broadcast_to(constant_beside(x, np.zeros((), x.dtype)), x.shape)


# ---- bodies of branches and loops

def pulled(graph, wanted, whole=False):
    """The reverse of a body: its inputs, and a gradient for each output where ``wanted`` says so,
    to the gradients of its inputs that are floats.

    ``whole`` has a gradient for every output and of every input; those of whole numbers are not
    looked at, and zero.
    """
    growth, seeds = Growth(inline(graph)), defaultdict(lambda: None)
    inputs = list(graph.inputs)
    for name, want in zip(graph.outputs, wanted, strict=True):
        if want or whole:
            g = growth.input_for("g", name)
            inputs.append(g.note)
        if want:
            add_to(seeds, name, g)
    wrt = [name for name in graph.inputs if is_float(graph.specs[name])]
    grads = adjoints(growth, seeds, wrt)
    return prune(growth.finish([gradient(growth, name, grads)
                                for name in (graph.inputs if whole else wrt)], inputs))


def pushed(graph, moving):
    """The forward derivative of a body: its inputs, and a tangent for each of those in
    ``moving``, to its outputs and their tangents (of outputs that are floats)."""
    growth = Growth(inline(graph))
    tangents = {name: growth.input_for("d", name) for name in moving}
    for node in growth.graph.nodes:
        ts = [tangents.get(name) for name in node.inputs]
        if any(t is not None for t in ts) and JVP[node.op] is not None:
            values = [growth[name] for name in node.inputs]
            given = (growth.results(node), *values)
            out = push_forward(node.op, ts, given, node.attrs)
            tangents.update(zip(node.outs, out if OPS[node.op].multi else (out,), strict=True))
    inputs = [*graph.inputs, *(tangents[name].note for name in moving)]
    floats = [name for name in graph.outputs if is_float(graph.specs[name])]
    return prune(growth.finish([*map(growth.__getitem__, graph.outputs),
                                *(gradient(growth, name, tangents) for name in floats)], inputs))
