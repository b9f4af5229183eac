"""Layer norm and RMS norm with their gradients: every rung against the formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import norm_grads, norms
from kernels.guard import guarded
from kernels.norm_formulas import EPS, backward, close, parameters, standardised
from kernels.rows import DTYPES, arrange, one_thread, shapes

KERNELS = kernels.KERNELS
LINES = [("layernorm", rung) for rung in KERNELS["layernorm"]] + [
    ("rmsnorm", rung) for rung in KERNELS["rmsnorm"]]


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
    came = kernels.layernorm(x, gamma, gamma * 0, EPS)
    np.testing.assert_allclose(came, want, rtol=1e-4, atol=2e-5)


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


@given(rows=st.integers(1, 5), n=st.integers(1, 40), end=st.booleans())
@settings(max_examples=20)
def test_nothing_is_written_beside_results(rows, n, end):
    rng = np.random.default_rng(n)
    g, x = rng.standard_normal((2, rows, n), dtype=np.float32)
    a, b = rng.uniform(0.5, 1.5, (2, n)).astype("f")
    for run, shape in [
            (lambda out: norms.norm(x, a, b, EPS, True, out), x.shape),
            (lambda out: norm_grads.norm_grad(g, x, a, EPS, True, np.empty_like(x), out),
             (1, 2, n)),
            (lambda out: norm_grads.norm_grad(g, x, a, EPS, False, out, np.zeros((1, 2, n), "f")),
             x.shape)]:
        out, again = guarded(np.zeros(shape, "f"), end=end), np.zeros(shape, "f")
        run(out)
        run(again)
        np.testing.assert_array_equal(out, again)


def test_several_threads_make_the_same():
    rng = np.random.default_rng(0)
    g, x = rng.standard_normal((2, 1501, 410), dtype=np.float32)
    a, b = rng.uniform(0.5, 1.5, (2, 410)).astype("f")
    for call in (lambda: [kernels.layernorm(x, a, b)], lambda: kernels.layernorm_grad(g, x, a),
                 lambda: kernels.rmsnorm_grad(g, x, a)):
        with one_thread():
            want = call()
        for mine, other in zip(call(), want, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    g, x = np.random.default_rng(0).standard_normal((2, 4, 6, 35), dtype=np.float32)
    nn, leaf = torch.nn.functional, torch.tensor(x, requires_grad=True)
    a, b = (torch.linspace(0.5, 1.5, 35, requires_grad=True) for _ in range(2))
    values = [line.detach().numpy() for line in (a, b)]
    for mine, back, theirs, lines in [
            (kernels.layernorm(x, *values), kernels.layernorm_grad(g, x, values[0]),
             nn.layer_norm(leaf, (35,), a, b), (a, b)),
            (kernels.rmsnorm(x, values[0]), kernels.rmsnorm_grad(g, x, values[0]),
             nn.rms_norm(leaf, (35,), a, 1e-5), (a,))]:
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
    (lambda: kernels.rmsnorm_grad(X, X, LINE), "rmsnorm_grad: .* do not fit")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()
