"""Layer, RMS and batch norm with their gradients: every rung against the definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import batchnorm_columns, batchnorm_planes, norm_grads, norms
from kernels.guard import guarded
from kernels.rows import DTYPES, arrange, one_thread, shapes

KERNELS = kernels.KERNELS
EPS = 1e-3


def close(came, want, size=1):
    """Equal but for roundings of sums of that size, seen from the largest number."""
    assert came.shape == want.shape
    tolerance = 60 * np.finfo(came.dtype).eps
    np.testing.assert_allclose(came, want, rtol=tolerance,
                               atol=tolerance * size * max(1, np.abs(want).max(initial=0)))


def standardised(x, axes, centred=True):
    """``(h, scale)``: x brought to mean 0 and variance 1 over axes, in double precision."""
    x = x.astype(np.float64)
    x = x - x.mean(axes, keepdims=True) if centred else x
    scale = 1 / np.sqrt((x * x).mean(axes, keepdims=True) + EPS)
    return x * scale, scale


def backward(g, h, scale, gamma, axes, centred=True):
    """Gradient of what gamma · h came from."""
    d = g.astype(np.float64) * gamma
    middle = d.mean(axes, keepdims=True) if centred else 0
    return scale * (d - middle - h * (d * h).mean(axes, keepdims=True))


# ---- layer norm and RMS norm

LINES = [("layernorm", rung) for rung in KERNELS["layernorm"]] + [
    ("rmsnorm", rung) for rung in KERNELS["rmsnorm"]]


def parameters(rng, dtype, count, n):
    """Lines of numbers around 1."""
    return [rng.uniform(0.5, 1.5, n).astype(dtype) for _ in range(count)]


@pytest.mark.parametrize(("op", "rung"), LINES)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99), far=st.sampled_from([0, 1, 40]))
@settings(max_examples=40)
def test_a_norm_is_its_formula(op, rung, dtype, shape, seed, far):
    rng = np.random.default_rng(seed)
    x, lines = rng.normal(far, 1, shape).astype(dtype), parameters(rng, dtype, 2, shape[-1])
    lines = lines if op == "layernorm" else lines[:1]
    came = getattr(kernels, op)(arrange(rng, x), *map(guarded, lines), EPS, kernel=rung)
    assert came.dtype == dtype and came.flags.c_contiguous
    h, _ = standardised(x, -1, op == "layernorm") if x.size else (x, None)
    close(came, h * lines[0] + (lines[1] if op == "layernorm" else 0), size=1 + far)


@pytest.mark.parametrize("op", ["layernorm_grad", "rmsnorm_grad"])
@pytest.mark.parametrize("rung", KERNELS["layernorm_grad"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_gradient_of_a_norm_is_its_formula(op, rung, dtype, shape, seed):
    rng, centred = np.random.default_rng(seed), op == "layernorm_grad"
    g, x = rng.normal(0.5, 1, (2, *shape)).astype(dtype)
    gamma, = parameters(rng, dtype, 1, shape[-1])
    came = getattr(kernels, op)(arrange(rng, g), arrange(rng, x), guarded(gamma), EPS, kernel=rung)
    h, scale = standardised(x, -1, centred) if x.size else (x, x)
    over = tuple(range(x.ndim - 1))
    want = [backward(g, h, scale, gamma, -1, centred) if x.size else x, (g * h).sum(over),
            g.sum(over, dtype=np.float64)]
    assert len(came) == 2 + centred
    for mine, other in zip(came, want, strict=False):
        assert mine.dtype == dtype
        close(mine, other, size=4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("place", [0, 700])
def test_a_variance_stands_beside_a_large_mean_and_a_first_number_far_away(dtype, place):
    rng = np.random.default_rng(0)
    x = np.rint(rng.normal(0, 8, (5, 999))) + 2.0 ** 20  # exact in f32
    x[:, place] += 2.0 ** 19
    x, gamma = x.astype(dtype), np.ones(999, dtype)
    want, _ = standardised(x, -1)
    for call in (lambda: kernels.layernorm(x, gamma, gamma * 0, EPS),
                 lambda: kernels.batchnorm_train(x.T[:, :, None], gamma[:5], gamma[:5] * 0,
                                                 EPS)[0][:, :, 0].T,
                 lambda: kernels.batchnorm_train(x[None], gamma[:5], gamma[:5] * 0, EPS)[0][0]):
        np.testing.assert_allclose(call(), want, rtol=1e-4, atol=2e-5)


def test_rows_of_one_number_all_alike_have_no_variance():
    x = np.full((3, 77), 0.1, np.float32)
    came = kernels.layernorm(x, np.ones(77, "f"), np.zeros(77, "f"), 1e-30)
    np.testing.assert_array_equal(came, 0)


@pytest.mark.parametrize(("op", "rung"), LINES)
def test_what_is_not_finite_stays_in_its_row(op, rung):
    x = np.random.default_rng(0).standard_normal((6, 37), dtype=np.float32)
    one = [np.ones(37, "f")] * (2 if op == "layernorm" else 1)
    want = getattr(kernels, op)(x, *one, kernel=rung)
    x[1, 5], x[4, 36] = np.nan, np.inf
    came = getattr(kernels, op)(x, *one, kernel=rung)
    assert np.isnan(came[1]).all() and np.isnan(came[4, 36])
    np.testing.assert_array_equal(came[[0, 2, 3, 5]], want[[0, 2, 3, 5]])


# ---- batch norm

def channels_last(shape):
    """The shape with the second axis behind the others."""
    return shape[:1] + shape[2:] + shape[1:2]


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


# ---- all of them

@given(rows=st.integers(1, 5), n=st.integers(1, 40), end=st.booleans())
@settings(max_examples=20)
def test_nothing_is_written_beside_results(rows, n, end):
    rng = np.random.default_rng(n)
    g, x = rng.standard_normal((2, rows, n), dtype=np.float32)
    a, b = rng.uniform(0.5, 1.5, (2, n)).astype("f")
    planes, values = x.reshape(rows, 1, n), [b[:1]] * 4
    for run, shape in [
            (lambda out: norms.norm(x, a, b, EPS, True, out), x.shape),
            (lambda out: norm_grads.norm_grad(g, x, a, EPS, True, np.empty_like(x), out),
             (1, 2, n)),
            (lambda out: norm_grads.norm_grad(g, x, a, EPS, False, out, np.zeros((1, 2, n), "f")),
             x.shape),
            (lambda out: batchnorm_planes.apply(planes, *values, EPS, out), planes.shape),
            (lambda out: batchnorm_planes.train(planes, *values[:2], EPS, out, *np.zeros(
                (2, 1), "f")), planes.shape),
            (lambda out: batchnorm_planes.grad(g.reshape(planes.shape), planes, *values[:3], EPS,
                                               out, *np.zeros((2, 1), "f")), planes.shape),
            (lambda out: batchnorm_columns.affine(x.ravel(), a, a, b, out), x.size),
            (lambda out: batchnorm_columns.blend(g.ravel(), x.ravel(), a, a, b, b, out), x.size)]:
        out, again = guarded(np.zeros(shape, "f"), end=end), np.zeros(shape, "f")
        run(out)
        run(again)
        np.testing.assert_array_equal(out, again)


def test_several_threads_make_the_same():
    rng = np.random.default_rng(0)
    g, x = rng.standard_normal((2, 1501, 410), dtype=np.float32)
    a, b = rng.uniform(0.5, 1.5, (2, 410)).astype("f")
    h, y = g[:1500].reshape(5, 41, 100, 30), x[:1500].reshape(5, 41, 100, 30)
    c = [a[:41]] * 4
    for call in (lambda: [kernels.layernorm(x, a, b)], lambda: kernels.layernorm_grad(g, x, a),
                 lambda: kernels.rmsnorm_grad(g, x, a), lambda: [kernels.batchnorm(y, *c)],
                 lambda: kernels.batchnorm_train(y, *c[:2]),
                 lambda: kernels.batchnorm_grad(h, y, *c[:3])):
        with one_thread():
            want = call()
        for mine, other in zip(call(), want, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    g, x = np.random.default_rng(0).standard_normal((2, 4, 6, 5, 7), dtype=np.float32)
    nn, leaf = torch.nn.functional, torch.tensor(x, requires_grad=True)
    a, b, c, d = (torch.tensor(line, requires_grad=True) for line in (
        np.linspace(0.5, 1.5, n, dtype=np.float32) for n in (7, 7, 6, 6)))
    values = [line.detach().numpy() for line in (a, b, c, d)]
    out, mean, var = kernels.batchnorm_train(x, *values[2:])
    for mine, back, theirs, lines in [
            (kernels.layernorm(x, *values[:2]), kernels.layernorm_grad(g, x, values[0]),
             nn.layer_norm(leaf, (7,), a, b), (a, b)),
            (kernels.rmsnorm(x, values[0]), kernels.rmsnorm_grad(g, x, values[0]),
             nn.rms_norm(leaf, (7,), a, 1e-5), (a,)),
            (out, kernels.batchnorm_grad(g, x, values[2], mean, var),
             nn.batch_norm(leaf, None, None, c, d, training=True), (c, d))]:
        np.testing.assert_allclose(mine, theirs.detach(), rtol=1e-4, atol=1e-5)
        grads = torch.autograd.grad(theirs, (leaf, *lines), torch.tensor(g))
        for came, want in zip(back, grads, strict=True):
            np.testing.assert_allclose(came, want, rtol=1e-4, atol=1e-4)


X, LINE = np.ones((2, 3, 4), "f"), np.ones(3, "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.layernorm(X, LINE, LINE), r"layernorm: float32\[3\] and float32\[3\] do not "
                                               r"fit x float32\[2, 3, 4\]; gamma and beta have"),
    (lambda: kernels.layernorm(np.float32(1), LINE, LINE), "do not fit x"),
    (lambda: kernels.layernorm(X, X[0, 0].astype(float), X[0, 0]), "all of one dtype"),
    (lambda: kernels.layernorm(X, X[0, 0], X[0, 0], "small"), "layernorm: eps is one number"),
    (lambda: kernels.rmsnorm(X, X[0]), "rmsnorm: .* do not fit"),
    (lambda: kernels.rmsnorm(X, X[0, 0], None), "rmsnorm: eps is one number, got None"),
    (lambda: kernels.layernorm_grad(X[:1], X, X[0, 0]), "should have one shape"),
    (lambda: kernels.rmsnorm_grad(X, X, LINE), "rmsnorm_grad: .* do not fit"),
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
