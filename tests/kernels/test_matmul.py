"""Every rung of the matrix product against the naive one, on awkward shapes and layouts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from kernels.guard import guarded

LADDER = kernels.KERNELS["matmul"]
RUNGS = [name for name in LADDER if name != "naive"]
DTYPES = ("float32", "float64")
sides = st.one_of(st.integers(0, 40), st.sampled_from([63, 64, 65, 255, 257, 300]))


def close(came, want, k):
    """Sums of k products of numbers of size one, in any order."""
    tolerance = np.finfo(came.dtype).eps * (k + 8)
    np.testing.assert_allclose(came, want, rtol=tolerance, atol=4 * tolerance)


def layouts(rng, x):
    """The same matrix in one of many layouts, ending at a guard page."""
    kind = rng.integers(6)
    if kind == 0:
        return np.asfortranarray(x)
    if kind == 1:
        return guarded(x.T).T
    if kind == 2:
        return guarded(x[::-1])[::-1]
    if kind == 3:
        return guarded(np.repeat(x, 2, 1))[:, ::2]
    if kind == 4:  # a large leading dimension, the last row up to the very end
        wide = guarded(np.pad(x, ((0, 0), (7, 0))))
        return wide[:, 7:]
    return guarded(x, end=rng.random() < 0.7)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(m=sides, k=sides, n=sides, seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_rung_equals_the_definition(rung, dtype, m, k, n, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(-1, 1, shape).astype(dtype) for shape in ((m, k), (k, n)))
    want = LADDER["naive"](a, b)
    came = kernels.matmul(layouts(rng, a), layouts(rng, b), kernel=rung)
    assert came.dtype == want.dtype and came.shape == want.shape
    close(came, want, k)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_products_by_several_threads(dtype):
    rng = np.random.default_rng(0)
    for m, k, n in ((700, 300, 100), (100, 300, 2500), (257, 513, 129)):
        a, b = (rng.uniform(-1, 1, shape).astype(dtype) for shape in ((m, k), (k, n)))
        close(kernels.matmul(a, b), a @ b, k)


@pytest.mark.parametrize("rung", ["naive", *RUNGS])
def test_nan_and_infinity_go_through(rung):
    a, b = np.ones((7, 5), np.float32), np.ones((5, 9), np.float32)
    a[2, 3], b[1, 4] = np.inf, np.nan
    came = kernels.matmul(a, b, kernel=rung)
    assert np.isinf(came[2, 0]) and np.isnan(came[:, 4]).all() and (came[0, :4] == 5).all()


@pytest.mark.parametrize(("a", "b", "words"), [
    (np.ones((2, 3)), np.ones((2, 3)), "inner sizes differ, float64\\[2, 3\\]"),
    (np.ones((2, 3), "f"), np.ones((3, 2)), "one dtype, got a float32"),
    (np.ones((2, 3), int), np.ones((3, 2), int), "takes float32 or float64"),
    (np.ones((2, 3), ">f4"), np.ones((3, 2), ">f4"), "takes float32 or float64"),
    (np.ones(3), np.ones((3, 2)), "a has 2 axes, got float64\\[3\\]"),
    (np.ones((2, 3)), None, "takes float32 or float64"),
    ("text", np.ones((3, 2)), "takes float32 or float64")])
def test_bad_arguments_get_a_sentence(a, b, words):
    with pytest.raises(LabError, match=words):
        kernels.matmul(a, b)


def test_lists_are_arrays():
    np.testing.assert_array_equal(kernels.matmul([[1.0, 2.0]], [[3.0], [4.0]]), [[11.0]])


def test_an_unknown_rung_offers_those_there_are():
    with pytest.raises(LabError, match="no kernel 'fastest'.*naive"):
        kernels.matmul(np.ones((2, 2)), np.ones((2, 2)), kernel="fastest")


@pytest.mark.parametrize("dtype", DTYPES)
@given(m=sides, k=sides, n=sides, seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_packed_right_side_gives_the_same(dtype, m, k, n, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(-1, 1, shape).astype(dtype) for shape in ((m, k), (k, n)))
    packed = kernels.pack(layouts(rng, b))
    assert packed.shape == b.shape and packed.dtype == b.dtype
    close(kernels.matmul(layouts(rng, a), packed), LADDER["naive"](a, b), k)


def test_a_packed_right_side_prints_itself_and_goes_with_threads():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1, 1, (601, 500)), rng.uniform(-1, 1, (500, 129))
    packed = kernels.pack(b)
    close(kernels.matmul(a, packed), a @ b, 500)
    assert str(packed).startswith("packed float64[500, 129], ")


def test_what_does_not_fit_a_packed_right_side_gets_a_sentence():
    packed = kernels.pack(np.ones((3, 2)))
    for a, kernel, words in ((np.ones((2, 3), "f"), "packed", "both are of one dtype"),
                             (np.ones((2, 4)), "packed", "inner sizes differ"),
                             (np.ones((2, 3)), "naive", "only kernel='packed'")):
        with pytest.raises(LabError, match=words):
            kernels.matmul(a, packed, kernel=kernel)
    with pytest.raises(LabError, match="pack: takes float32 or float64"):
        kernels.pack(np.ones((2, 2), int))
