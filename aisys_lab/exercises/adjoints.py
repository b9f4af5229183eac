"""What lab V.3 asks of reverse mode on graphs: right numbers, and no node too many."""

from collections import Counter
from dataclasses import replace

import numpy as np

from aisys_lab.autodiff import apply_graph, backward, trace, vjp
from aisys_lab.autodiff import numpy as anp
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.ir import OPS, Graph, interpret, prune

WALK = '''
def backward(graph, wrt):
    growth = lab.autodiff.Growth(graph)
    moving = set(wrt)
    for node in graph.nodes:
        if moving & set(node.inputs):
            moving |= set(node.outs)
    grads = {graph.outputs[0]: growth.constant(np.ones(()))}
    for node in reversed(graph.nodes):
        g = grads.get(node.outs[0])
        if g is None or not moving & set(node.inputs):
            continue
        values = [growth[name] for name in node.inputs]
        wanted = [name if name in moving else None for name in node.inputs]
        parts = lab.autodiff.pull_back(node.op, g, growth[node.outs[0]], values, node.attrs,
                                       wanted)
        for name, part in zip(node.inputs, parts):
            if part is not None:
                grads[name] = grads[name] + part if name in grads else part
    for name in wrt:
        if name not in grads:
            grads[name] = np.zeros(graph.specs[name].shape)
    return growth.finish([growth[name] for name in graph.outputs]
                         + [grads[name] for name in wrt])
'''
BY_USERS = '''
def backward(graph, wrt):
    growth, made = lab.autodiff.Growth(graph), {}

    def needed(name):
        node = maker.get(name)
        return name in wrt or node is not None and any(needed(x) for x in node.inputs)

    maker = {node.outs[0]: node for node in graph.nodes}
    keep = {name: needed(name) for name in graph.specs}

    def gradient(name):
        """The sum of what all users of a value give back, found from its users' gradients."""
        if name not in made:
            total = np.ones(()) if name == graph.outputs[0] else None
            for node in graph.nodes:
                if name in node.inputs and gradient(node.outs[0]) is not None:
                    for part in share(node, name):
                        total = part if total is None else total + part
            made[name] = total
        return made[name]

    def share(node, name):
        wanted = [x if x == name else None for x in node.inputs]
        parts = lab.autodiff.pull_back(
            node.op, made[node.outs[0]], growth[node.outs[0]],
            [growth[x] for x in node.inputs], node.attrs, wanted)
        return [part for part in parts if part is not None]

    found = [gradient(name) for name in wrt]
    zeros = [np.zeros(graph.specs[name].shape) for name in wrt]
    outputs = [growth[name] for name in graph.outputs]
    outputs += [z if g is None else g for g, z in zip(found, zeros)]
    return lab.ir.prune(growth.finish(outputs))
'''
WRONG = edits(WALK, {
    "a later use overwrites an earlier one": (
        "grads[name] + part if name in grads else part", "part"),
    "counts a value read twice by a node once": (
        "if part is not None:", "if part is not None and name not in node.inputs[:0] + "
        "tuple(n for n, p in zip(node.inputs, parts) if n == name)[1:]:"),
    "walks along, not back": ("in reversed(graph.nodes)", "in graph.nodes"),
    "starts from the loss, not from one": ("growth.constant(np.ones(()))",
                                           "growth[graph.outputs[0]]"),
    "differentiates by everything": ("moving = set(wrt)", "moving = set(graph.inputs)"),
    "follows dead branches": ("        if g is None or not moving & set(node.inputs):\n"
                              "            continue\n",
                              "        if g is None:\n"
                              "            g = 0 * growth[node.outs[0]]\n"),
    "computes the forward values again": (
        "g, growth[node.outs[0]], values", "g, lab.ir.bind(node.op, *values, **node.attrs), "
                                           "values"),
    "uses a weight that has been updated": (
        "        values = [growth[name] for name in node.inputs]\n",
        "        new = {n.inputs[0]: n.outs[0] for n in graph.nodes if n.op == 'sub'}\n"
        "        values = [growth[new.get(name, name)] for name in node.inputs]\n"),
    "gives the gradients alone": ("[growth[name] for name in graph.outputs]\n"
                                  "                         + ", ""),
    "gives the gradients in the order of the inputs": (
        "[grads[name] for name in wrt])", "[grads[name] for name in graph.inputs if name in "
                                          "wrt])"),
    "adds the outputs that are no loss": (
        "    for node in reversed", "    for name in graph.outputs[1:]:\n"
        "        grads[name] = np.ones(graph.specs[name].shape)\n    for node in reversed"),
})


@exercise("graph.backward", code="V.3-B", points=12, mutants=WRONG,
          different={"one walk": WALK, "by the users of a value": BY_USERS},
          hides=("autodiff.backward:backward", "autodiff.backward:adjoints",
                 "autodiff.backward:pulled", "autodiff.backward:reached",
                 "autodiff.reverse:Reverse.gradients"))
