"""A product with its epilogue against the same in passes, and that against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from kernels.guard import guarded

sides = st.one_of(st.integers(0, 40), st.sampled_from([63, 64, 65, 400]))
NUMPY = {None: lambda x: x, "relu": lambda x: np.maximum(x, 0), "gelu": lambda x: x / 2 * (
    1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rung", kernels.KERNELS["linear"])
@given(m=sides, k=sides, n=sides, seed=st.integers(0, 99), activation=st.sampled_from([*NUMPY]),
       biased=st.booleans(), added=st.booleans(), packed=st.booleans())
@settings(max_examples=60)
def test_epilogues(rung, dtype, m, k, n, seed, activation, biased, added, packed):
    rng = np.random.default_rng(seed)
    x, w, b, r = (rng.uniform(-1, 1, shape).astype(dtype) for shape in
                  ((m, k), (k, n), (n,), (m, n)))
    packed = packed and rung != "naive"  # panels are not for the definition
    came = kernels.linear(guarded(x), kernels.pack(w) if packed else guarded(w),
                          guarded(b) if biased else None, activation,
                          guarded(r, end=seed % 2) if added else None, kernel=rung)
    want = NUMPY[activation](x @ w + (b if biased else 0)) + (r if added else 0)
    assert came.dtype == dtype and came.shape == (m, n)
    tolerance = 16 * np.finfo(dtype).eps * (k + 8)
    np.testing.assert_allclose(came, want, rtol=tolerance, atol=tolerance)


def test_threads_give_the_same():
    rng = np.random.default_rng(0)
    x, w, b, r = (rng.uniform(-1, 1, shape) for shape in ((601, 130), (130, 75), 75, (601, 75)))
    np.testing.assert_allclose(kernels.linear(x, w, b, "relu", r), np.maximum(x @ w + b, 0) + r)


X, W = np.ones((2, 3)), np.ones((3, 4))


@pytest.mark.parametrize(("args", "words"), [
    ((X, W, np.ones(3)), "bias belongs to a result \\[2, 4\\] and is \\[4\\], got float64\\[3\\]"),
    ((X, W, None, None, np.ones((4, 2))), "residual belongs to"),
    ((X, W, None, "swish"), "activation='swish'; it is None, 'relu' or 'gelu'"),
    ((X, W, np.ones(4, "f")), "all of one dtype"),
    ((X, np.ones((2, 4))), "inner sizes differ")])
def test_bad_arguments_get_a_sentence(args, words):
    with pytest.raises(LabError, match=words):
        kernels.linear(*args)
