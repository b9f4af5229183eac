"""Depthwise and pointwise convolution: every rung against the definition, that against NumPy."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels.conv import depthwise as verbs
from aisys_lab.kernels.conv.arguments import plan
from kernels.guard import guarded

DTYPES = ("float32", "float64")
LAYOUTS = ("NHWC", "NCHW")


@st.composite
def cases(draw):
    """``(x [N,H,W,C], w [KH,KW,C], bias, settings)`` of small awkward sizes."""
    few = st.integers(1, 3)
    window = draw(st.one_of(st.just((3, 3)), st.tuples(few, st.integers(1, 5))))
    one = st.just((1, 1))
    stride, dilation = (draw(st.one_of(one, st.tuples(few, few))) for _ in range(2))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 3))] * 2))
    size = draw(st.tuples(st.integers(1, 11), st.one_of(st.integers(1, 20), st.just(33))))
    channels = draw(st.one_of(st.integers(0, 9), st.sampled_from([16, 21, 40])))
    assume(all(n + sum(ends) >= (k - 1) * d + 1 for n, ends, k, d in zip(
        size, pads, window, dilation, strict=True)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.uniform(-1, 1, (draw(st.sampled_from([0, 1, 1, 2])), *size, channels))
    w, bias = rng.uniform(-1, 1, (*window, channels)), rng.uniform(-1, 1, channels)
    return x, w, bias if draw(st.booleans()) else None, {
        "stride": stride, "padding": pads, "dilation": dilation}


def arranged(layout, dtype, x, w, *biases, end=True):
    """The arrays in a layout and dtype, each beside a page that may not be touched."""
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(2, 0, 1)
    return [None if a is None else guarded(a.astype(dtype), end=end) for a in (x, w, *biases)]


def by_windows(x, w, bias, stride, padding, dilation):
    """NumPy's sliding windows of [N,H,W,C] times the weights, summed."""
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape, dilation, strict=False)]
    views = sliding_window_view(padded, reach, (1, 2))[:, ::stride[0], ::stride[1], :,
                                                       ::dilation[0], ::dilation[1]]
    return np.einsum("nijckl,klc->nijc", views, w) + (0 if bias is None else bias)


def last(out, layout):
    """A result as [N,H,W,C]."""
    return out if layout == "NHWC" else out.transpose(0, 2, 3, 1)


