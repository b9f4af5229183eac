"""Gradients of convolution: every rung against the rows of the IR, those of sizes against torch."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.ir import OPS
from aisys_lab.kernels.conv import depthwise_planes, geometry, weights
from aisys_lab.kernels.conv.arguments import plan
from aisys_lab.kernels.isa import host
from kernels.guard import guarded

DTYPES = ("float32", "float64")


@st.composite
def cases(draw, depthwise=False):
    """``(x [N,C,H,W], w [O,C / groups,KH,KW], settings)`` of small awkward sizes."""
    few = st.integers(1, 3)
    window = draw(st.one_of(st.sampled_from([(1, 1), (3, 3)]), st.tuples(few, st.integers(1, 4))))
    stride, dilation = (draw(st.one_of(st.just((1, 1)), st.tuples(few, few))) for _ in range(2))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2))
    size = draw(st.tuples(st.integers(1, 9), st.one_of(st.integers(1, 12), st.just(19))))
    assume(all(n + sum(ends) >= (k - 1) * d + 1 for n, ends, k, d in zip(
        size, pads, window, dilation, strict=True)))
    groups = draw(st.sampled_from([1, 2, 5, 17] if depthwise else [1, 1, 2, 3]))
    each, out = (1, 1) if depthwise else draw(st.tuples(st.sampled_from([0, 1, 2, 4, 9]),
                                                        st.sampled_from([0, 1, 3, 8, 16, 21])))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.uniform(-1, 1, (draw(st.sampled_from([0, 1, 2, 7])), each * groups, *size))
    w = rng.uniform(-1, 1, (out * groups, each, *window))
    return x, w, {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups}


def gradient_like(x, w, at):
    """Numbers with the shape of a result."""
    shape = geometry.geometry("conv", x.shape, w.shape, *at.values(), "NCHW").shape
    return np.random.default_rng(7).uniform(-1, 1, shape)


def close(came, want, terms, dtype):
    """Sums of so many products of numbers of size one."""
    eps = np.finfo(dtype).eps * (terms + 8)
    assert came.dtype == dtype and came.shape == want.shape
    np.testing.assert_allclose(came, want, rtol=eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(), end=st.booleans())
@settings(max_examples=80)
def test_gradients_of_convolution(dtype, case, end):
    x, w, at = case
    g = gradient_like(x, w, at)
    size, window = x.shape[2:], w.shape[2:]
    of_image = OPS["conv_input"].eval(g, w, size=size, **at)
    of_window = OPS["conv_weight"].eval(x, g, kernel=window, **at)
    x, w, g = (guarded(a.astype(dtype), end=end) for a in (x, w, g))
    for rung in kernels.KERNELS["conv2d_input"]:
        close(kernels.conv2d_input(g, w, size, **at, kernel=rung), of_image, w.size, dtype)
    for rung in kernels.KERNELS["conv2d_weight"]:
        close(kernels.conv2d_weight(x, g, window, **at, kernel=rung), of_window, g.size, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases(depthwise=True), end=st.booleans())
@settings(max_examples=60)
def test_gradients_of_depthwise_convolution(dtype, case, end):
    x, w, at = case
    g = gradient_like(x, w, at)
    size, window = x.shape[2:], w.shape[2:]
    of_image = OPS["conv_input"].eval(g, w, size=size, **at)
    of_window = OPS["conv_weight"].eval(x, g, kernel=window, **at)
    x, w, g = (guarded(a.astype(dtype), end=end) for a in (x, w, g))
    groups = at.pop("groups")
    for rung in kernels.KERNELS["depthwise_input"]:
        close(kernels.depthwise_input(g, w[:, 0], size, **at, kernel=rung), of_image, w.size, dtype)
    for rung in kernels.KERNELS["depthwise_weight"]:
        close(kernels.depthwise_weight(x, g, window, **at, kernel=rung), of_window[:, 0], g.size,
              dtype)
    close(kernels.conv2d_input(g, w, size, **at, groups=groups), of_image, w.size, dtype)
    close(kernels.conv2d_weight(x, g, window, **at, groups=groups), of_window, g.size, dtype)


@given(case=cases(), end=st.booleans())
@settings(max_examples=30)
def test_nothing_is_written_beside_the_weights(case, end):
    x, w, at = case
    it = geometry.geometry("conv", x.shape, w.shape, *at.values(), "NCHW")
    assume(it.macs)
    x, g = (a.astype("f") for a in (x, gradient_like(x, w, at)))
    out = guarded(np.full(w.shape, 7, "f"), end=end)
    weights.into(x, g, *weights.layout_of(it, host().lanes(x.dtype)), out)
    close(out, kernels.conv2d_weight(x, g, w.shape[2:], **at), g.size, "f")


@given(case=cases(depthwise=True), end=st.booleans())
@settings(max_examples=30)
def test_nothing_is_written_beside_the_planes(case, end):
    x, w, at = case
    x, w, g = (a.astype("f") for a in (x, w[:, 0], gradient_like(x, w, at)))
    at.pop("groups")
    it = plan("depthwise", x.shape, w.shape, x.dtype, *at.values())
    way, back = it.way, guarded(np.full(x.shape, 7, "f"), end=end)
    depthwise_planes.back(g, w, way.image, way.result, way.inner, way.order, way.offsets,
                          way.counts, way.firsts, back)
    of_window = guarded(np.full(w.shape, 7, "f"), end=end)
    depthwise_planes.weights(x, g, it.planes.numbers, it.planes.offsets, of_window)
    np.testing.assert_array_equal(back, kernels.depthwise_input(g, w, x.shape[2:], **at))
    np.testing.assert_array_equal(of_window, kernels.depthwise_weight(x, g, w.shape[1:], **at))


def test_several_threads_make_the_same():
    rng = np.random.default_rng(0)
    x, w, g = (rng.standard_normal(s, dtype=np.float32) for s in (
        (9, 13, 28, 28), (20, 13, 3, 3), (9, 20, 28, 28)))
    it = geometry.geometry("conv", x.shape, w.shape, 1, 1, 1, 1, "NCHW")
    alone, many, tables = np.empty_like(w), np.empty_like(w), weights.layout_of(
        it, host().lanes(x.dtype))
    weights.into(x, g, *tables, alone)
    for parts in (2, 3, 50):
        weights.into_parts(x, g, *tables, many, parts)
        np.testing.assert_array_equal(many, alone)
    d, h = x[:, :, ::2, ::2].copy(), w[:13, 0].copy()
    it = plan("depthwise", x.shape, h.shape, x.dtype, 2, 1)
    way, one, two = it.way, np.empty_like(x), np.empty_like(x)
    tables = (way.image, way.result, way.inner, way.order, way.offsets, way.counts, way.firsts)
    depthwise_planes.back(d, h, *tables, one)
    depthwise_planes.back_parts(d, h, *tables, two, 3)
    np.testing.assert_array_equal(one, two)
    one, two = np.empty_like(h), np.empty_like(h)
    depthwise_planes.weights(x, d, it.planes.numbers, it.planes.offsets, one)
    depthwise_planes.weights_parts(x, d, it.planes.numbers, it.planes.offsets, two, 3)
    np.testing.assert_array_equal(one, two)


def test_nan_reaches_only_what_meets_it():
    x, g = np.ones((1, 2, 9, 9), "f"), np.ones((1, 2, 7, 7), "f")
    x[0, 0, 0, 0], x[0, 1, 8, 4] = np.nan, np.inf
    of_window = kernels.depthwise_weight(x, g, 3)
    met = np.zeros((2, 3, 3), bool)
    met[0, 0, 0] = met[1, 2] = True
    assert np.isnan(of_window[0, 0, 0]) and np.isinf(of_window[1, 2]).all()
    assert (of_window[~met] == 49).all()
    g[0, 0, 3, 3] = np.nan
    back = kernels.depthwise_input(g, np.ones((2, 3, 3), "f"), (9, 9))
    assert np.isnan(back[0, 0, 3:6, 3:6]).all() and np.isnan(back).sum() == 9


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w, g = (rng.standard_normal(s, dtype=np.float32) for s in (
        (4, 6, 14, 15), (8, 3, 3, 3), (4, 8, 7, 8)))
    settings = [2, 2], [1, 1], [1, 1], False, [0, 0], 2
    of_image, of_window, _ = torch.ops.aten.convolution_backward(
        *map(torch.tensor, (g, x, w)), None, *settings, [True, True, False])
    came = kernels.conv2d_input(g, w, (14, 15), 2, 1, 1, 2)
    np.testing.assert_allclose(came, of_image, rtol=1e-4, atol=1e-4)
    came = kernels.conv2d_weight(x, g, 3, 2, 1, 1, 2)
    np.testing.assert_allclose(came, of_window, rtol=1e-4, atol=1e-4)


G, W = np.ones((1, 4, 5, 5), "f"), np.ones((4, 2, 3, 3), "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.conv2d_input(G, W, (8, 7)), r"have a result \[1, 4, 6, 5\], and g is"),
    (lambda: kernels.conv2d_input(G[0], W, (7, 7)), "g has 4 axes"),
    (lambda: kernels.conv2d_input(G, W, (7, 7, 7)), "size="),
    (lambda: kernels.conv2d_input(G, W, 7, groups=3), "groups"),
    (lambda: kernels.conv2d_input(G, W.astype("d"), 7), "all of one dtype"),
    (lambda: kernels.conv2d_input(G, W, 7, kernel="x"), "no kernel 'x'"),
    (lambda: kernels.conv2d_weight(np.ones((1, 2, 7, 7), "f"), G, (2, 3)), "have a result"),
    (lambda: kernels.conv2d_weight(np.ones((1, 2, 7, 7), "f"), G, 0), "window"),
    (lambda: kernels.conv2d_weight(np.ones((2, 2, 7, 7), "f"), G, 3), "have a result"),
    (lambda: kernels.depthwise_input(G, np.ones((3, 3, 3), "f"), 7), r"w \[C, KH, KW\]"),
    (lambda: kernels.depthwise_input(G, np.ones((4, 3, 3), "f"), 8), "have a result"),
    (lambda: kernels.depthwise_weight(np.ones((1, 3, 7, 7), "f"), G, 3), "have a result")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()
