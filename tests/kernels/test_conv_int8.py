"""Convolution of bytes: exact, by every rung, whatever stands for 0."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.ir import OPS
from aisys_lab.kernels.conv import geometry
from kernels.guard import guarded

RUNGS = list(kernels.KERNELS["conv2d_int8"])


@st.composite
def cases(draw):
    """``(x [N,C,H,W], w [O,C / groups,KH,KW], zero, settings)``; bytes of all values."""
    few = st.integers(1, 3)
    window, stride, dilation = (draw(st.tuples(few, few)) for _ in range(3))
    pads = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 3))] * 2))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 12)))
    assume(all(n + sum(ends) >= (k - 1) * d + 1 for n, ends, k, d in zip(
        size, pads, window, dilation, strict=True)))
    groups = draw(st.sampled_from([1, 1, 2, 3, 19]))
    each, out = (1, 1) if groups == 19 else draw(st.tuples(st.sampled_from([0, 1, 3, 8, 70]),
                                                           st.sampled_from([0, 1, 7, 16, 20])))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(st.sampled_from("Bb"))
    ends = np.iinfo(dtype)
    x = rng.integers(ends.min, ends.max + 1, (draw(st.sampled_from([0, 1, 2])), each * groups,
                                              *size)).astype(dtype)
    w = rng.integers(-128, 128, (out * groups, each, *window)).astype(np.int8)
    return x, w, draw(st.integers(ends.min, ends.max)), {
        "stride": stride, "padding": pads, "dilation": dilation, "groups": groups}


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("rung", RUNGS)
@given(case=cases(), end=st.booleans())
@settings(max_examples=60)
def test_every_rung_is_exact(layout, rung, case, end):
    x, w, zero, at = case
    want = OPS["conv"].eval(x.astype(float) - zero, w.astype(float), **at)  # whole numbers
    if layout == "NHWC":
        x, w = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0)
    came = kernels.conv2d_int8(guarded(x, end=end), guarded(w, end=end), zero, **at, layout=layout,
                               kernel=rung)
    assert came.dtype == np.int32
    np.testing.assert_array_equal(came if layout == "NCHW" else came.transpose(0, 3, 1, 2), want)


def test_large_ones_by_several_threads():
    rng = np.random.default_rng(0)
    x, w = rng.integers(0, 256, (2, 40, 40, 32)).astype(np.uint8), rng.integers(
        -128, 128, (3, 3, 32, 48)).astype(np.int8)
    for groups, part in ((1, w), (32, w[:, :, :1, :32])):
        whole = kernels.conv2d_int8(x, part, 7, padding=1, groups=groups)
        np.testing.assert_array_equal(
            whole, kernels.conv2d_int8(x, part, 7, padding=1, groups=groups, kernel="naive"))


X, W = np.zeros((1, 5, 5, 2), np.uint8), np.zeros((3, 3, 2, 4), np.int8)


@pytest.mark.parametrize(("change", "words"), [
    ({"x": X.astype("f")}, "takes x of uint8 or int8"), ({"w": W.astype(np.uint8)}, "w of int8"),
    ({"zero": 256}, "zero=256"), ({"zero": -1}, "zero=-1"), ({"zero": 0.5}, "zero=0.5"),
    ({"x": X[0]}, "conv2d_int8: x is"), ({"groups": 2}, "groups"),
    ({"layout": "HW"}, "layout='HW'"), ({"kernel": "fast"}, "no kernel 'fast'"),
    ({"stride": 0}, "stride"), ({"w": np.zeros((6, 3, 2, 4), np.int8)}, "does not fit")])
def test_bad_arguments_get_a_sentence(change, words):
    with pytest.raises(LabError, match=words):
        kernels.conv2d_int8(**{"x": X, "w": W} | change)


def test_zero_is_taken_off_everywhere():
    assert geometry.geometry("conv", X.shape, W.shape, padding=1).shape == (1, 5, 5, 4)
    came = kernels.conv2d_int8(X + np.uint8(9), W + np.int8(1), zero=9, padding=1)
    assert (came == 0).all()
