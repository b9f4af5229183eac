"""Reverse mode from graph to graph: as the tape in numbers and in nodes; faults as sentences."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import Growth, backward
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import Graph, Node, Spec, interpret, parse, prune, verify
from programs import PROGRAMS, SHAPES, inputs, program

SAME = {"gt": "lt", "ge": "le"}  # 0 > x is written x < 0 where the 0 is a number of Python


def ops(graph):
    return Counter(SAME.get(node.op, node.op) for node in graph.nodes)


def nodes_of(graph):
    """What the graph's nodes compute, without their names."""
    known = {name: (name,) for name in graph.inputs}
    known |= {name: (str(x.dtype), x.shape, x.tobytes()) for name, x in graph.constants.items()}
    for node in graph.nodes:
        reads = [known[name] for name in node.inputs]
        key = (SAME.get(node.op, node.op), tuple(reads[::-1] if node.op in SAME else reads),
               str(sorted(node.attrs.items())))
        known |= {name: (i, hash(key)) for i, name in enumerate(node.outs)}
    return Counter(known[node.outs[0]] for node in graph.nodes)


@given(PROGRAMS, SHAPES, st.integers(0, 99), st.sampled_from([np.float32, np.float64]))
def test_the_joint_graph_is_that_of_the_tape(steps, shape, seed, dtype):
    assume(not any(step[0] == "softmax" for step in steps))  # stop_gradient leaves no node
    f, args = program(steps), inputs(shape, dtype, seed)
    grown = backward(lab.trace(lambda x, y: f(x, y)[1], *args))
    traced = prune(lab.trace(lab.value_and_grad(lambda xs: f(*xs)[1]), tuple(args)))
    assert ops(grown) == ops(traced)
    assert nodes_of(grown) == nodes_of(renamed(traced, grown.inputs))
    for a, b in zip(interpret(verify(grown), *args), interpret(traced, *args), strict=True):
        np.testing.assert_array_equal(a, b)
    assert parse(str(grown), grown.constants) == grown


def renamed(graph, inputs):
    """The graph with other names for its inputs."""
    names = dict(zip(graph.inputs, inputs, strict=True))

    def new(row):
        return tuple(names.get(name, name) for name in row)
    nodes = tuple(Node(node.outs, node.op, new(node.inputs), node.attrs) for node in graph.nodes)
    specs = {names.get(name, name): spec for name, spec in graph.specs.items()}
    return Graph(graph.name, new(graph.inputs), new(graph.outputs), nodes, specs, graph.constants)


def net(params, x, y):
    hidden = anp.tanh(x @ params["w"] + params["b"])
    return anp.mean(anp.square(hidden @ params["v"] - y))


def test_a_network_forward_and_backward():
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((6, 5)), "b": np.zeros(5), "v": rng.standard_normal((5, 3))}
    x, y = rng.standard_normal((4, 6)), rng.standard_normal((4, 3))
    graph = lab.trace(net, params, x, y)
    grown = backward(graph, ("w", "b", "v"))
    value, *grads = interpret(grown, params, x, y)
    want, slopes = lab.value_and_grad(net)(params, x, y)
    assert value == want
    for got, slope in zip(grads, slopes.values(), strict=True):
        np.testing.assert_array_equal(got, slope)
    assert ops(grown) == ops(prune(lab.trace(lab.value_and_grad(net), params, x, y)))
    assert grown.nodes[:len(graph)] == graph.nodes and grown.inputs == graph.inputs
    assert len(backward(graph, "v")) < len(grown)


def test_a_classifier():
    model, rng = lab.models.MLP([6, 5, 3]), np.random.default_rng(0)
    params = model.init(0)
    x, labels = rng.standard_normal((4, 6)).astype("f4"), np.array([0, 2, 1, 1])
    graph = lab.trace(model.loss, params, x, labels)
    _, *grads = interpret(backward(graph, graph.inputs[:4]), params, x, labels)
    slopes = lab.core.tree.flatten(lab.grad(model.loss)(params, x, labels))[0]
    for got, slope in zip(grads, slopes, strict=True):
        np.testing.assert_allclose(got, slope, rtol=1e-5, atol=1e-7)


def test_the_printed_joint_graph():
    graph = lab.trace(lambda x, w: anp.sum(anp.sin(x * w) * x), np.ones(3), np.ones(3))
    assert str(backward(graph, "x")) == """\
graph lambda
  input x  : f64[3]
  input w  : f64[3]
  const c0 : f64[]  = 1.0
  t0       : f64[3] = mul(x, w)
  t1       : f64[3] = sin(t0)
  t2       : f64[3] = mul(t1, x)
  t3       : f64[]  = sum(t2, axis=(0,), keepdims=False)
  t4       : f64[3] = broadcast_to(c0, shape=(3,))
  t5       : f64[3] = mul(t4, x)
  t6       : f64[3] = mul(t4, t1)
  t7       : f64[3] = cos(t0)
  t8       : f64[3] = mul(t5, t7)
  t9       : f64[3] = mul(t8, w)
  t10      : f64[3] = add(t6, t9)
  output t3, t10"""


