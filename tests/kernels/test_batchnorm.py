"""Batch norm and its gradient in two layouts: every rung against the formula."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import batchnorm_columns, batchnorm_planes
from kernels.guard import guarded
from kernels.norm_formulas import EPS, backward, close, parameters, standardised
from kernels.rows import DTYPES, arrange, one_thread

KERNELS = kernels.KERNELS


@st.composite
def images(draw):
    """``(shape [N,C,...], layout)``"""
    small = st.integers(0, 4)
    sides = draw(st.lists(st.one_of(small, st.sampled_from([7, 33])), max_size=2))
    channels = draw(st.one_of(small, st.sampled_from([17, 64, 70])))
    return (draw(small), channels, *sides), draw(st.sampled_from(["NCHW", "NHWC"]))


def laid(rng, x, layout):
    """x [N,C,...] in a layout, in any order and beside a guard page."""
    return arrange(rng, x if layout == "NCHW" else np.moveaxis(x, 1, -1))


def first(x, layout):
    """Back to [N,C,...]."""
    return x if layout == "NCHW" else np.moveaxis(x, -1, 1)


def spread(values, x):
    """Numbers of channels, to be broadcast against [N,C,...]."""
    return values.astype(np.float64).reshape(-1, *[1] * (x.ndim - 2))


@pytest.mark.parametrize("rung", KERNELS["batchnorm"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(case=images(), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_batch_norm_and_its_gradient_are_their_formulas(rung, dtype, case, seed):
    (shape, layout), rng = case, np.random.default_rng(seed)
    g, x = rng.normal(0.5, 1, (2, *shape)).astype(dtype)
    gamma, beta, mean, var = parameters(rng, dtype, 4, shape[1])
    at, over = laid(rng, x, layout), (0, *range(2, x.ndim))
    how = {"eps": EPS, "layout": layout, "kernel": rung}
    came = kernels.batchnorm(at, *map(guarded, (gamma, beta, mean, var)), **how)
    assert came.dtype == dtype and came.flags.c_contiguous
    h = (x - spread(mean, x)) / np.sqrt(spread(var, x) + EPS)
    close(first(came, layout), h * spread(gamma, x) + spread(beta, x))

    out, mean, var = kernels.batchnorm_train(at, guarded(gamma), guarded(beta), **how)
    if not x.size:
        assert out.shape == at.shape and np.isnan(mean).all() and np.isnan(var).all()
        return
    h, scale = standardised(x, over)
    close(first(out, layout), h * spread(gamma, x) + spread(beta, x), size=4)
    close(mean, x.mean(over, dtype=np.float64))
    close(var, x.astype(np.float64).var(over))

    gx, ggamma, gbeta = kernels.batchnorm_grad(laid(rng, g, layout), at, gamma, mean, var, **how)
    assert gx.dtype == ggamma.dtype == gbeta.dtype == dtype
    close(first(gx, layout), backward(g, h, scale, spread(gamma, x), over), size=8)
    close(ggamma, (g * h).sum(over), size=math.prod(shape) / max(1, shape[1]))
    close(gbeta, g.sum(over, dtype=np.float64), size=4)


@pytest.mark.parametrize("rung", KERNELS["batchnorm"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_what_is_not_finite_stays_in_its_channel(rung, layout):
    x = np.random.default_rng(0).standard_normal((2, 4, 3, 11), dtype=np.float32)
    one, how = np.ones(4, "f"), {"layout": layout, "kernel": rung}
    want = first(kernels.batchnorm_train(first_to(x, layout), one, one, **how)[0], layout)
    x[0, 1, 2, 10], x[1, 2, 0, 0] = np.nan, np.inf
    came, mean, var = kernels.batchnorm_train(first_to(x, layout), one, one, **how)
    came = first(came, layout)
    assert np.isnan(came[:, 1]).all() and np.isnan(came[1, 2, 0, 0])
    assert np.isnan(mean[1]) and np.isnan(var[1]) and not np.isfinite([mean[2], var[2]]).any()
    np.testing.assert_allclose(came[:, [0, 3]], want[:, [0, 3]], rtol=1e-6)


def first_to(x, layout):
    """x [N,C,...] in a layout."""
    return x if layout == "NCHW" else np.ascontiguousarray(np.moveaxis(x, 1, -1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_variance_stands_beside_a_large_mean_and_a_first_number_far_away(dtype):
    rng = np.random.default_rng(0)
    x = np.rint(rng.normal(0, 8, (5, 999))) + 2.0 ** 20  # exact in f32
    x[:, 0] += 2.0 ** 19
    x, one = x.astype(dtype), np.ones(5, dtype)
    for shape in ((1, 5, 999), (999, 5)):
        laid = x.reshape(shape) if len(shape) == 3 else x.T
        out, mean, var = kernels.batchnorm_train(laid, one, one * 0, EPS)
        close(mean, x.mean(1, dtype=np.float64))
        np.testing.assert_allclose(var, x.astype(np.float64).var(1), rtol=1e-5)
        out = out.reshape(5, 999) if len(shape) == 3 else out.T
        np.testing.assert_allclose(out, standardised(x, 1)[0], rtol=1e-4, atol=2e-5)


@given(images=st.integers(1, 4), size=st.integers(1, 40), end=st.booleans())
@settings(max_examples=20)
def test_nothing_is_written_beside_results(images, size, end):
    rng = np.random.default_rng(size)
    g, x = rng.standard_normal((2, images, 1, size), dtype=np.float32)
    a, b = rng.uniform(0.5, 1.5, (2, size)).astype("f")
    values = [b[:1]] * 4
    for run, shape in [
            (lambda out: batchnorm_planes.apply(x, *values, EPS, out), x.shape),
            (lambda out: batchnorm_planes.train(x, *values[:2], EPS, out, *np.zeros((2, 1), "f")),
             x.shape),
            (lambda out: batchnorm_planes.grad(g, x, *values[:3], EPS, out,
                                               *np.zeros((2, 1), "f")), x.shape),
            (lambda out: batchnorm_columns.affine(x.ravel(), a, a, b, out), x.size),
            (lambda out: batchnorm_columns.blend(g.ravel(), x.ravel(), a, a, b, b, out), x.size)]:
        out, again = guarded(np.zeros(shape, "f"), end=end), np.zeros(shape, "f")
        run(out)
        run(again)
        np.testing.assert_array_equal(out, again)


def test_several_threads_make_the_same():
    rng = np.random.default_rng(0)
    g, x = rng.standard_normal((2, 5, 41, 100, 30), dtype=np.float32)
    c = [rng.uniform(0.5, 1.5, 41).astype("f")] * 4
    for call in (lambda: [kernels.batchnorm(x, *c)], lambda: kernels.batchnorm_train(x, *c[:2]),
                 lambda: kernels.batchnorm_grad(g, x, *c[:3])):
        with one_thread():
            want = call()
        for mine, other in zip(call(), want, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    g, x = np.random.default_rng(0).standard_normal((2, 4, 6, 5, 7), dtype=np.float32)
    leaf = torch.tensor(x, requires_grad=True)
    a, b = (torch.linspace(0.5, 1.5, 6, requires_grad=True) for _ in range(2))
    gamma, beta = (line.detach().numpy() for line in (a, b))
    out, mean, var = kernels.batchnorm_train(x, gamma, beta)
    theirs = torch.nn.functional.batch_norm(leaf, None, None, a, b, training=True)
    np.testing.assert_allclose(out, theirs.detach(), rtol=1e-4, atol=1e-5)
    grads = torch.autograd.grad(theirs, (leaf, a, b), torch.tensor(g))
    for came, want in zip(kernels.batchnorm_grad(g, x, gamma, mean, var), grads, strict=True):
        np.testing.assert_allclose(came, want, rtol=1e-4, atol=1e-4)


X, LINE = np.ones((2, 3, 4), "f"), np.ones(3, "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.batchnorm(X, LINE, LINE, LINE, X[0, 0]), "batchnorm: .* along axis 1"),
    (lambda: kernels.batchnorm(X, LINE, LINE, LINE, LINE, layout="NCWH"), "no layout 'NCWH'"),
    (lambda: kernels.batchnorm(X, LINE, LINE, LINE, LINE, layout="NHWC"), "along axis -1"),
    (lambda: kernels.batchnorm_train(LINE, LINE, LINE), "do not fit x"),
    (lambda: kernels.batchnorm_train(X.astype(int), LINE, LINE), "takes float32 or float64"),
    (lambda: kernels.batchnorm_train(X, LINE, LINE, [1]), "batchnorm_train: eps is one number"),
    (lambda: kernels.batchnorm_grad(X, X[0], LINE, LINE, LINE), "should have one shape"),
    (lambda: kernels.batchnorm_grad(X, X, LINE, LINE, LINE, "0"), "batchnorm_grad: eps")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()
