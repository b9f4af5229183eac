"""Softmax, its logarithm, their gradients and cross entropy: every rung against the definition."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import softmax_grads, softmax_rows
from kernels.guard import guarded
from kernels.rows import DTYPES, arrange, one_thread, shapes

RUNGS = [(op, rung) for op in ("softmax", "log_softmax") for rung in kernels.KERNELS[op]]
VERBS = {"softmax": kernels.softmax, "log_softmax": kernels.log_softmax}
ORACLES = {"softmax": scipy.special.softmax, "log_softmax": scipy.special.log_softmax}
GRADIENTS = {"softmax": kernels.softmax_grad, "log_softmax": kernels.log_softmax_grad}


def close(came, want):
    """Equal but for roundings; that of a difference of 100 grows a hundredfold in its power."""
    tolerance = 100 * np.finfo(came.dtype).eps
    np.testing.assert_allclose(came, want, rtol=tolerance, atol=tolerance)


def backward(op, g, y, axis):
    """The gradients' formulas in NumPy."""
    if op == "softmax":
        return y * (g - (g * y).sum(axis, keepdims=True))
    return g - np.exp(y) * g.sum(axis, keepdims=True)


@pytest.mark.parametrize(("op", "rung"), RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99), size=st.sampled_from([1, 30, 1e4]))
@settings(max_examples=40)
def test_a_rung_is_what_scipy_computes(op, rung, dtype, shape, seed, size):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-size, size, shape).astype(dtype)
    axis = int(rng.integers(-len(shape), len(shape)))
    came = VERBS[op](arrange(rng, x), axis, kernel=rung)
    assert came.dtype == dtype and came.shape == shape and came.flags.c_contiguous
    close(came, ORACLES[op](x.astype(np.float64), axis) if x.size else x)


@pytest.mark.parametrize("op", GRADIENTS)
@pytest.mark.parametrize("rung", ["naive", "vectors"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_gradient_is_its_formula(op, rung, dtype, shape, seed):
    rng = np.random.default_rng(seed)
    axis = int(rng.integers(-len(shape), len(shape)))
    g = rng.uniform(-1, 1, shape).astype(dtype)
    y = ORACLES[op](rng.uniform(-9, 9, shape), axis).astype(dtype) if g.size else g
    came = GRADIENTS[op](arrange(rng, g), arrange(rng, y), axis, kernel=rung)
    assert came.dtype == dtype and came.shape == shape
    want = backward(op, g.astype(np.float64), y.astype(np.float64), axis)
    np.testing.assert_allclose(came, want, rtol=1e-5, atol=np.finfo(dtype).eps * (4 + g.size))


@given(rows=st.integers(1, 5), n=st.integers(1, 70), end=st.booleans())
@settings(max_examples=30)
def test_nothing_is_written_beside_results(rows, n, end):
    x, g = np.random.default_rng(n).uniform(-2, 2, (2, rows, n)).astype("f")
    for loop, arrays in [(softmax_rows.rows, (x,)), (softmax_rows.log_rows, (x,)),
                         (softmax_grads.rows, (g, x)), (softmax_grads.log_rows, (g, x))]:
        out, again = guarded(np.full((rows, n), 7, "f"), end=end), np.empty((rows, n), "f")
        loop(*arrays, out)
        loop(*arrays, again)
        np.testing.assert_array_equal(out, again)


@pytest.mark.parametrize(("op", "rung"), RUNGS)
def test_what_is_not_finite_stays_in_its_row(op, rung):
    x = np.zeros((6, 21), np.float32)
    x[0, 3], x[1, 20], x[2, 7], x[3], x[4, 5] = np.nan, np.nan, np.inf, -np.inf, -np.inf
    came = VERBS[op](x, kernel=rung)
    assert np.isnan(came[:4]).all()
    want = ORACLES[op](x[4:].astype(np.float64), -1)
    close(came[4:], want)


@pytest.mark.parametrize("rung", kernels.KERNELS["log_softmax"])
def test_a_logarithm_of_large_numbers_keeps_its_last_term(rung):
    x = np.full((2, 40), 3e8, np.float32)
    np.testing.assert_allclose(kernels.log_softmax(x, kernel=rung), -np.log(40), rtol=1e-6)


def test_long_rows_lose_no_more_than_short_ones():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 300_001)).astype("f")
    np.testing.assert_allclose(kernels.softmax(x), scipy.special.softmax(x.astype(float), -1),
                               rtol=1e-6)


def test_several_threads_make_the_same():
    x, g = np.random.default_rng(0).standard_normal((2, 1023, 700), dtype=np.float32)
    y = scipy.special.log_softmax(x, -1)
    for call in (lambda: kernels.softmax(x), lambda: kernels.log_softmax(x),
                 lambda: kernels.softmax_grad(g, np.exp(y)),
                 lambda: kernels.log_softmax_grad(g, y)):
        with one_thread():
            want = call()
        np.testing.assert_array_equal(call(), want)


