"""Pooling and its gradients: every rung against the rows of the IR, which are NumPy's."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.ir import OPS
from aisys_lab.kernels import pooling
from kernels.guard import guarded

DTYPES = ("float32", "float64")
LAYOUTS = ("NCHW", "NHWC")
RUNGS = ("naive", "vectors")


@st.composite
def cases(draw):
    """``(x [N,C,H,W] of few whole numbers, some of them NaN or infinite, settings)``."""
    few = st.tuples(st.integers(1, 3), st.integers(1, 4))
    window, stride = draw(few), draw(few)
    pads = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in window)
    if draw(st.integers(0, 2)) == 0:  # those of pool_pairs
        window, stride, pads = (2, 2), (2, 2), ((0, 0), (0, 0))
    size = draw(st.tuples(st.integers(1, 9), st.one_of(st.integers(1, 20), st.just(33))))
    assume(all(n + sum(ends) >= k for n, ends, k in zip(size, pads, window, strict=True)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = (draw(st.sampled_from([0, 1, 2])), draw(st.sampled_from([0, 1, 3, 8, 17])), *size)
    x = rng.integers(-3, 4, shape).astype(float)
    if draw(st.booleans()):
        x[rng.random(shape) < 0.05] = np.nan
        x[rng.random(shape) < 0.3] = -np.inf
    return x, {"window": window, "stride": stride, "padding": pads}


def op(name, *arrays, window, **at):
    """A row of the IR."""
    return OPS[name].eval(*arrays, kernel=window, **at)


def arranged(layout, dtype, end, *arrays):
    """The arrays in a layout, each beside a page that may not be touched."""
    return [guarded((a if layout == "NCHW" else a.transpose(0, 2, 3, 1)).astype(dtype), end=end)
            for a in arrays]


def first(out, layout):
    """A result as [N,C,H,W]."""
    return out if layout == "NCHW" else out.transpose(0, 3, 1, 2)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(), end=st.booleans())
@settings(max_examples=40)
def test_the_largest_entries_and_the_way_back(rung, layout, dtype, case, end):
    x, at = case
    want = op("max_pool", x, **at)
    g = np.random.default_rng(0).integers(-9, 9, want.shape).astype(float)
    came_x, came_g = arranged(layout, dtype, end, x, g)
    how = {"layout": layout, "kernel": rung}
    np.testing.assert_array_equal(first(kernels.max_pool(came_x, **at, **how), layout), want)
    np.testing.assert_array_equal(
        first(kernels.max_pool_input(came_g, came_x, **at, **how), layout),
        op("max_pool_input", g, x, **at))


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(), end=st.booleans())
@settings(max_examples=40)
def test_sums_and_means_and_the_way_back(rung, layout, dtype, case, end):
    x, at = case
    x = np.nan_to_num(x, neginf=-5)
    want, area, size = op("sum_pool", x, **at), np.prod(at["window"]), x.shape[2:]
    g = np.random.default_rng(0).integers(-9, 9, want.shape).astype(float)
    back, how = op("sum_pool_input", g, size=size, **at), {"layout": layout, "kernel": rung}
    came_x, came_g = arranged(layout, dtype, end, x, g)
    for came, right in [(kernels.sum_pool(came_x, **at, **how), want),
                        (kernels.avg_pool(came_x, **at, **how), want / area),
                        (kernels.sum_pool_input(came_g, size, **at, **how), back),
                        (kernels.avg_pool_input(came_g, size, **at, **how), back / area)]:
        assert came.dtype == dtype
        np.testing.assert_allclose(first(came, layout), right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(case=cases(), end=st.booleans())
@settings(max_examples=30)
def test_nothing_is_written_beside_results(layout, case, end):
    x, at = case
    came_x, came_g = arranged(layout, "float32", True, x, op("max_pool", x, **at))
    it = pooling.slide("max_pool", came_x.shape, *at.values(), layout, came_x.dtype)
    for run, arrays, shape in [(pooling.largest, (came_x,), it.result),
                               (pooling.largest_back, (came_g, came_x), it.image),
                               (pooling.sums, (came_x,), it.result),
                               (pooling.sums_back, (came_g,), it.image)]:
        out, again = guarded(np.full(shape, 7, "f"), end=end), np.empty(shape, "f")
        run(*arrays, it, out)
        run(*arrays, it, again)
        np.testing.assert_array_equal(out, again)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_threads_make_the_same(layout):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 32, 80, 80) if layout == "NCHW" else (4, 80, 80, 32)).astype("f")
    g = rng.standard_normal((4, 32, 40, 40) if layout == "NCHW" else (4, 40, 40, 32)).astype("f")
    for run in (lambda x, g: kernels.max_pool(x, 3, 2, 1, layout),
                lambda x, g: kernels.max_pool_input(g, x, 3, 2, 1, layout),
                lambda x, g: kernels.max_pool(x, 2, layout=layout),
                lambda x, g: kernels.max_pool_input(g, x, 2, layout=layout),
                lambda x, g: kernels.avg_pool(x, 3, 2, 1, layout),
                lambda x, g: kernels.avg_pool_input(g, (80, 80), 3, 2, 1, layout)):
        parts = [run(x[i:i + 1, ...], g[i:i + 1]) for i in range(4)]
        np.testing.assert_array_equal(run(x, g), np.concatenate(parts))


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).standard_normal((2, 3, 14, 15), dtype=np.float32)
    leaf = torch.tensor(x, requires_grad=True)
    for ours, back, theirs in [
            (kernels.max_pool, lambda g: kernels.max_pool_input(g, x, 3, 2, 1),
             torch.nn.functional.max_pool2d),
            (kernels.avg_pool, lambda g: kernels.avg_pool_input(g, (14, 15), 3, 2, 1),
             torch.nn.functional.avg_pool2d)]:
        out = theirs(leaf, 3, 2, 1)
        g = torch.cos(torch.arange(out.numel(), dtype=torch.float32)).reshape(out.shape)
        np.testing.assert_allclose(ours(x, 3, 2, 1), out.detach(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(back(g.numpy()), torch.autograd.grad(out, leaf, g)[0],
                                   rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("arguments", "words"), [
    ((np.ones((3, 4), "f"), 2), "max_pool: .* axes"),
    ((np.ones((1, 1, 4, 4), int), 2), "takes float32 or float64"),
    ((np.ones((1, 1, 4, 4), "f"), 0), "window"), ((np.ones((1, 1, 4, 4), "f"), 2, 0), "stride"),
    ((np.ones((1, 1, 4, 4), "f"), 2, 2, 2), "as wide as the window"),
    ((np.ones((1, 1, 4, 4), "f"), 5), "does not fit"),
    ((np.ones((1, 1, 4, 4), "f"), 2, 2, 0, "CNHW"), "layout='CNHW'"),
    ((np.ones((1, 1, 4, 4), "f"), (2, 2, 2)), "window")])
def test_bad_arguments_get_a_sentence(arguments, words):
    with pytest.raises(LabError, match=words):
        kernels.max_pool(*arguments)


def test_gradients_that_are_no_results_get_a_sentence():
    x, g = np.ones((1, 1, 4, 4), "f"), np.ones((1, 1, 3, 2), "f")
    for call in (lambda: kernels.max_pool_input(g, x, 2), lambda: kernels.avg_pool_input(
            g, (4, 4), 2), lambda: kernels.sum_pool_input(g, (4, 4), 2)):
        with pytest.raises(LabError, match=r"g should be \[1, 1, 2, 2\], got float32\[1, 1, 3"):
            call()
    for size, words in (("4x4", "size"), ((4, 4, 4), "size"), (-4, "size")):
        with pytest.raises(LabError, match=words):
            kernels.sum_pool_input(g, size, 2)
