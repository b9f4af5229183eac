"""Layouts of images and of matrices, there and back: every rung against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import fractals, layouts
from kernels.guard import guarded
from kernels.rows import DTYPES, arrange

KERNELS = kernels.KERNELS
few = st.integers(0, 3)


@st.composite
def images(draw):
    """A shape [N,C,H,W]."""
    sides = st.one_of(few, st.sampled_from([5, 8, 17]))
    return draw(few), draw(st.one_of(st.integers(0, 20), st.sampled_from([33, 64]))), draw(
        sides), draw(sides)


def blocked(x, block):
    """[N, ceil(C / block), H, W, block], by reshaping."""
    n, c, h, w = x.shape
    blocks = -(-c // block)
    x = np.pad(x, ((0, 0), (0, blocks * block - c), (0, 0), (0, 0)))
    return x.reshape(n, blocks, block, h, w).transpose(0, 1, 3, 4, 2)


@pytest.mark.parametrize("rung", KERNELS["pack_nc4hw4"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(shape=images(), block=st.sampled_from([1, 3, 4, 8, 16, 30]), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_channels_in_blocks_and_back(rung, dtype, shape, block, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape).astype(dtype)
    pack, unpack = layouts.pack_nc4hw4, kernels.unpack_nc4hw4
    came = pack(arrange(rng, x), block, kernel=rung)
    assert came.dtype == dtype and came.flags.c_contiguous
    np.testing.assert_array_equal(came, blocked(x, block))
    back = unpack(arrange(rng, came), shape[1], kernel=rung)
    assert back.dtype == dtype and back.flags.c_contiguous
    np.testing.assert_array_equal(back, x)


def test_names_of_layouts():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 18, 3, 5)).astype("f")
    np.testing.assert_array_equal(layouts.pack_nc4hw4(x), kernels.pack_nc4hw4(x))  # the lesson's
    came = kernels.pack_nc1hwc0(x)
    assert came.shape == (2, 2, 3, 5, 16)
    np.testing.assert_array_equal(came, blocked(x, 16))
    np.testing.assert_array_equal(kernels.unpack_nc1hwc0(came, 18), x)


@given(shape=images(), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_channels_last_and_back(shape, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, shape).astype("f")
    came = kernels.nchw_to_nhwc(arrange(rng, x))
    assert came.flags.c_contiguous
    np.testing.assert_array_equal(came, x.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(kernels.nhwc_to_nchw(arrange(rng, came)), x)


ORDERS = {"zZ": (0, 2, 1, 3), "zN": (2, 0, 1, 3), "nZ": (0, 2, 3, 1), "nN": (2, 0, 3, 1)}


def in_fractals(x, layout, high, wide):
    """Fractals of a matrix, by reshaping."""
    m, n = (-(-size // side) * side for size, side in zip(x.shape, (high, wide), strict=True))
    x = np.pad(x, ((0, m - x.shape[0]), (0, n - x.shape[1])))
    return x.reshape(m // high, high, n // wide, wide).transpose(ORDERS[layout])


@pytest.mark.parametrize("rung", KERNELS["pack_fractal"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(m=st.integers(0, 50), n=st.integers(0, 50), layout=st.sampled_from(sorted(ORDERS)),
       high=st.sampled_from([1, 4, 7, 16]), wide=st.sampled_from([1, 8, 9, 16, 32]),
       seed=st.integers(0, 99))
@settings(max_examples=80)
def test_matrices_in_fractals_and_back(rung, dtype, m, n, layout, high, wide, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (m, n)).astype(dtype)
    came = kernels.pack_fractal(arrange(rng, x), layout, high, wide, kernel=rung)
    assert came.dtype == dtype and came.flags.c_contiguous
    np.testing.assert_array_equal(came, in_fractals(x, layout, high, wide))
    back = kernels.unpack_fractal(arrange(rng, came), layout, (m, n), kernel=rung)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, x)


def test_every_fractal_layout_is_tested():
    assert ORDERS.keys() == kernels.FRACTALS.keys()


@given(channels=st.integers(1, 20), size=st.integers(1, 40), block=st.sampled_from([4, 16]),
       end=st.booleans())
@settings(max_examples=40)
def test_nothing_is_written_beside_results(channels, size, block, end):
    x = np.random.default_rng(size).uniform(-1, 1, (1, channels, size)).astype("f")
    blocks = np.empty((1, -(-channels // block), size, block), "f")
    layouts.panels_pack(x, blocks)
    matrix, down = x[0], (-(-channels // block), -(-size // block))
    lines = np.empty((down[0] * down[1], block * block), "f")
    fractals.block_pack(matrix, block, block, True, False, lines)
    for run, shape in [
            (lambda out: layouts.panels_pack(x, out), blocks.shape),
            (lambda out: layouts.panels_unpack(blocks, out), x.shape),
            (lambda out: fractals.block_pack(matrix, block, block, True, False, out), lines.shape),
            (lambda out: fractals.block_pack(matrix, block, block, False, True, out), lines.shape),
            (lambda out: fractals.block_unpack(lines, block, block, True, False, out),
             matrix.shape)]:
        out, again = guarded(np.full(shape, 7, "f"), end=end), np.empty(shape, "f")
        run(out)
        run(again)
        np.testing.assert_array_equal(out, again)


IMAGE, MATRIX = np.ones((1, 6, 2, 2), "f"), np.ones((5, 6), "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: layouts.pack_nc4hw4(IMAGE[0]), r"pack_nc4hw4: x has 4 axes, got float32\[6, 2, 2\]"),
    (lambda: layouts.pack_nc4hw4(IMAGE.astype(int)), "takes float32 or float64"),
    (lambda: layouts.pack_nc4hw4(IMAGE, 0), "block=0; it is a whole number of 1 or more"),
    (lambda: kernels.pack_nc1hwc0(IMAGE, 2.5), "block=2.5"),
    (lambda: kernels.unpack_nc4hw4(IMAGE, 6), "x has 5 axes"),
    (lambda: kernels.unpack_nc4hw4(np.ones((1, 2, 2, 2, 4), "f"), 9), "9 channels do not fill 2 "),
    (lambda: kernels.unpack_nc4hw4(np.ones((1, 3, 2, 2, 0), "f"), 3), "blocks of 0"),
    (lambda: kernels.unpack_nc4hw4(np.ones((1, 2, 2, 2, 4), "f"), -1), "channels=-1"),
    (lambda: kernels.nchw_to_nhwc(MATRIX), "nchw_to_nhwc: x has 4 axes"),
    (lambda: kernels.nhwc_to_nchw([1]), "nhwc_to_nchw: takes float32"),
    (lambda: kernels.pack_fractal(IMAGE, "zZ"), "pack_fractal: x has 2 axes"),
    (lambda: kernels.pack_fractal(MATRIX, "ZZ"), "no layout 'ZZ'"),
    (lambda: kernels.pack_fractal(MATRIX, "zZ", 0), "rows=0"),
    (lambda: kernels.unpack_fractal(IMAGE, "zZ", (5, 6)), "is no matrix"),
    (lambda: kernels.unpack_fractal(IMAGE, "zZ", 5), "shape=5; it is two whole numbers"),
    (lambda: kernels.unpack_fractal(IMAGE, "zZ", (1, 2, 3)), "it is two whole numbers"),
    (lambda: kernels.unpack_fractal(IMAGE[..., :0], "zZ", (0, 0)), "is no matrix"),
    (lambda: kernels.unpack_fractal(IMAGE, "zZ", (5, -6)), "a side of the shape=-6"),
    (lambda: kernels.unpack_fractal(IMAGE, "Z", (5, 6)), "no layout 'Z'")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()