def backward_(answer, rng):
    """backward(graph, wrt) returns the graph with more outputs: behind its own, the gradients of
    its first output (one f64 number) by the inputs named in wrt, in that order; zeros for an input
    that does not matter. growth = lab.autodiff.Growth(graph) grows: growth[name] is the value of
    that name, what you compute from it becomes a node, growth.constant(array) is a constant, and
    growth.finish(values) is the graph with these outputs. lab.autodiff.pull_back(op, g, out,
    inputs, attrs, wanted) gives the gradients of a node's inputs by the rows of VJP, None where
    wanted has None or the derivative is zero. A value that is read several times gets the sum.
    Every node has one result. Nothing is computed twice, and nothing that no output needs: nodes
    are counted."""
    for case in range(4):
        graph, wrt = drawn(rng, case)
        grown = answer(graph, wrt)
        for case in judged(rng, graph, wrt, grown):
            yield case if case.ok else replace(case, message=f"{case.message}. The graph is\n"
                                                             f"{graph}")
            if not case.ok:
                return


UNARY = (anp.tanh, anp.sin, lambda v: v * v, lambda v: 1 / (1 + v * v), lambda v: v + v, anp.exp)
BINARY = (anp.add, anp.multiply, anp.subtract, anp.maximum)


def drawn(rng, case):
    """``(graph, wrt)``: shared values, dead branches, inputs that do not matter, an update."""
    plan = rng.integers(0, 100, (4, 3)).tolist()

    def f(w, x, v, unused):
        values = [x, anp.tanh(w @ x)]
        for op, i, j in plan:
            a, b = values[i % len(values)], values[j % len(values)]
            values.append(UNARY[op % 6](a) / 2 if op % 2 else BINARY[op % 4](a, b) / 2)
        updated = w - 0.1 * v  # as an optimizer does, before w is read again
        loss = anp.sum(values[-1] * values[-2]) + anp.sum(anp.sin(w) * updated @ values[1])
        return loss + anp.sum(x * x), anp.exp(values[2]) * v[0], updated

    x = np.ones(3)
    graph = prune(trace(f, np.ones((3, 3)), x, np.ones((3, 3)), x))
    names = ["w", "x", "v", "unused"]
    wrt = names if case == 0 else [names[i] for i in rng.permutation(4)[:1 + case % 3]]
    return graph, ["x", "w"] if case == 3 else wrt


def judged(rng, graph, wrt, grown):
    """The cases of one joint graph."""
    given = f"backward(graph, {wrt}): "
    yield Case(isinstance(grown, Graph) and grown.inputs == graph.inputs
               and len(grown.outputs) == len(graph.outputs) + len(wrt),
               f"{given}expected a graph with the same inputs and {len(graph.outputs)} + "
               f"{len(wrt)} outputs, came {heading(grown)}")
    args = [rng.standard_normal(graph.specs[name].shape) for name in graph.inputs]
    came, n = interpret(grown, *args), len(graph.outputs)
    for name, got, want in zip(graph.outputs, came, interpret(graph, *args), strict=False):
        yield Case(np.array_equal(got, want), f"{given}expected output {name} as it was")
    slopes = dict(zip(graph.inputs, vjp(lambda *xs: apply_graph(graph)(*xs)[0], *args)[1](
        np.ones(())), strict=True))
    for name, got in zip(wrt, came[n:], strict=True):
        yield Case(got.shape == slopes[name].shape and np.allclose(got, slopes[name], 1e-9, 1e-9),
                   f"{given}gradient by {name}: expected what the tape gives, "
                   f"{slopes[name].ravel()[:3]} …, came {got.ravel()[:3]} …")
    yield from differences(rng, graph, wrt, args, came[n:], given)
    yield from frugal(graph, wrt, grown, given)


def heading(value):
    return str(value).splitlines()[0] if isinstance(value, Graph) else type(value).__name__


def differences(rng, graph, wrt, args, grads, given, h=1e-6):
    """Central differences along one random direction."""
    moves = {name: rng.standard_normal(graph.specs[name].shape) for name in wrt}

    def loss(s):
        return interpret(graph, *(x + s * moves[name] if name in moves else x
                                  for name, x in zip(graph.inputs, args, strict=True)))[0]
    want = (loss(h) - loss(-h)) / (2 * h)
    got = sum(np.sum(g * moves[name]) for name, g in zip(wrt, grads, strict=True))
    yield Case(abs(want - got) < 1e-5 * max(1, abs(want)),
               f"{given}along a direction: expected a slope of {want:.8g}, came {got:.8g}")


def frugal(graph, wrt, grown, given):
    """No more arithmetic than the package's own walk needs, but for a few additions."""
    have, need = (Counter(node.op for node in g.nodes if OPS[node.op].kind != "shape")
                  for g in (grown, backward(graph, wrt)))
    need["add"] += len(wrt) + 1
    for op, count in sorted((have - need).items()):
        yield Case(False, f"{given}expected at most {need[op]} nodes {op}, came {have[op]} "
                          f"({count} too many): something is computed twice, or in vain")
