"""The transposition lesson: gradients made of the JVP rows equal those of the VJP rows."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import JVP
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.lessons.transpose import TRANSPOSE, linearize, transpose, vjp
from aisys_lab.ir import bind

ONE = ("neg", "exp", "log", "sqrt", "tanh", "sin", "cos", "abs", "expm1", "log1p", "sigmoid",
       "arctan", "sinh", "erf")
TWO = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "hypot", "logaddexp", "arctan2")
PROGRAMS = {
    "sum": lambda x: anp.sum(x, 1), "mean": lambda x: anp.mean(x, (0, 2), keepdims=True),
    "max": lambda x: anp.max(x, -1), "var": lambda x: anp.var(x, 0),
    "shapes": lambda x: anp.reshape(anp.transpose(x, (2, 0, 1)), (4, 6))[::-2, 1:],
    "where": lambda x: anp.where(x > 1, x * x, 1 / x),
    "broadcast": lambda x: anp.broadcast_to(x, (5, 2, 3, 4)) * anp.exp(x),
    "matmul": lambda x: anp.tanh(x @ np.ones((4, 2))) * anp.sum(x),
    "product": lambda x: x @ anp.swapaxes(x, -1, -2),
    "softmax": lambda x: anp.exp(x) / anp.sum(anp.exp(x), -1, keepdims=True),
    "cast": lambda x: anp.astype(anp.astype(x, "float32") * 2, "float64"),
    "fan-out": lambda x: x * x * x + x,
}


def compare(f, *xs, rtol=1e-9):
    rng = np.random.default_rng(1)
    (out, pull), (want, pulled) = vjp(f, *xs), lab.vjp(f, *xs)
    np.testing.assert_array_equal(out, want)
    g = rng.normal(size=np.shape(out))
    for got, wanted in zip(pull(g), pulled(g), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("op", ONE)
def test_ops_of_one_input(op):
    compare(lambda x: bind(op, x), np.random.default_rng(0).uniform(0.2, 2, (2, 3)))


@pytest.mark.parametrize("op", TWO)
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,))])
def test_ops_of_two_inputs_and_broadcasting(op, shapes):
    rng = np.random.default_rng(0)
    compare(lambda x, y: bind(op, x, y), *(rng.uniform(0.2, 2, shape) for shape in shapes))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    compare(PROGRAMS[name], np.random.default_rng(0).uniform(0.2, 2, (2, 3, 4)), rtol=1e-6)


def test_the_linear_graph_is_linear_and_its_transpose_is_its_adjoint():
    x = np.random.default_rng(0).uniform(0.2, 2, (2, 3))
    out, linear = linearize(lambda x: anp.sum(anp.sin(x) * x, 0), x)
    assert {node.op for node in linear.nodes} <= set(TRANSPOSE)
    v, u = np.random.default_rng(1).normal(size=(2, 3)), np.random.default_rng(2).normal(size=3)
    along, = lab.interpret(linear, v)
    back, = lab.interpret(transpose(linear), u)
    assert np.sum(along * u) == pytest.approx(np.sum(back * v))
    np.testing.assert_allclose(lab.interpret(linear, 3 * v)[0], 3 * along)


def test_few_rows_suffice():
    assert set(TRANSPOSE) < set(JVP) and 3 * len(TRANSPOSE) < len(JVP)


def test_a_constant_has_no_gradient():
    out, pull = vjp(lambda x: x * 0 + anp.sum(anp.ones((2,))), np.ones(2))
    np.testing.assert_array_equal(pull(np.ones(2))[0], [0, 0])
    assert vjp(lambda x, y: y, np.ones(2), 3.0)[1](1.0)[0].tolist() == [0, 0]


def test_an_op_without_a_row_is_a_sentence():
    with pytest.raises(lab.LabError, match="no transpose rule 'cumsum' in TRANSPOSE"):
        vjp(anp.cumsum, np.ones(3))
    graph = lab.trace(lambda x: 1 / x, np.ones(3))
    with pytest.raises(lab.LabError, match="transpose: div is not linear in its input 1, x"):
        transpose(graph)
