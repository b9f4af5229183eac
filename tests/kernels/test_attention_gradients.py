"""Gradients of attention against torch and against differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from kernels.guard import guarded

DTYPES = ("float32", "float64")
sizes = st.one_of(st.integers(1, 40), st.sampled_from([96, 97, 241, 260]))
numbers = st.sampled_from([1, 3, 7, 16, 17, 33])


def arrays(rng, dtype, heads, fewer, t, s, d, e):
    """g, q, k and v."""
    return [rng.uniform(-1.7, 1.7, shape).astype(dtype) for shape in (
        (2, heads, t, e), (2, heads, t, d), (2, fewer, s, d), (2, fewer, s, e))]


def by_hand(g, q, k, v, causal):
    """Gradients by their formulas, with all scores, in double precision."""
    group = q.shape[1] // k.shape[1]
    g, q, k, v = (x.astype(float) for x in (g, q, np.repeat(k, group, 1), np.repeat(v, group, 1)))
    (t, d), s = q.shape[2:], k.shape[2]
    scores = q @ k.swapaxes(2, 3) / np.sqrt(d)
    scores[..., ~np.tri(t, s, s - t, bool) & causal] = -np.inf
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    gp = g @ v.swapaxes(2, 3)
    gs = p * (gp - (p * gp).sum(-1, keepdims=True)) / np.sqrt(d)

    def per_head(x):
        return x.reshape(2, -1, group, *x.shape[2:]).sum(2)

    return gs @ k, per_head(gs.swapaxes(2, 3) @ q), per_head(p.swapaxes(2, 3) @ g)


def close(came, want):
    """Sums over tokens of products of numbers of size one, which may cancel."""
    walk = np.sqrt(max(x.shape[-2] for x in came))
    for mine, other in zip(came, want, strict=True):
        scale = max(walk, np.abs(other).max(initial=0))
        np.testing.assert_allclose(mine, other, rtol=0,
                                   atol=scale * 100 * np.finfo(mine.dtype).eps)


def gradients(g, q, k, v, causal):
    out, logs = kernels.attention_forward(q, k, v, causal)
    return kernels.attention_backward(g, q, k, v, guarded(out), guarded(logs), causal)


@pytest.mark.parametrize("dtype", DTYPES)
@given(t=sizes, more=sizes, d=numbers, e=numbers, causal=st.booleans(), group=st.integers(1, 2),
       seed=st.integers(0, 99))
@settings(max_examples=40)
def test_gradients_equal_their_formulas(dtype, t, more, d, e, causal, group, seed):
    rng = np.random.default_rng(seed)
    s = t + more - 1 if causal else more
    given_arrays = arrays(rng, dtype, 2 * group, 2, t, s, d, e)
    want = by_hand(*given_arrays, causal)
    swapped = rng.random() < 0.3
    laid = [guarded(x.swapaxes(1, 2)).swapaxes(1, 2) if swapped else guarded(x)
            for x in given_arrays]
    close(gradients(*laid, causal), want)


@pytest.mark.parametrize("causal", [False, True])
def test_torch_has_the_same_gradients(causal):
    torch = pytest.importorskip("torch")
    g, *operands = arrays(np.random.default_rng(0), "float32", 4, 4, 130, 130, 16, 16)
    leaves = [torch.tensor(x, requires_grad=True) for x in operands]
    out = torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=causal)
    want = torch.autograd.grad(out, leaves, torch.tensor(g))
    close(gradients(g, *operands, causal), [x.numpy() for x in want])


@pytest.mark.parametrize("causal", [False, True])
def test_differences_agree(causal):
    rng = np.random.default_rng(0)
    g, *operands = arrays(rng, "float64", 4, 2, 5, 9, 3, 2)
    came = gradients(g, *operands, causal)
    for i, x in enumerate(operands):
        step = rng.standard_normal(x.shape)

        def loss(size, i=i, x=x, step=step):
            return (g * kernels.attention(
                *operands[:i], x + size * step, *operands[i + 1:], causal)).sum()

        assert (came[i] * step).sum() == pytest.approx((loss(1e-5) - loss(-1e-5)) / 2e-5, abs=1e-8)


def test_logs_are_logsumexp():
    for scale in (1, 1000):
        _, q, k, v = arrays(np.random.default_rng(0), "float64", 2, 2, 20, 30, 8, 8)
        _, logs = kernels.attention_forward(q * scale, k, v)
        scores = scale * q @ k.swapaxes(2, 3) / np.sqrt(8)
        top = scores.max(-1)
        np.testing.assert_allclose(logs, top + np.log(np.exp(scores - top[..., None]).sum(-1)),
                                   rtol=1e-13)


def test_several_threads_compute_the_same():
    g, q, k, v = arrays(np.random.default_rng(0), "float32", 4, 2, 300, 300, 16, 16)
    came = gradients(g, q, k, v, True)
    for i in range(2):
        one = gradients(g[i, :2, :, :], q[i, :2], k[i, :1], v[i, :1], True)
        for whole, part in zip(came, one, strict=True):
            np.testing.assert_array_equal(whole[i, :len(part)], part)


def test_queries_without_keys_have_no_part():
    g, q, k, v = arrays(np.random.default_rng(0), "float64", 2, 2, 12, 7, 4, 4)
    gq, gk, gv = gradients(g, q, k, v, True)
    want = by_hand(g[:, :, 5:], q[:, :, 5:], k, v, True)
    assert (gq[:, :, :5] == 0).all()
    close((gq[:, :, 5:], gk, gv), want)


@pytest.mark.parametrize("name", ["g", "out", "logs"])
def test_bad_arguments_get_a_sentence(name):
    g, q, k, v = arrays(np.random.default_rng(0), "float32", 2, 2, 5, 6, 4, 3)
    out, logs = kernels.attention_forward(q, k, v)
    given_arrays = {"g": g, "out": out, "logs": logs}
    given_arrays[name] = given_arrays[name][:, :, :4]
    with pytest.raises(LabError, match=f"attention_backward: {name} is as large as"):
        kernels.attention_backward(q=q, k=k, v=v, **given_arrays)


def test_empty_arrays():
    for t, s, e in ((0, 5, 3), (4, 5, 0)):
        g, q, k, v = arrays(np.random.default_rng(0), "float32", 2, 2, t, s, 4, e)
        for made, x in zip(gradients(g, q, k, v, False), (q, k, v), strict=True):
            assert made.shape == x.shape and (made == 0).all()
