"""The small versions of kernels beside definitions, and beside one another."""

from fractions import Fraction

import numpy as np
import pytest

from aisys_lab.core import SLOTS, LabError, attempt
from aisys_lab.kernels import (
    compiled,
    conv_gemm,
    im2col,
    indirect_conv,
    indirect_table,
    microkernel,
    pack_nc4hw4,
    winograd,
    winograd_matrices,
)
from aisys_lab.kernels.lessons import online

ONES = (1, 1), (0, 0), (1, 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_middle_tap_of_the_columns_is_the_image():
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    assert np.array_equal(im2col(x, (3, 3), (1, 1), (1, 1), (1, 1))[0, 4], x.ravel())


def test_a_window_that_does_not_fit_is_a_sentence():
    with pytest.raises(LabError, match="a window of 7 does not fit into 4 with padding 1"):
        im2col(np.ones((1, 1, 4, 9)), (3, 3), (1, 1), (1, 1), (3, 1))


def test_the_matrices_of_f_2_3_are_those_of_the_book():
    half = Fraction(1, 2)
    assert winograd_matrices(2, 3) == (
        [[1, 1, 1, 0], [0, 1, -1, 1]],
        [[-1, 0, 0], [half, half, half], [half, -half, half], [0, 0, 1]],
        [[-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_three_ways_to_convolve(rng, m):
    x, w = rng.standard_normal((2, 3, 9, 8)), rng.standard_normal((4, 3, 3, 3))
    by_columns = conv_gemm(x, w, *ONES, 1)
    assert np.allclose(winograd(x, w, m), by_columns)
    table = indirect_table((9, 8), (3, 3), *ONES)
    taps = w.reshape(4, 3, 9).transpose(0, 2, 1)
    for image, out in zip(x, by_columns, strict=True):
        rows = image.reshape(3, 72).T
        by_pointers = indirect_conv(rows, np.zeros(3), table, taps)
        assert np.allclose(by_pointers.T.reshape(out.shape), out)


def test_packed_channels_lie_side_by_side():
    packed = pack_nc4hw4(np.arange(6).reshape(1, 6, 1, 1))
    assert packed.ravel().tolist() == [0, 1, 2, 3, 4, 5, 0, 0]


def test_compiled_loops_and_the_slot_that_serves(rng):
    a, b = rng.standard_normal((7, 5)), rng.standard_normal((5, 9))
    out = np.empty((7, 9))
    compiled(microkernel)(a, b, out)
    assert np.allclose(out, a @ b)

    def nothing(a, b, out):
        out[:] = 0

    with attempt():
        SLOTS["kernels.microkernel"] = nothing
        compiled(microkernel)(a, b, out)
    assert not out.any()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_of_keys_give_the_attention_of_all(rng, causal, dtype):
    q, k = rng.standard_normal((2, 33, 8)).astype(dtype)
    v = rng.standard_normal((33, 5)).astype(dtype)
    scores = q @ k.T / np.sqrt(8)
    if causal:
        scores = np.where(np.tri(33, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    want = weights @ v / weights.sum(axis=1, keepdims=True)
    for block in (1, 16, 40):
        out = online.attention(q, k, v, causal, block)
        assert out.dtype == dtype and np.allclose(out, want, atol=1e-5)