# ---- cross entropy

@st.composite
def classified(draw):
    """``(logits, labels)`` of any number of axes."""
    shape = draw(st.lists(st.integers(0, 5), max_size=3)) + [draw(st.integers(1, 40))]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    labels = rng.integers(0, shape[-1], shape[:-1]).astype(draw(st.sampled_from("BHiq")))
    return rng.uniform(-20, 20, shape), labels


@pytest.mark.parametrize("rung", kernels.KERNELS["cross_entropy"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(case=classified(), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_cross_entropy_and_its_gradient(rung, dtype, case, seed):
    x, labels = case[0].astype(dtype), case[1]
    logs = scipy.special.log_softmax(x.astype(np.float64), -1)
    own = np.arange(x.shape[-1]) == labels[..., None]
    rng, at = np.random.default_rng(seed), arrange(np.random.default_rng(seed), x)
    came = kernels.cross_entropy(at, labels, kernel=rung)
    assert came.dtype == dtype and came.shape == ()
    np.testing.assert_allclose(came, -logs[own].mean() if labels.size else np.nan, rtol=1e-5,
                               atol=1e-6)
    g = rng.uniform(0.1, 3)
    came = kernels.cross_entropy_grad(g, at, labels, kernel=rung)
    assert came.dtype == dtype and came.shape == x.shape
    np.testing.assert_allclose(came, g * (np.exp(logs) - own) / max(labels.size, 1), rtol=1e-4,
                               atol=1e-6)


@pytest.mark.parametrize("rung", kernels.KERNELS["cross_entropy"])
def test_a_loss_that_is_not_finite(rung):
    x = np.zeros((2, 19), np.float32)
    x[1, 18] = -np.inf
    assert kernels.cross_entropy(x, [0, 18], kernel=rung) == np.inf
    x[1, 3] = np.nan
    assert np.isnan(kernels.cross_entropy(x, [0, 0], kernel=rung))
    came = kernels.cross_entropy_grad(1, x, [0, 0], kernel=rung)
    assert np.isfinite(came[0]).all() and np.isnan(came[1]).all()


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    x, g = np.random.default_rng(0).standard_normal((2, 4, 9, 33), dtype=np.float32)
    labels = np.random.default_rng(0).integers(0, 33, (4, 9))
    leaf, nn = torch.tensor(x, requires_grad=True), torch.nn.functional
    for ours, back, theirs in [
            (kernels.softmax, kernels.softmax_grad, nn.softmax),
            (kernels.log_softmax, kernels.log_softmax_grad, nn.log_softmax)]:
        out = theirs(leaf, 1)
        y = out.detach().numpy()
        np.testing.assert_allclose(ours(x, 1), y, rtol=1e-5, atol=1e-6)
        want = torch.autograd.grad(out, leaf, torch.tensor(g))[0]
        np.testing.assert_allclose(back(g, y, 1), want, rtol=1e-4, atol=1e-5)
    loss = nn.cross_entropy(leaf.reshape(-1, 33), torch.tensor(labels.ravel()))
    np.testing.assert_allclose(kernels.cross_entropy(x, labels), loss.item(), rtol=1e-5)
    np.testing.assert_allclose(kernels.cross_entropy_grad(2, x, labels),
                               torch.autograd.grad(loss * 2, leaf)[0], rtol=1e-4, atol=1e-6)


ROW = np.ones((2, 3), "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.softmax(ROW, 2), r"softmax: axis=2, but x float32\[2, 3\] has 2 axes"),
    (lambda: kernels.softmax(ROW, "rows"), "axis='rows'"),
    (lambda: kernels.softmax(np.float32(1)), "has 0 axes"),
    (lambda: kernels.log_softmax([1, 2]), "takes float32 or float64"),
    (lambda: kernels.softmax_grad(ROW, ROW[:1]), "should have one shape"),
    (lambda: kernels.log_softmax_grad(ROW, ROW.astype(float)), "all of one dtype"),
    (lambda: kernels.softmax_grad(ROW, ROW, -3), "axis=-3"),
    (lambda: kernels.cross_entropy(ROW, [1]), r"labels int64\[1\] do not fit logits"),
    (lambda: kernels.cross_entropy(ROW, [0.0, 1.0]), "whole numbers"),
    (lambda: kernels.cross_entropy(ROW, None), "do not fit"),
    (lambda: kernels.cross_entropy(ROW, [0, 3]), "a label is 3, .* have 3 classes"),
    (lambda: kernels.cross_entropy(ROW, [0, -1]), "a label is -1"),
    (lambda: kernels.cross_entropy(np.float32(1), 0), "do not fit"),
    (lambda: kernels.cross_entropy_grad(ROW, ROW, [0, 0]), "g is one number")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()


def test_lists_are_arrays():
    np.testing.assert_allclose(kernels.softmax([[0.0, 0.0]]), [[0.5, 0.5]])
