"""The NumPy-like namespace gives what NumPy and SciPy give."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import Spec

X = np.random.default_rng(0).standard_normal((2, 3, 4))
SAME = ["negative", "exp", "sqrt", "tanh", "sin", "cos", "abs", "sign", "floor", "rint", "sum",
        "max", "min", "mean", "var", "square", "transpose", "squeeze", "zeros_like", "ones_like"]


@pytest.mark.parametrize("name", SAME)
def test_one_argument(name):
    x = np.abs(X) if name == "sqrt" else X
    np.testing.assert_allclose(getattr(anp, name)(x), getattr(np, name)(x), rtol=1e-13)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "max", "min", "mean", "var"])
def test_reductions(name, axis, keepdims):
    np.testing.assert_allclose(getattr(anp, name)(X, axis, keepdims),
                               getattr(np, name)(X, axis=axis, keepdims=keepdims))


@pytest.mark.parametrize("ours, theirs", [
    (lambda: anp.softmax(X), lambda: scipy.special.softmax(X, -1)),
    (lambda: anp.softmax(X, 0), lambda: scipy.special.softmax(X, 0)),
    (lambda: anp.log_softmax(X), lambda: scipy.special.log_softmax(X, -1)),
    (lambda: anp.logsumexp(X, 1), lambda: scipy.special.logsumexp(X, 1)),
    (lambda: anp.logsumexp(X * 1000), lambda: scipy.special.logsumexp(X * 1000, -1)),
    (lambda: anp.sigmoid(X * 50), lambda: scipy.special.expit(X * 50)),
    (lambda: anp.relu(X), lambda: np.maximum(X, 0)),
    (lambda: anp.clip(X, -0.5, 0.5), lambda: np.clip(X, -0.5, 0.5)),
    (lambda: anp.stack([X, X], 1), lambda: np.stack([X, X], 1)),
    (lambda: anp.swapaxes(X, 0, -1), lambda: np.swapaxes(X, 0, -1)),
    (lambda: anp.expand_dims(X, -2), lambda: np.expand_dims(X, -2)),
    (lambda: anp.reshape(X, (4, -1)), lambda: np.reshape(X, (4, -1))),
    (lambda: anp.reshape(X, -1), lambda: X.reshape(-1)),
    (lambda: anp.broadcast_to(X[0], (5, 3, 4)), lambda: np.broadcast_to(X[0], (5, 3, 4))),
    (lambda: anp.argmax(X, 1), lambda: np.argmax(X, 1)),
    (lambda: anp.one_hot(np.array([2, 0]), 3), lambda: np.eye(3, dtype=np.float32)[[2, 0]]),
    (lambda: anp.add([1, 2], 3.5), lambda: np.add([1, 2], 3.5)),
    (lambda: anp.where([True, False], 1.0, 2.0), lambda: np.array([1.0, 2.0])),
])
def test_against_numpy_and_scipy(ours, theirs):
    got, want = ours(), theirs()
    assert np.shape(got) == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-15)


def test_cross_entropy_is_the_mean_of_minus_log_probability():
    logits, labels = X[0], np.array([1, 0, 3])
    p = scipy.special.softmax(logits, -1)[np.arange(3), labels]
    np.testing.assert_allclose(anp.cross_entropy(logits, labels), -np.log(p).mean())
    assert np.isfinite(anp.cross_entropy(logits * 1e4, labels))
    slope = lab.grad(anp.cross_entropy)(logits, labels)
    np.testing.assert_allclose(slope, (scipy.special.softmax(logits, -1)
                                       - np.eye(4)[labels]) / 3, atol=1e-15)


def test_layernorm_centres_and_scales():
    y = anp.layernorm(X, 1, 0, eps=0)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(-1), 1)


@given(st.lists(st.integers(-3, 3), max_size=4))
def test_reshape_refuses_what_numpy_refuses(new):
    try:
        want = np.reshape(X[0], new).shape
    except ValueError:
        with pytest.raises(LabError):
            anp.reshape(X[0], new)
    else:
        assert anp.reshape(X[0], new).shape == want


@pytest.mark.parametrize("call", [
    lambda: anp.sum(X, 3), lambda: anp.sum(X, (0, 0)), lambda: anp.transpose(X, (0, 1, 5)),
    lambda: anp.transpose(X, (0, 1, 1)), lambda: anp.expand_dims(X, 5),
    lambda: anp.concatenate([X, X], 3), lambda: anp.concatenate([]), lambda: anp.argmax(X, 4),
    lambda: anp.stack([X, X[0]]), lambda: anp.getitem(X, (0, 0, 0, 0)), lambda: anp.getitem(X, 2),
    lambda: anp.getitem(X, np.array([0, 2])), lambda: anp.getitem(X, X[0] > 9),
    lambda: anp.getitem(X, 1.0), lambda: anp.squeeze(X, 0), lambda: anp.matmul(X, X),
    lambda: anp.max(np.zeros(0)), lambda: anp.astype(X, complex), lambda: anp.mean(X, 7)])
def test_bad_input_is_a_sentence(call):
    with pytest.raises(LabError):
        call()


def test_specs_go_through_the_namespace_too():
    x, w = Spec(("N", 8), "f32"), Spec((8, 3), "f32")
    assert anp.tanh(anp.matmul(x, w)) == Spec(("N", 3), "f32")
    assert anp.sum(x, 0) == Spec((8,), "f32") and anp.transpose(x) == Spec((8, "N"), "f32")
