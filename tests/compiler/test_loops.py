"""Every elementwise op has loop text that computes what the interpreter does."""

import warnings

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.compiler import LOOPS
from aisys_lab.ir import OPS, bind

VALUES = np.array([0.0, -0.0, 0.5, -0.5, 1, -1, 3.7, -2.2, 100, -100, np.inf, -np.inf, np.nan])
TWO = ("arctan2", "hypot", "logaddexp", "mod")
ONE = sorted(op for op in LOOPS if op in ("erf", "sigmoid") or isinstance(OPS[op].eval, np.ufunc)
             and OPS[op].eval.nin == 1 and op not in ("logical_not", "neg"))


def close(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logarithms of zero, roots of negative numbers
        graph = lab.trace(f, *args)
        wanted = lab.interpret(graph, *args)
    for name, got, want in zip(graph.outputs, lab.compile(graph)(*args), wanted, strict=True):
        assert got.dtype == want.dtype
        tolerance = 2e-6 if want.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(got, want, rtol=tolerance, err_msg=f"{name} in\n{graph}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_ops_of_one(dtype):
    x = VALUES.astype(dtype) if np.dtype(dtype).kind == "f" else np.arange(-3, 9).astype(dtype)
    close(lambda x: tuple(bind(op, x) for op in ONE), x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_ops_of_two(dtype):
    one = VALUES.astype(dtype) if np.dtype(dtype).kind == "f" else np.arange(-3, 9).astype(dtype)
    x, y = (np.ascontiguousarray(v) for v in np.meshgrid(one, one))
    close(lambda x, y: tuple(bind(op, x, y) for op in TWO), x, y)
    close(lambda x, y: x // y, x[:10], y[:10])  # not by infinity: Numba floors to -0


def test_products():
    x = np.random.default_rng(0).standard_normal((3, 4))
    close(lambda x: (bind("prod", x, axis=(0,), keepdims=True), bind("prod", x, axis=(0, 1))), x)


@pytest.mark.parametrize("left, right", [
    ((3, 4), (4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((0, 3, 4), (4, 2))])
def test_matmul_of_every_rank(left, right):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(left), rng.standard_normal(right)
    graph = lab.trace(lambda x, y: x @ y, x, y)
    np.testing.assert_allclose(lab.compile(graph)(x, y)[0], x @ y, rtol=1e-12, atol=1e-12)


def test_all_elementwise_ops_have_loops():
    assert {op for op, row in OPS.items() if row.kind == "elementwise"} <= LOOPS.keys()


AT = (np.array([[0, 2, -1], [1, 1, 0]]), np.array([1, -2, 0]))
X = np.random.default_rng(0).standard_normal((3, 4, 5))


@pytest.mark.parametrize("f, args", [
    (lambda x, i: bind("gather", x, i), (X, AT[0])),
    (lambda x, i, j: bind("gather", x, i, j), (X, *AT)),
    (lambda x, i: bind("scatter_add", x, i, shape=(6, 5)), (X[0], np.array([5, 0, -1, 0]))),
    (lambda x, i, j: bind("scatter_add", x, i, j, shape=(3, 4)), (X[0, :2, :3], *AT)),
    (lambda x: (bind("cumsum", x, axis=1), bind("cumsum", x, axis=0, reverse=True)), (X,)),
    (lambda x: bind("cumprod", x, axis=2, reverse=True), (X,)),
    (lambda x: (bind("argmax", x, axis=1), bind("argmin", x, axis=0)), (np.rint(X),)),
    (lambda x: bind("argmax", x, axis=0), (np.array([1, np.nan, 3, np.nan]),)),
    (lambda x: x / bind("size", x, axis=(0, 2), dtype="f64"), (X,)),
])
def test_ops_that_go_by_place(f, args):
    close(f, *args)


def test_a_place_outside_stops_compiled_code():
    run = lab.compile(lambda x, i: bind("gather", x, i))
    with pytest.raises(IndexError, match="a place is not on its axis of 3"):
        run(X, np.array([3]))


def test_the_mean_over_an_open_axis_compiles():
    graph = lab.trace(lab.autodiff.numpy.mean, X, dims={"x": {0: "N"}})
    run = lab.compile(graph)
    assert run(X)[0] == pytest.approx(X.mean()) and run(X[:1])[0] == pytest.approx(X[:1].mean())
