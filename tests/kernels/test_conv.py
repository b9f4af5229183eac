"""Every rung of dense convolution against the naive one, and that against NumPy's windows."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels.conv import columns, direct, implicit, indirect, winograd
from kernels.guard import guarded

LADDER = kernels.KERNELS["conv2d"]
RUNGS = [name for name in LADDER if name != "naive"]
DTYPES = ("float32", "float64")
LOOSE = {"winograd-f2": 8, "winograd-f4": 100, "fft": 8}  # times the error of sums


@st.composite
def cases(draw, rung=None):
    """``(x, w, settings)`` of a convolution that a rung serves, of small awkward sizes."""
    short = st.integers(1, 3)
    window = (3, 3) if "winograd" in str(rung) else draw(st.tuples(short, st.integers(1, 4)))
    plain = "winograd" in str(rung)
    one = (1, 1)
    stride, dilation = (one, one) if plain else draw(st.tuples(st.tuples(short, short), st.tuples(
        st.integers(1, 2), short)))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 3))] * 2))
    groups = 1 if plain else draw(st.sampled_from([1, 1, 2, 3]))
    channels, out = (draw(st.one_of(st.integers(0, 6), st.sampled_from([8, 16, 19])))
                     for _ in range(2))
    if rung == "depthwise":
        groups, channels, out = draw(st.integers(1, 20)), 1, 1
    size = draw(st.tuples(st.integers(1, 12), st.one_of(st.integers(1, 12), st.sampled_from(
        [17, 24]))))
    assume(all(n + sum(ends) >= (k - 1) * d + 1 for n, ends, k, d in zip(
        size, pads, window, dilation, strict=True)))
    layout = {"implicit": "NCHW", "indirect": "NHWC"}.get(rung) or draw(
        st.sampled_from(["NHWC", "NCHW"]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.uniform(-1, 1, (draw(st.sampled_from([0, 1, 1, 2, 3])), *size, channels * groups))
    w = rng.uniform(-1, 1, (*window, channels, out * groups))
    given = {"stride": stride, "padding": pads, "dilation": dilation, "groups": groups,
             "layout": layout, "bias": draw(st.sampled_from([None, 1.0])),
             "activation": draw(st.sampled_from([None, None, "relu", "relu6"]))}
    if given["bias"]:
        given["bias"] = rng.uniform(-1, 1, out * groups)
    return x, w, given


def arranged(x, w, given, dtype, at_end=True):
    """The same in its layout and dtype, each array beside a page that may not be touched."""
    if given["layout"] == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    x, w = (guarded(a.astype(dtype), end=at_end) for a in (x, w))
    bias = given["bias"]
    return x, w, given | {"bias": None if bias is None else guarded(bias.astype(dtype), at_end)}


def by_windows(x, w, bias, stride, padding, dilation, groups, layout, activation):
    """The same by NumPy's windows and einsum."""
    if layout == "NCHW":
        x, w = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(w.shape, dilation, strict=False)]
    views = np.lib.stride_tricks.sliding_window_view(x, reach, (1, 2))
    views = views[:, ::stride[0], ::stride[1], :, ::dilation[0], ::dilation[1]]
    views = views.reshape(*views.shape[:3], groups, w.shape[2], *views.shape[4:])
    taps = w.reshape(*w.shape[:3], groups, w.shape[3] // groups)
    out = np.einsum("nijgcuv,uvcgo->nijgo", views, taps)
    out = out.reshape(*out.shape[:3], w.shape[3]) + (0 if bias is None else bias)
    ends = {None: (None, None), "relu": (0, None), "relu6": (0, 6)}[activation]
    out = out if activation is None else np.clip(out, *ends)
    return out if layout == "NHWC" else out.transpose(0, 3, 1, 2)


def terms(w, given):
    """Products that are summed for a number of the result."""
    return w.size // max(1, w.shape[3 if given["layout"] == "NHWC" else 0])


def close(came, want, count, times=1):
    """Sums of so many products of numbers of size one, in any order."""
    assert came.dtype == want.dtype and came.shape == want.shape
    tolerance = np.finfo(came.dtype).eps * (count + 8) * times
    np.testing.assert_allclose(came, want, rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@given(case=cases())
@settings(max_examples=60)
def test_the_definition_is_a_sum_over_windows(dtype, case):
    x, w, given = arranged(*case, dtype)
    want = by_windows(x, w, **given).astype(dtype)
    close(kernels.conv2d(x, w, kernel="naive", **given), want, terms(w, given))


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(max_examples=40)
def test_a_rung_equals_the_definition(rung, dtype, data):
    case = data.draw(cases(rung))
    x, w, given = arranged(*case, dtype, data.draw(st.booleans()))
    assume(rung != "depthwise" or w.size)
    want = LADDER["naive"](x, w, **given)
    came = kernels.conv2d(x, w, kernel=rung, **given)
    close(came, want, terms(w, given), LOOSE.get(rung, 1))


@pytest.mark.parametrize("rung", ["direct", "im2col", "implicit", "indirect", "winograd-f2",
                                  "winograd-f4"])
@given(data=st.data())
@settings(max_examples=25)
def test_results_and_working_memory_end_where_they_should(rung, data):
    x, w, given = arranged(*data.draw(cases(rung)), "float32")
    want, at_end = LADDER["naive"](x, w, **given), data.draw(st.booleans())
    made = []

    def blank(shape, dtype):
        made.append(guarded(np.full(shape, np.nan, dtype), at_end))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        for module in (columns, direct, implicit, indirect, winograd):
            patch.setattr(module, "blank", blank)
        came = kernels.conv2d(x, w, kernel=rung, **given)
    close(came, want, terms(w, given), LOOSE.get(rung, 1))


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("shape", [(1, 15, 17, 17, 33), (9, 7, 7, 8, 40), (2, 33, 14, 3, 16),
                                   (70, 5, 4, 8, 17)])
def test_sizes_that_fill_blocks(layout, shape):
    n, high, wide, channels, out = shape
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (n, high, wide, channels)).astype("float32")
    w = rng.uniform(-1, 1, (3, 3, channels, out)).astype("float32")
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    want = kernels.conv2d(x, w, padding=1, layout=layout, kernel="im2col")
    for rung in RUNGS:
        try:
            came = kernels.conv2d(x, w, padding=1, layout=layout, kernel=rung)
        except LabError:
            continue
        close(came, want, 9 * channels, LOOSE.get(rung, 1))


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_pytorch_computes_the_same(layout):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w, bias = (rng.standard_normal(shape) for shape in [(2, 12, 11, 9), (6, 4, 3, 2), (6,)])
    want = torch.nn.functional.conv2d(*map(torch.tensor, (x, w, bias)), (2, 1), (1, 2), (2, 1), 3)
    want = want.numpy()
    if layout == "NHWC":
        x, w, want = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), want.transpose(0, 2, 3, 1)
    came = kernels.conv2d(x, w, bias, (2, 1), (1, 2), (2, 1), 3, layout)
    np.testing.assert_allclose(came, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("rung", ["im2col", "implicit", "indirect", "direct", None])
def test_nan_and_infinity_stay_in_their_windows(rung, layout):
    if (rung, layout) in (("implicit", "NHWC"), ("indirect", "NCHW")):
        pytest.skip("the other layout")
    rng = np.random.default_rng(0)
    x, w = (rng.uniform(1, 2, shape).astype("f") for shape in ((2, 9, 11, 5), (3, 3, 5, 18)))
    x[0, 4, 5, 2], x[1, 0, 0, 0], w[1, 1, 2, 17] = np.nan, np.inf, np.inf
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    want = kernels.conv2d(x, w, padding=1, layout=layout, kernel="naive")
    came = kernels.conv2d(x, w, padding=1, layout=layout, kernel=rung)
    np.testing.assert_allclose(came, want, rtol=1e-5)
    clipped = kernels.conv2d(x, w, padding=1, layout=layout, kernel=rung, activation="relu6")
    np.testing.assert_array_equal(np.isnan(clipped), np.isnan(want))


@pytest.mark.parametrize("rung", ["direct", "winograd-f4"])
def test_arrays_in_any_order(rung):
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-1, 1, (2, 8, 9, 16)), rng.uniform(-1, 1, (3, 3, 16, 7))
    want = kernels.conv2d(x, w, padding=1, kernel="naive")
    for other in (x.copy("F"), x[::-1].copy()[::-1], np.repeat(x, 2, 3)[..., ::2]):
        close(kernels.conv2d(other, w.copy("F"), padding=1, kernel=rung), want, 144,
              LOOSE.get(rung, 1))
