"""Sums, means, largest numbers and their places, and transposes: every rung against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import reductions, transposes
from kernels.guard import guarded
from kernels.rows import DTYPES, arrange, shapes

KERNELS = kernels.KERNELS
RUNGS = list(KERNELS["sum"])


def an_axis(rng, ndim):
    """An axis, from either end, or None."""
    return None if rng.random() < 0.3 else int(rng.integers(-ndim, ndim))


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99), keepdims=st.booleans())
@settings(max_examples=60)
def test_sums_and_means_are_numpys(rung, dtype, shape, seed, keepdims):
    rng = np.random.default_rng(seed)
    x, axis = rng.uniform(-1, 1, shape).astype(dtype), an_axis(rng, len(shape))
    at, how = arrange(rng, x), {"axis": axis, "keepdims": keepdims}
    came = kernels.sum(at, **how, kernel=rung)
    want = x.sum(**how, dtype=np.float64)
    assert came.dtype == dtype and came.shape == want.shape
    np.testing.assert_allclose(came, want, rtol=1e-5, atol=np.finfo(dtype).eps * (1 + x.size))
    count = x.size // max(1, want.size)
    came = kernels.mean(at, **how, kernel=rung)
    assert came.dtype == dtype and came.shape == want.shape
    np.testing.assert_allclose(came, want / count if count else want + np.nan, rtol=1e-5,
                               atol=np.finfo(dtype).eps * 40)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=shapes(), seed=st.integers(0, 99), keepdims=st.booleans(),
       odd=st.sampled_from([0, np.nan, np.inf, -np.inf]))
@settings(max_examples=80)
def test_the_largest_and_its_place_are_numpys(rung, dtype, shape, seed, keepdims, odd):
    rng = np.random.default_rng(seed)
    x, axis = rng.integers(-3, 4, shape).astype(dtype), an_axis(rng, len(shape))
    x[rng.random(shape) < 0.1] = odd
    for op in ("max", "argmax"):
        verb, at = getattr(kernels, op), arrange(rng, x)
        if not (x.size if axis is None else shape[axis]):
            with pytest.raises(LabError, match=f"{op}: there is no largest of no numbers"):
                verb(at, axis, keepdims, kernel=rung)
        elif x.size:
            came, want = verb(at, axis, keepdims, kernel=rung), getattr(np, op)(
                x, axis, keepdims=keepdims)
            assert came.dtype == want.dtype and came.shape == want.shape
            np.testing.assert_array_equal(came, want)


@pytest.mark.parametrize("where", [0, 255, 256, 700, 2047, 2048, 4999])
def test_places_in_long_lines(where):
    x = np.zeros((3, 5000), np.float32)
    x[0, where], x[1, where], x[2] = 1, np.nan, -np.inf
    x[0, -1] = x[0, where]
    for rung in RUNGS:
        np.testing.assert_array_equal(kernels.argmax(x, 1, kernel=rung), [where, where, 0])
        np.testing.assert_array_equal(kernels.max(x, 1, kernel=rung), [1, np.nan, -np.inf])
        np.testing.assert_array_equal(kernels.max(x.T.copy(), 0, kernel=rung),
                                      [1, np.nan, -np.inf])


def test_sums_of_many_numbers_lose_no_more_than_those_of_few():
    x = np.random.default_rng(0).uniform(0, 1, (2, 300_001)).astype("f")
    want = x.sum(1, dtype=np.float64)
    np.testing.assert_allclose(kernels.sum(x, 1), want, rtol=1e-6)
    np.testing.assert_allclose(kernels.sum(np.ascontiguousarray(x.T), 0), want, rtol=2e-5)


@given(before=st.integers(1, 3), n=st.integers(1, 40), behind=st.integers(1, 20),
       end=st.booleans())
@settings(max_examples=30)
def test_nothing_is_written_beside_results(before, n, behind, end):
    x = np.random.default_rng(n).uniform(-1, 1, (before, n, behind)).astype("f")
    for run, shape in [(reductions.vector_sum, (before, behind)),
                       (reductions.vector_max, (before, behind)),
                       (transposes.squares, (before, behind, n))]:
        out, again = guarded(np.full(shape, 7, "f"), end=end), np.empty(shape, "f")
        run(x, out)
        run(x, again)
        np.testing.assert_array_equal(out, again)


# ---- transposes

sides = st.one_of(st.integers(0, 20), st.sampled_from([63, 64, 65, 130, 256]))


@pytest.mark.parametrize("rung", KERNELS["transpose2d"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(m=sides, n=sides, before=st.lists(st.integers(0, 3), max_size=2), seed=st.integers(0, 99))
@settings(max_examples=50)
def test_a_transpose_is_numpys(rung, dtype, m, n, before, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (*before, m, n)).astype(dtype)
    came = kernels.transpose2d(arrange(rng, x), kernel=rung)
    assert came.dtype == dtype and came.flags.c_contiguous
    np.testing.assert_array_equal(came, x.swapaxes(-1, -2))


ROW = np.ones((2, 3), "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.sum(ROW, 2), r"sum: axis=2, but x float32\[2, 3\] has 2 axes"),
    (lambda: kernels.mean(ROW, (0, 1)), r"mean: axis=\(0, 1\)"),
    (lambda: kernels.mean(ROW, "0"), "mean: axis='0'"),
    (lambda: kernels.max(ROW.astype(int)), "max: takes float32 or float64"),
    (lambda: kernels.argmax(ROW, -3), "argmax: axis=-3"),
    (lambda: kernels.max([]), r"max: there is no largest of no numbers, in float64\[0\]"),
    (lambda: kernels.transpose2d(ROW[0]), "transpose2d: x has 2 axes or more"),
    (lambda: kernels.transpose2d([[1]]), "transpose2d: takes float32 or float64")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()


def test_lists_and_single_numbers_are_arrays():
    assert kernels.sum([1.0, 2.0]) == 3 and kernels.max(np.float32(4)) == 4
    assert kernels.argmax([[1.0, 5.0], [7.0, 2.0]]) == 2 and kernels.mean([1.0, 2.0]) == 1.5