def close(came, want, terms, dtype):
    """Sums of so many products of numbers of size one."""
    eps = np.finfo(dtype).eps * (terms + 8)
    assert came.dtype == dtype and came.shape == want.shape
    np.testing.assert_allclose(came, want, rtol=eps, atol=4 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@given(case=cases(), end=st.booleans())
@settings(max_examples=40)
def test_every_rung_of_depthwise_equals_numpys_windows(layout, dtype, case, end):
    x, w, bias, at = case
    want = by_windows(x, w, bias, **at)
    x, w, bias = arranged(layout, dtype, x, w, bias, end=end)
    for rung in kernels.KERNELS["depthwise"]:
        came = kernels.depthwise(x, w, bias, **at, layout=layout, kernel=rung)
        close(last(came, layout), want, w.size, dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(case=cases(), end=st.booleans())
@settings(max_examples=40)
def test_nothing_is_written_beside_the_result(layout, case, end):
    x, w, bias, at = case
    bias = np.zeros(w.shape[2]) if bias is None else bias
    x, w, bias = arranged(layout, "float32", x, w, bias)
    it = plan("depthwise", x.shape, w.shape, x.dtype, *at.values(), layout)
    out = guarded(np.full(it.result, 7, x.dtype), end=end)
    (verbs.by_planes if layout == "NCHW" else verbs.by_channels)(x, w, bias, it, None, out)
    np.testing.assert_array_equal(out, kernels.depthwise(x, w, bias, **at, layout=layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_threads_make_the_same(layout):
    rng = np.random.default_rng(0)
    shape = (3, 60, 61, 70) if layout == "NHWC" else (3, 70, 60, 61)
    x = rng.uniform(-1, 1, shape).astype("f")
    w = rng.uniform(-1, 1, (3, 3, 70) if layout == "NHWC" else (70, 3, 3)).astype("f")
    whole = kernels.depthwise(x, w, padding=1, layout=layout)
    each = [kernels.depthwise(x[i:i + 1, :20], w[:20] if layout == "NCHW" else w, padding=1,
                              layout=layout) for i in range(3)]
    for i, part in enumerate(each):
        rows = slice(0, 19) if layout == "NHWC" else slice(0, 20)
        np.testing.assert_array_equal(whole[i, rows], part[0, rows])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nan_stays_in_the_windows_that_meet_it(layout):
    x, w = np.ones((1, 9, 9, 16), "f"), np.ones((3, 3, 16), "f")
    x[0, 4, 5, 3], x[0, 4, 5, 4] = np.nan, np.inf
    x, w = arranged(layout, "float32", x, w)
    for rung in kernels.KERNELS["depthwise"]:
        out = last(kernels.depthwise(x, w, layout=layout, kernel=rung), layout)
        met = np.zeros(out.shape, bool)
        met[0, 2:5, 3:6, 3:5] = True
        assert np.isnan(out[0, 2:5, 3:6, 3]).all() and np.isinf(out[0, 2:5, 3:6, 4]).all()
        assert (out[~met] == 9).all()


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s, dtype=np.float32) for s in ((2, 20, 15, 17), (20, 3, 5)))
    want = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(w)[:, None], None, (2, 1),
                                      (1, 2), (1, 2), 20)
    came = kernels.depthwise(x, w, None, (2, 1), (1, 2), (1, 2), "NCHW")
    np.testing.assert_allclose(came, want, rtol=1e-4, atol=1e-5)


# ---- pointwise, and both in one pass

@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@given(size=st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(1, 40)),
       channels=st.integers(0, 20), out=st.integers(0, 20), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_every_rung_of_pointwise_equals_a_product(layout, dtype, size, channels, out, seed):
    rng = np.random.default_rng(seed)
    x, w = rng.uniform(-1, 1, (*size, channels)), rng.uniform(-1, 1, (channels, out))
    bias = rng.uniform(-1, 1, out) if seed % 2 else None
    want = x @ w + (0 if bias is None else bias)
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.T
    x, w, bias = (None if a is None else guarded(a.astype(dtype)) for a in (x, w, bias))
    for rung in kernels.KERNELS["pointwise"]:
        came = kernels.pointwise(x, w, bias, layout, kernel=rung)
        close(last(came, layout), want, channels, dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(case=cases(), out=st.integers(0, 20), activation=st.sampled_from([None, "relu", "relu6"]))
@settings(max_examples=40)
def test_every_rung_of_both_equals_one_after_the_other(layout, case, out, activation):
    x, wd, bias, at = case
    at.pop("dilation")
    assume(all(n + sum(ends) >= k for n, ends, k in zip(x.shape[1:], at["padding"], wd.shape,
                                                        strict=False)))
    rng = np.random.default_rng(out)
    wp, bias_p = rng.uniform(-1, 1, (x.shape[3], out)), rng.uniform(-1, 1, out) if out % 2 else None
    middle = by_windows(x, wd, bias, **at, dilation=(1, 1))
    low, high = {None: (-np.inf, np.inf), "relu": (0, np.inf), "relu6": (0, 6)}[activation]
    want = np.clip(middle, low, high) @ wp + (0 if bias_p is None else bias_p)
    x, wd, bias, bias_p = arranged(layout, "float64", x, wd, bias, bias_p)
    wp = guarded(wp if layout == "NHWC" else wp.T)
    for rung in kernels.KERNELS["depthwise_pointwise"]:
        came = kernels.depthwise_pointwise(x, wd, wp, bias, bias_p, **at, activation=activation,
                                           layout=layout, kernel=rung)
        close(last(came, layout), want, wd.size * 8, "float64")


def test_blocks_of_many_lines_and_packed_weights():
    rng = np.random.default_rng(0)
    x, wd, wp, bias = (rng.uniform(-1, 1, s).astype("f") for s in (
        (2, 50, 40, 24), (3, 3, 24), (24, 33), (33,)))
    want = kernels.depthwise_pointwise(x, wd, wp, None, bias, 1, 1, "relu", kernel="passes")
    for given_wp in (wp, kernels.pack(wp)):
        came = kernels.depthwise_pointwise(x, wd, given_wp, None, bias, 1, 1, "relu")
        np.testing.assert_allclose(came, want, rtol=1e-5, atol=1e-5)
    first = kernels.depthwise_pointwise(x.transpose(0, 3, 1, 2), wd.transpose(2, 0, 1), wp.T, None,
                                        bias, 1, 1, "relu", "NCHW")
    np.testing.assert_allclose(last(first, "NCHW"), want, rtol=1e-5, atol=1e-5)


# ---- sentences

IMAGE = np.ones((1, 5, 5, 4), "f")


@pytest.mark.parametrize(("change", "words"), [
    ({"x": IMAGE[0]}, "x has 4 axes"), ({"w": np.ones((3, 3, 5), "f")}, "4 channels and w"),
    ({"w": np.ones((3, 3, 4))}, "all of one dtype"), ({"layout": "CHWN"}, "layout='CHWN'"),
    ({"bias": np.ones(3, "f")}, "one number for each of 4 channels"), ({"stride": 0}, "stride"),
    ({"padding": -1}, "padding"), ({"padding": "full"}, "padding='full'"),
    ({"dilation": (1, 2, 3)}, "dilation"), ({"w": np.ones((6, 3, 4), "f")}, "does not fit"),
    ({"kernel": "fastest"}, "no kernel 'fastest'"), ({"x": IMAGE.astype(int)}, "takes float32")])
def test_bad_arguments_of_depthwise_get_a_sentence(change, words):
    with pytest.raises(LabError, match=words):
        kernels.depthwise(**{"x": IMAGE, "w": np.ones((3, 3, 4), "f")} | change)


@pytest.mark.parametrize(("change", "words"), [
    ({"wp": np.ones((5, 3), "f")}, "4 channels and w"), ({"layout": "HWC"}, "layout='HWC'"),
    ({"bias_p": np.ones(4, "f")}, "bias_p has one number for each of 3"),
    ({"bias_d": np.ones(3, "f")}, "bias_d has one number for each of 4"),
    ({"activation": "gelu"}, "no activation 'gelu'"),
    ({"wp": kernels.pack(np.ones((4, 3)))}, "of one dtype")])
def test_bad_arguments_of_both_get_a_sentence(change, words):
    with pytest.raises(LabError, match=words):
        kernels.depthwise_pointwise(**{"x": IMAGE, "wd": np.ones((3, 3, 4), "f"),
                                       "wp": np.ones((4, 3), "f")} | change)


def test_lists_and_views_are_arrays():
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    want = kernels.depthwise(np.ascontiguousarray(x[:, ::-1, :, ::2]), np.ones((1, 1, 2)))
    np.testing.assert_array_equal(kernels.depthwise(x[:, ::-1, :, ::2], [[[1.0, 1.0]]],
                                                    stride=[1, 1]), want)
