"""Attention: every rung against the naive one, and that one against NumPy and torch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from kernels.guard import guarded

LADDER = kernels.KERNELS["attention"]
RUNGS = [name for name in LADDER if name != "naive"]
DTYPES = ("float32", "float64")
sizes = st.one_of(st.integers(1, 40), st.sampled_from([0, 47, 48, 64, 97, 241, 260]))
numbers = st.sampled_from([1, 3, 7, 8, 16, 17, 33, 64])


def arrays(rng, dtype, lead, fewer, t, s, d, e, scale=1.0):
    """q, k and v, whose scores have about the size ``scale``."""
    return [(rng.uniform(-1.7, 1.7, shape) * size).astype(dtype) for shape, size in (
        ((*lead, t, d), scale), ((*fewer, s, d), 1), ((*fewer, s, e), 1))]


def composed(q, k, v, causal):
    """softmax(q k' / sqrt(d)) v in NumPy, in double precision, with all scores."""
    scores = q.astype(float) @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    t, s = scores.shape[-2:]
    scores[..., ~np.tri(t, s, s - t, bool) & causal] = -np.inf
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def close(came, want, scale=1.0):
    """Means of numbers of size one, whose weights have the errors of their scores."""
    eps = np.finfo(came.dtype).eps
    np.testing.assert_allclose(came, want, rtol=0, atol=eps * (40 + 40 * scale))


def laid(rng, x):
    """The same array in one of three layouts, at a guard page."""
    kind = rng.integers(3)
    if kind == 0 and x.ndim > 2:  # tokens before heads, as a layer has them
        return guarded(np.swapaxes(x, -2, -3)).swapaxes(-2, -3)
    if kind == 1:  # cut out of wider rows, the last one up to the very end; backwards
        return guarded(np.pad(x, [(0, 0)] * (x.ndim - 1) + [(5, 0)])[..., ::-1, :])[..., ::-1, 5:]
    return guarded(x, end=rng.random() < 0.7)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(t=sizes, s=sizes, d=numbers, e=numbers, causal=st.booleans(), group=st.integers(1, 3),
       scale=st.sampled_from([1.0, 100.0]), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_a_rung_equals_the_definition(rung, dtype, t, s, d, e, causal, group, scale, seed):
    rng = np.random.default_rng(seed)
    q, k, v = arrays(rng, dtype, (2, 2 * group), (2, 2), t, s, d, e, scale)
    want = LADDER["naive"](q, k, v, causal)
    came = kernels.attention(*(laid(rng, x) for x in (q, k, v)), causal, kernel=rung)
    assert came.dtype == want.dtype and came.shape == want.shape
    close(came, want, scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("causal", [False, True])
def test_the_definition_equals_the_composition_of_numpy(dtype, causal):
    rng = np.random.default_rng(0)
    for lead, t, s in (((), 9, 13), ((3,), 5, 5), ((2, 3), 20, 33), ((2, 1, 3), 4, 4)):
        q, k, v = arrays(rng, dtype, lead, lead, t, s, 7, 5)
        close(LADDER["naive"](q, k, v, causal), composed(q, k, v, causal))
        close(kernels.attention(q, k, v, causal), composed(q, k, v, causal))


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
def test_torch_says_the_same_of_grouped_queries(rung):
    torch = pytest.importorskip("torch")
    q, k, v = arrays(np.random.default_rng(0), "float32", (2, 6), (2, 2), 50, 50, 16, 16)
    want = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.tensor, (q, k, v)), is_causal=True, enable_gqa=True)
    close(kernels.attention(q, k, v, True, kernel=rung), want.numpy())


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_scores_do_not_overflow(rung, dtype):
    q, k, v = arrays(np.random.default_rng(0), dtype, (), (), 30, 500, 8, 8, 1e4)
    came = kernels.attention(q, k, v, kernel=rung)
    best = np.argmax(q @ k.T, -1)
    assert np.isfinite(came).all() and np.mean(np.abs(came - v[best]).max(-1) < 1e-3) > 0.9


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
@pytest.mark.parametrize("keys", [9, 300])
def test_a_query_that_sees_no_key_is_nan(rung, keys):
    q, k, v = arrays(np.random.default_rng(0), "float32", (), (), keys + 4, keys, 4, 4)
    came = kernels.attention(q, k, v, True, kernel=rung)
    assert np.isnan(came[:4]).all()
    close(came[4:], kernels.attention(q[4:], k, v, True, kernel="naive"))
    assert np.isnan(kernels.attention(q, k[:0], v[:0], kernel=rung)).all()


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_and_infinity_stay_in_their_rows(rung):
    q, k, v = arrays(np.random.default_rng(0), "float32", (), (), 300, 300, 4, 20)
    want = kernels.attention(q, k, v, kernel="naive")
    for bad in (np.nan, np.inf, -np.inf):
        p = q.copy()
        p[7, 2] = bad
        came = kernels.attention(p, k, v, kernel=rung)
        assert np.isnan(came[7]).all()
        close(np.delete(came, 7, 0), np.delete(want, 7, 0))
    keys, ones = np.zeros_like(k), np.ones_like(q)
    keys[:290] = -np.inf  # weight 0: the last ten keys share all
    close(kernels.attention(ones, keys, v, kernel=rung), np.tile(v[290:].mean(0), (300, 1)))
    assert np.isnan(kernels.attention(ones, keys[:290], v[:290], kernel=rung)).all()


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
def test_a_value_that_is_not_finite_reaches_who_sees_it(rung):
    q, k, v = arrays(np.random.default_rng(0), "float32", (), (), 70, 70, 4, 20)
    v[33, 5] = np.nan
    came = np.isnan(kernels.attention(q, k, v, True, kernel=rung))
    assert came[33:, 5].all() and not np.delete(came, 5, 1).any()
    assert rung == "materialised" or not came[:33].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_several_threads_compute_the_same(dtype):
    rng = np.random.default_rng(0)
    q, k, v = arrays(rng, dtype, (3, 4), (3, 2), 200, 200, 16, 16)
    for causal in (False, True):
        came, logs = kernels.attention_forward(q, k, v, causal)
        for i in range(3):
            one, logs_of_one = kernels.attention_forward(q[i, :, :50], k[i], v[i])
            if not causal:
                np.testing.assert_array_equal(came[i, :, :50], one)
                np.testing.assert_array_equal(logs[i, :, :50], logs_of_one)
        close(came, LADDER["naive"](q, k, v, causal))


# ---- decode

@pytest.mark.parametrize("dtype", DTYPES)
@given(s=st.integers(0, 300), d=numbers, e=numbers, group=st.integers(1, 3),
       seed=st.integers(0, 99))
@settings(max_examples=40)
def test_decoding_is_attention_of_one_query(dtype, s, d, e, group, seed):
    rng = np.random.default_rng(seed)
    q, k, v = arrays(rng, dtype, (2, 2 * group), (2, 2), 1, s, d, e)
    length = int(rng.integers(0, s + 1))
    k[..., length:, :] = v[..., length:, :] = np.nan  # what the cache does not hold yet
    came = kernels.attention_decode(guarded(q[..., 0, :]), laid(rng, k), laid(rng, v), length)
    want = LADDER["naive"](q, k[..., :length, :], v[..., :length, :])[..., 0, :]
    assert came.dtype == want.dtype and came.shape == want.shape
    close(came, want)


def test_decoding_by_several_threads_and_without_heads():
    q, k, v = arrays(np.random.default_rng(0), "float32", (2, 4), (2, 4), 1, 3000, 64, 64)
    want = LADDER["naive"](q, k, v)[..., 0, :]
    close(kernels.attention_decode(q[..., 0, :], k, v), want)
    close(kernels.attention_decode(q[0, 0, 0], k[0, 0], v[0, 0]), want[0, 0])


# ---- sentences and costs

X = np.ones((2, 4, 5, 8), np.float32)


@pytest.mark.parametrize(("arguments", "words"), [
    ((X, X, X.astype(float)), "attention: takes float32 or float64, all of one dtype"),
    ((X.astype(int),) * 3, "takes float32 or float64"),
    ((X, X[0], X), "have as many axes"),
    ((X[0, 0, 0],) * 3, "have as many axes"),
    ((X, X, X[:, :, :4]), "one value for each key"),
    ((X, X[..., :7], X), "as many numbers, at least 1"),
    ((X[..., :0], X[..., :0], X), "as many numbers, at least 1"),
    ((X, X[:1], X[:1]), "axes before tokens are equal"),
    ((X[:, :3], X[:, :2], X[:, :2]), "heads of q may be a multiple")])
def test_bad_arguments_get_a_sentence(arguments, words):
    with pytest.raises(LabError, match=words):
        kernels.attention(*arguments)


def test_decoding_says_what_it_takes():
    with pytest.raises(LabError, match="length is 6, but the cache has 5 keys"):
        kernels.attention_decode(X[:, :, 0], X, X, 6)
    with pytest.raises(LabError, match="length=-1; it is a whole number"):
        kernels.attention_decode(X[:, :, 0], X, X, -1)
    with pytest.raises(LabError, match="as many axes"):
        kernels.attention_decode(X, X, X)


def test_lists_are_arrays_and_an_unknown_rung_offers_those_there_are():
    assert kernels.attention([[1.0]], [[2.0], [2.0]], [[3.0], [5.0]]) == pytest.approx(4)
    with pytest.raises(LabError, match="no kernel 'fastest' in KERNELS"):
        kernels.attention(X, X, X, kernel="fastest")


def test_costs_are_counted():
    costs = {rung: kernels.attention_cost(rung, 1024, 1024, 64, 64) for rung in LADDER}
    assert costs["naive"].traffic == 4 * 1025 * 1024 * 128
    assert costs["materialised"].traffic == 4 * (2048 * 128 + 4 * 1024 ** 2)
    assert costs["materialised"].workspace > 4 * 1024 ** 2 > 4 * costs["tiled"].workspace
    assert len({cost.multiplications for cost in costs.values()}) == 1
    twice = kernels.attention_cost("tiled", 2048, 2048, 64, 64)
    assert twice.workspace < 2 * costs["tiled"].workspace
    causal = {rung: kernels.attention_cost(rung, 6, 6, 2, 3, True) for rung in LADDER}
    assert [causal[rung].multiplications for rung in ("naive", "tiled", "materialised")] == [
        5 * 21, 5 * 21, 5 * 36]
    assert causal["online"].workspace == 0 and causal["naive"].workspace == 24