def test_dead_branches_and_several_outputs():
    def f(x, w, z):
        dead = anp.exp(x) * z
        return anp.sum(x * w), dead, anp.sum(z)
    args = np.ones(3), np.arange(3.0), np.ones(3)
    graph = lab.trace(f, *args)
    grown = backward(graph, ("w", "z"))
    total, dead, side, dw, dz = interpret(grown, *args)
    assert dw.tolist() == [1, 1, 1] and dz.tolist() == [0, 0, 0] and len(grown.outputs) == 5
    assert ops(grown) - ops(graph) == Counter(mul=1, broadcast_to=2)
    alone = backward(graph.but(outputs=graph.outputs[:1]), "w")
    assert "exp" not in ops(alone)


def test_the_loss_may_be_an_input_and_an_input_may_not_matter():
    graph = lab.trace(lambda x, y: x, np.float64(2), np.ones(2))
    out, dx, dy = interpret(backward(graph), np.float64(2), np.ones(2))
    assert (out, dx, dy.tolist()) == (2, 1, [0, 0])
    floor = lab.trace(lambda x: anp.sum(anp.floor(x)), np.ones(3))
    assert interpret(backward(floor), np.ones(3))[1].tolist() == [0, 0, 0]


def test_fused_nodes_are_opened():
    args = np.linspace(-1, 1, 6), np.linspace(0, 2, 6)
    graph = lab.trace(lambda x, w: anp.sum(anp.tanh(x * w + 1) * x), *args)
    fused = lab.optimize(graph, ["fuse"])
    assert "fused" in ops(fused)
    grown = backward(fused)
    assert ops(grown) == ops(backward(graph))
    for a, b in zip(interpret(grown, *args), interpret(backward(graph), *args), strict=True):
        np.testing.assert_array_equal(a, b)
    again = lab.optimize(grown)
    np.testing.assert_allclose(interpret(again, *args)[1], interpret(grown, *args)[1])


def test_a_graph_differentiated_twice():
    graph = lab.trace(lambda x: anp.sum(anp.sin(x) * x), np.float64(0.7))
    once = backward(graph)
    slope = once.but(outputs=(once.outputs[1],))
    twice = interpret(backward(slope), np.float64(0.7))[1]
    assert twice == pytest.approx(2 * np.cos(0.7) - 0.7 * np.sin(0.7))


def test_a_row_of_mine_is_used_and_a_missing_one_is_named():
    graph = lab.trace(lambda x: anp.sum(anp.sin(x)), np.ones(2))
    with lab.attempt():
        lab.VJP["sin"] = (lambda g, out, x: g * 5,)
        assert interpret(backward(graph), np.ones(2))[1].tolist() == [5, 5]
    lone = Graph("g", ("x",), ("t",), (Node(("t",), "lonely", ("x",)),),
                 {name: Spec((), "f64") for name in "xt"})
    with lab.attempt():
        lab.OPS["lonely"] = lab.OPS["sin"]
        with pytest.raises(LabError, match="no vjp rule 'lonely' in VJP"):
            backward(lone)
    with lab.attempt(), pytest.raises(LabError, match="the vjp rule of sin gives"):
        lab.VJP["sin"] = (lambda g, out, x: anp.sum(g) * np.ones(3),)
        backward(graph)


@pytest.mark.parametrize("f, wrt, sentence", [
    (lambda x, n: x * 2, None, r"the first output of lambda is f64\[3\]; it should be one"),
    (lambda x, n: anp.sum(n), None, r"is i64\[\]; it should be one floating-point"),
    (lambda x, n: anp.sum(x), "n", "wrt names 'n'; the floating-point inputs of lambda are: x"),
    (lambda x, n: anp.sum(x), ["x", "q"], "wrt names 'q'"), (lambda x, n: (), None, "is none"),
])
def test_faults_are_sentences(f, wrt, sentence):
    graph = lab.trace(f, np.ones(3), np.arange(3))
    with pytest.raises(LabError, match=sentence):
        backward(graph, wrt)


def test_a_graph_goes_on_growing():
    graph = lab.trace(lambda x: x * x, np.ones(3))
    growth = Growth(graph)
    more = growth.finish([growth["t0"], anp.sum(growth["t0"] + growth["x"])])
    assert [node.op for node in verify(more).nodes] == ["mul", "add", "sum"]
    assert interpret(more, np.arange(3.0))[1] == 8
    with pytest.raises(LabError, match="takes a graph"):
        backward("graph")


def test_stop_gradient_is_in_the_graph():
    """A straight-through estimator: rounding ahead, nothing on the way back."""
    def f(x):
        return anp.sum((x + anp.stop_gradient(anp.rint(x) - x)) ** 2)
    x = np.array([0.2, 1.7, -2.4])
    value, slope = interpret(backward(lab.trace(f, x)), x)
    assert value == 8.0
    np.testing.assert_allclose(slope, lab.grad(f)(x))
    np.testing.assert_allclose(slope, 2 * np.rint(x))
    np.testing.assert_allclose(lab.compile(lab.trace(f, x))(x)[0], value)


def test_numbers_of_python_are_inputs_too():
    loop = lab.trace(lambda x: anp.while_loop(lambda y: y < 10, lambda y: y * x, x), 3.0)
    value, slope = interpret(backward(loop), 3.0)
    assert (value, slope) == (27.0, 27.0)
