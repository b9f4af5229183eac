"""Tracing: names, constants, open axes, and what a trace cannot know."""

import functools

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import apply_graph
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError

X = np.arange(6.0).reshape(2, 3)


def traced(f, *args, **options):
    graph = lab.trace(f, *args, **options)
    assert lab.parse(str(graph), graph.constants) == graph
    return graph


def same(f, *args):
    """The graph, after it has computed what the function does."""
    graph = traced(f, *args)
    want = f(*args)
    for got, value in zip(lab.interpret(graph, *args),
                          want if isinstance(want, tuple) else (want,), strict=True):
        np.testing.assert_array_equal(got, value)
        assert np.asarray(got).dtype == np.asarray(value).dtype
    return graph


def test_the_joint_graph_of_the_tour():
    train, _ = lab.datasets.digits()
    model = lab.models.MLP([64, 16, 10])
    step = lab.value_and_grad(model.loss)
    graph = traced(step, model.params, *train[:8])
    assert graph.inputs == ("layer1.w", "layer1.b", "layer2.w", "layer2.b", "x", "y")
    loss, grads = step(model.params, *train[:8])
    found = lab.interpret(graph, model.params, *train[:8])
    np.testing.assert_array_equal(found[0], loss)
    for got, want in zip(found[1:], (g for p in grads.values() for g in p.values()), strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == np.float32


@pytest.mark.parametrize("f, args, names", [
    (lambda x, y: x + y, (1.0, 2.0), ("x", "y")),
    (lambda p, x: p["w"] * x, ({"w": 1.0}, 2.0), ("w", "x")),
    (lambda p, q: p["w"] * q["w"], ({"w": 1.0}, {"w": 2.0}), ("p.w", "q.w")),
    (lambda p: p[0] * p[1], ([1.0, 2.0],), ("p.0", "p.1")),
    (lambda *xs: xs[0] * xs[1], (1.0, 2.0), ("x0", "x1")),
    (lambda p: p["a-b c"] * 2, ({"a-b c": 1.0},), ("a_b_c",)),
    (functools.partial(lambda k, x: k * x, 3), (1.0,), ("x",)),
])
def test_inputs_are_named_after_parameters_and_keys(f, args, names):
    assert same(f, *args).inputs == names


def test_names_of_arguments_do_not_meet_names_of_nodes():
    graph = same(lambda t0, c0, t1: (t0 * 2 + c0, t1), 3.0, 4.0, 5.0)
    assert graph.inputs == ("t0", "c0", "t1")
    with pytest.raises(LabError, match="two arguments would be named p.a_b; rename a key"):
        lab.trace(lambda p: p["a-b"], {"a-b": 1.0, "a b": 2.0})


def test_unused_inputs_inputs_as_outputs_and_constant_outputs_stay():
    graph = same(lambda x, y: (y, 1.5, y), 1.0, 2.0)
    assert graph.inputs == ("x", "y") and graph.outputs == ("y", "c0", "y") and not graph.nodes


# ---- constants

def test_numbers_take_the_dtype_beside_them():
    x = np.ones(2, np.float32)
    graph = same(lambda x: (x * 2 + 0.5, anp.where(x > 0, 0, x), x / 3, x ** 2), x)
    assert {str(spec.dtype) for name, spec in graph.specs.items() if name[0] == "c"} == {"float32"}
    same(lambda n: (n * 2, n / 2, n + 0.5, n > 1), np.arange(3))
    same(lambda x: x * np.float64(2), x)


def test_signs_of_zero_and_lists_are_told_apart():
    same(lambda x: (1 / (x * 0.0 + 1), x * -0.0, x * 0.0), np.ones(2))

    def f(x):
        for i in range(5):  # lists that may live at one address after another
            x = x + [float(i), 1.0, 2.0]
        return x

    assert len(same(f, np.zeros(3)).constants) == 5


def test_a_graph_does_not_change_with_the_arrays_it_was_made_of():
    c = np.ones(3)

    def f(x):
        y = x + c
        c[0] += 1
        return y * c

    graph = lab.trace(f, np.ones(3))
    c[:] = 99
    assert lab.interpret(graph, np.ones(3))[0].tolist() == [4, 2, 2]


def test_one_array_is_one_constant():
    c = np.ones(20)
    graph = lab.trace(lambda x: (x + c) * c + 2 * x + 2, c)
    assert len(graph.constants) == 2


# ---- open axes

def test_open_axes_stay_open():
    model = lab.models.MLP([64, 16, 10])
    graph = traced(model.apply, model.params, np.zeros((1, 64), np.float32), dims={"x": {0: "N"}})
    assert str(graph.specs[graph.outputs[0]]) == "f32[N,10]"
    rng = np.random.default_rng(0)
    for n in (1, 2, 7):
        x = rng.standard_normal((n, 64)).astype(np.float32)
        np.testing.assert_array_equal(lab.interpret(graph, model.params, x)[0], model(x))


@pytest.mark.parametrize("f", [
    lambda x: x[:, 1:], lambda x: x[:, ::-1], lambda x: x[:, 0],
    lambda x: anp.softmax(x) + anp.layernorm(x, 1, 0), lambda x: anp.einsum("bi,ij->bj", x, X.T),
    lambda x: anp.mean(x), lambda x: anp.var(x, 0, ddof=-1), lambda x: anp.std(x, (0, 1)),
    lambda x: anp.cross_entropy(x, anp.argmax(x, 1)), lambda x: anp.take(x, np.array([2, 0]), 1),
    lab.grad(lambda x: anp.mean(anp.square(x - anp.mean(x, 0)))), lambda x: x[:, None, [1, 2]],
    lambda x: anp.reshape(anp.expand_dims(x, 1), (x.shape[0], -1)), lambda x: anp.sum(x, 0),
    lambda x: anp.zeros_like(x) + anp.ones_like(x), lambda x: anp.transpose(x),
    lambda x: anp.concatenate([x, x * 2], 1), lambda x: x @ x.T, lambda x: anp.max(x, 1),
    lab.grad(lambda x: anp.sum(anp.gelu(x) * anp.tanh(x[:, :1]))),
    lambda x: lab.jvp(lambda x: anp.concatenate([x, x * x], 1), (x,), (x,))[1],
])
def test_open_axes_go_through(f):
    graph = traced(f, X, dims={"x": {0: "N"}})
    for n in (1, 2, 5):
        x = np.random.default_rng(n).standard_normal((n, 3))
        np.testing.assert_array_equal(lab.interpret(graph, x)[0], f(x))


@pytest.mark.parametrize("f, sentence", [
    (lambda x: anp.tile(x, 2), r"tile: f64\[N,3\] has axis N, whose length is known only when"),
    (lambda x: x[0], r"index 0 does not fit f64\[N,3\].*whose length is known"),
    (lambda x: x[1:], "along axes whose length is known"),
    (lambda x: anp.concatenate([x, x]), "along axis 0, which has a name"),
    (lambda x: x + np.ones((4, 3)), "do not broadcast"),
    (lambda x: anp.reshape(x, -1), "has no size yet"),
])
def test_what_needs_the_length_is_a_sentence(f, sentence):
    with pytest.raises(LabError, match=sentence):
        lab.trace(f, X, dims={"x": {0: "N"}})


@pytest.mark.parametrize("dims, sentence", [
    ({"z": {0: "N"}}, "dims names 'z'; the inputs are: x"),
    ({"x": {5: "N"}}, r"dims names axis 5 of x, which is f64\[2,3\]"),
    ({"x": 0}, "it gives axes of inputs a name, as in dims="),
    ({"x": {0: 5}}, "it gives axes of inputs a name"),
    ({"x": {"0": "N"}}, "it gives axes of inputs a name"),
    ({"x": {0: "N M"}}, "it gives axes of inputs a name"),
])
def test_dims_that_name_nothing_are_a_sentence(dims, sentence):
    with pytest.raises(LabError, match=sentence):
        lab.trace(lambda x: x * 2, X, dims=dims)


# ---- what a trace cannot know

@pytest.mark.parametrize("f, sentence", [
    (lambda x: x if x > 0 else -x, "a branch needs the value of .* use where"),
    (lambda x: x * float(x), r"float\(\) needs the value"),
    (lambda x: x * int(x), r"int\(\) needs the value"),
    (lambda x: np.sin(np.asarray(x)), "is no array"),
    (lambda x: x.__setitem__(0, 1.0), "never changes, so that it can be differentiated"),
    (3, "trace takes a function, got int"),
])
def test_values_are_not_known(f, sentence):
    with pytest.raises(LabError, match=sentence):
        lab.trace(f, 3.0)


def test_a_number_too_large_for_its_neighbour_is_a_sentence():
    with pytest.raises(LabError, match="300 is out of bounds for i8"):
        lab.trace(lambda x: x + 300, np.zeros(2, np.int8))


@pytest.mark.parametrize("x", [np.ones(2, complex), "abc", np.ones(2, ">f4")])
def test_a_dtype_that_graphs_do_not_have_is_a_sentence(x):
    with pytest.raises(LabError, match="is not supported; the dtypes are: f64"):
        lab.trace(lambda x: x, x)


def test_eager_derivatives_may_branch():
    assert lab.grad(lambda x: x * x if x > 0 else -x)(3.0) == 6
    assert lab.grad(lambda x: x * x if x > 0 else -x)(-3.0) == -1


# ---- graphs are functions again

def test_graphs_differentiate_and_trace_again():
    def f(x):
        return anp.sum(anp.sin(x) * x)

    graph = lab.trace(f, X)
    again = lab.trace(lambda x: apply_graph(graph)(x)[0], X)
    assert [n.op for n in again.nodes] == [n.op for n in graph.nodes]
    np.testing.assert_allclose(lab.grad(lambda x: apply_graph(graph)(x)[0])(X), lab.grad(f)(X))
    fused = lab.optimize(graph, ["fuse"])
    np.testing.assert_allclose(lab.grad(lambda x: apply_graph(fused)(x)[0])(X), lab.grad(f)(X))


def test_derivatives_of_traces_and_traces_of_derivatives_to_second_order():
    def f(x):
        return anp.sum(anp.tanh(x) ** 3)

    np.testing.assert_allclose(lab.interpret(lab.trace(lab.hessian(f), X[0]), X[0])[0],
                               lab.hessian(f)(X[0]), atol=1e-15)
