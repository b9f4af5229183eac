"""Dense convolution as it is called: packed weights, threads, choices, costs and sentences."""

import tracemalloc

import numba
import numpy as np
import pytest

from aisys_lab import kernels
from aisys_lab.core import LabError, attempt
from aisys_lab.kernels.conv.convolution import ALGORITHMS, choose
from aisys_lab.kernels.conv.geometry import geometry

LADDER = kernels.KERNELS["conv2d"]
LAYER = ((1, 56, 56, 64), (3, 3, 64, 64))


def images(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


# ---- threads

@pytest.mark.parametrize(("rung", "layout", "batch"), [
    ("direct", "NHWC", 1), ("direct", "NCHW", 3), ("implicit", "NCHW", 1), ("implicit", "NCHW", 5),
    ("indirect", "NHWC", 2), ("winograd-f4", "NHWC", 1), ("winograd-f4", "NCHW", 3)])
def test_several_threads_compute_the_same(rung, layout, batch):
    x, w = images(batch, 41, 43, 17), images(3, 3, 17, 24)
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    many = kernels.conv2d(x, w, padding=1, layout=layout, kernel=rung)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = kernels.conv2d(x, w, padding=1, layout=layout, kernel=rung)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(many, one)
    np.testing.assert_allclose(one, kernels.conv2d(x, w, padding=1, layout=layout, kernel="im2col"),
                               atol=1e-4)


# ---- packed weights

@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_packed_weights_give_the_same(layout):
    x, w = images(2, 9, 8, 12), images(3, 3, 4, 15)
    if layout == "NCHW":
        x, w = x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1)
    packed = kernels.pack_conv(w, layout, 3)
    assert packed.shape == w.shape and packed.dtype == w.dtype
    want = kernels.conv2d(x, w, groups=3, layout=layout, kernel="naive")
    for kernel in (None, "naive", "im2col", "direct"):
        came = kernels.conv2d(x, packed, groups=3, layout=layout, kernel=kernel)
        np.testing.assert_allclose(came, want, rtol=1e-5, atol=1e-5)


def test_packed_weights_keep_their_numbers_and_print_themselves():
    x, w = images(1, 6, 6, 8), images(3, 3, 8, 8)
    packed = kernels.pack_conv(w, kernel="winograd-f4")
    want = kernels.conv2d(x, w, kernel="winograd-f4")
    w[:] = 0
    np.testing.assert_array_equal(kernels.conv2d(x, packed, kernel="winograd-f4"), want)
    assert str(packed).startswith("packed float32[3, 3, 8, 8] NHWC for winograd-f4 ")
    assert str(kernels.pack_conv(w)) == "packed float32[3, 3, 8, 8] NHWC"


# ---- which rung

@pytest.mark.parametrize(("x", "w", "given", "name"), [
    (*LAYER, {}, "direct"), (*LAYER, {"padding": 1}, "indirect"),
    (*LAYER, {"padding": 1, "stride": 2}, "direct"),
    ((1, 56, 56, 64), (3, 3, 64, 4), {"padding": 1}, "direct"),
    ((1, 64, 56, 56), (64, 64, 3, 3), {"layout": "NCHW"}, "direct"),
    ((64, 1, 28, 28), (8, 1, 3, 3), {"layout": "NCHW"}, "implicit"),
    ((1, 9, 9, 32), (3, 3, 1, 32), {"groups": 32}, "depthwise"),
    ((1, 32, 12, 12), (8, 32, 1, 1), {"layout": "NCHW"}, "im2col"),
    ((1, 32, 9, 9), (8, 32, 1, 1), {"layout": "NCHW"}, "direct")])
def test_the_choice_goes_by_shape(x, w, given, name):
    assert choose(geometry("conv2d", x, w, **given)) == name


def test_a_rung_of_ones_own_is_called_by_name():
    def mine(x, w, bias, stride, padding, dilation, groups, layout, activation):
        return x, w

    with attempt():
        LADDER["mine"] = mine
        x, w = images(1, 3, 3, 2), images(1, 1, 2, 2)
        assert kernels.conv2d(x, w, kernel="mine")[0] is x
        for call in (lambda: kernels.conv2d_workspace("mine", x.shape, w.shape),
                     lambda: kernels.pack_conv(w, kernel="mine")):
            with pytest.raises(LabError, match="'mine'"):
                call()


# ---- costs

@pytest.mark.parametrize("rung", ["direct", "im2col", "implicit", "winograd-f2", "winograd-f4"])
def test_working_memory_is_what_is_allocated(rung):
    layout = "NCHW" if rung == "implicit" else "NHWC"
    x, w = (1, 40, 40, 24), (3, 3, 24, 32)
    if layout == "NCHW":
        x, w = (1, 24, 40, 40), (32, 24, 3, 3)
    image, packed = images(*x), kernels.pack_conv(images(*w), layout)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        kernels.conv2d(image, packed, padding=1, layout=layout, kernel=rung)
        tracemalloc.start()
        out = kernels.conv2d(image, packed, padding=1, layout=layout, kernel=rung)
        peak = tracemalloc.get_traced_memory()[1] - out.nbytes
    finally:
        tracemalloc.stop()
        numba.set_num_threads(before)
    stated = kernels.conv2d_workspace(rung, x, w, padding=1, layout=layout)
    assert stated <= peak <= stated + 8192


def test_columns_take_the_image_times_the_window():
    grown = [kernels.conv2d_workspace("im2col", (1, 32, 32, 64), (k, k, 64, 64), padding=k // 2)
             for k in (1, 3)]
    assert grown[1] - 9 * 4 * 32 * 32 * 64 < 1 << 20 and grown[0] < 1 << 20
    assert kernels.conv2d_workspace("naive", *LAYER) == 0
    assert kernels.conv2d_workspace("direct", *LAYER) < 1 << 16  # no pads, nothing copied
    assert kernels.conv2d_workspace("direct", *LAYER, dtype="float64") > 0
    assert kernels.conv2d_workspace("fft", *LAYER) > kernels.conv2d_workspace("im2col", *LAYER)


def test_winograd_multiplies_less():
    count = {name: kernels.conv2d_multiplications(name, *LAYER, padding=1)
             for name in ("naive", "direct", "winograd-f2", "winograd-f4", "fft")}
    assert count["naive"] == count["direct"] == 56 * 56 * 64 * 64 * 9
    assert count["winograd-f2"] * 36 == count["naive"] * 16
    assert count["winograd-f4"] * 4 == count["naive"]
    assert count["fft"] == 4 * 58 * 30 * 64 * 64


def test_the_error_of_winograd_grows_and_stays_below_its_bound():
    x, w = (np.random.default_rng(0).standard_normal(shape, dtype=np.float32) for shape in LAYER)
    want = kernels.conv2d(x.astype(float), w.astype(float), padding=1, kernel="im2col")
    errors = [abs(kernels.conv2d(x, w, padding=1, kernel=name) - want).max() / abs(want).max()
              for name in ("winograd-f2", "winograd-f4")]
    assert errors[0] < errors[1] < 1e-4


# ---- sentences

X, W = np.ones((1, 5, 5, 4), "f"), np.ones((3, 3, 4, 6), "f")


@pytest.mark.parametrize(("words", "args", "given"), [
    ("takes float32 or float64, all of one dtype", (X, W.astype(float)), {}),
    ("takes float32 or float64, all of one dtype", (X, W, np.ones(6)), {}),
    ("takes float32 or float64", (X.astype(int), W.astype(int)), {}),
    ("takes float32 or float64", ("text", W), {}),
    (r"x is \[N, H, W, C\] in NHWC", (X[0], W), {}),
    (r"w is \[O, C / groups, KH, KW\] in NCHW", (X, W[0]), {"layout": "NCHW"}),
    ("layout='NHCW'; the layouts are NHWC and NCHW", (X, W), {"layout": "NHCW"}),
    ("has 4 channels and w .* takes 4 in each of 2 groups", (X, W), {"groups": 2}),
    ("groups=0; it is a whole number of 1 or more", (X, W), {"groups": 0}),
    ("stride=0; it is a whole number", (X, W), {"stride": 0}),
    ("stride=1.5; it is a whole number", (X, W), {"stride": 1.5}),
    ("dilation=.1, 1, 1.; give one whole number, or 2", (X, W), {"dilation": [1, 1, 1]}),
    ("padding=-1; it is a whole number of 0 or more", (X, W), {"padding": -1}),
    ("padding='valid'; it is a number", (X, W), {"padding": "valid"}),
    ("padding='same' keeps the size at stride 1", (X, W), {"padding": "same", "stride": 2}),
    ("does not fit images of .5, 5.", (X, W), {"dilation": 3}),
    ("bias has one number for each of 6 channels", (X, W, np.ones(4, "f")), {}),
    ("no activation 'gelu'", (X, W), {"activation": "gelu"}),
    ("no kernel 'fastest'", (X, W), {"kernel": "fastest"}),
    ("'winograd-f4' does not serve .* 3x3 with stride 1", (X, W),
     {"kernel": "winograd-f4", "stride": 2}),
    ("'depthwise' does not serve .* window of its own", (X, W), {"kernel": "depthwise"}),
    ("'implicit' does not serve .* NCHW", (X, W), {"kernel": "implicit"}),
    ("'indirect' does not serve .* layout NHWC", (X.transpose(0, 3, 1, 2), W.transpose(3, 2, 0, 1)),
     {"kernel": "indirect", "layout": "NCHW"})])
def test_bad_arguments_get_a_sentence(words, args, given):
    with pytest.raises(LabError, match=words):
        kernels.conv2d(*args, **given)


def test_packed_weights_that_do_not_fit_get_a_sentence():
    square = kernels.pack_conv(np.ones((3, 3, 3, 3), "f"))
    for words, call in (
            ("all are of one dtype", lambda: kernels.conv2d(X.astype(float), kernels.pack_conv(W))),
            ("packed for layout NHWC and groups=1", lambda: kernels.conv2d(
                np.ones((1, 3, 9, 9), "f"), square, layout="NCHW"))):
        with pytest.raises(LabError, match=words):
            call()
    for words, call in (
            ("takes float32 or float64", lambda: kernels.pack_conv(W.astype(int))),
            ("w has 4 axes", lambda: kernels.pack_conv(W[0])),
            ("does not divide|takes 4 in each", lambda: kernels.pack_conv(W, groups=4)),
            ("does not serve", lambda: kernels.pack_conv(W, kernel="depthwise")),
            ("layout=", lambda: kernels.pack_conv(W, layout="HWIO"))):
        with pytest.raises(LabError, match=words):
            call()


def test_costs_of_what_is_not_there_get_a_sentence():
    for words, call in (
            ("no kernel", lambda: kernels.conv2d_workspace("fastest", *LAYER)),
            ("takes float32 or float64", lambda: kernels.conv2d_workspace("direct", *LAYER,
                                                                          dtype="int8")),
            ("does not serve", lambda: kernels.conv2d_multiplications("winograd-f2", *LAYER, 2))):
        with pytest.raises(LabError, match=words):
            call()


def test_lists_are_arrays_and_settings_may_be_lists():
    x = [[[[1.0], [2.0]], [[3.0], [4.0]]]]
    w = [[[[1.0]], [[1.0]]], [[[1.0]], [[1.0]]]]
    np.testing.assert_array_equal(kernels.conv2d(x, w), [[[[10.0]]]])
    came = kernels.conv2d(x, w, stride=[2, 2], padding=[[1, 0], [1, 0]], dilation=np.array([1, 1]))
    np.testing.assert_array_equal(came, [[[[1.0]]]])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_rung_says_what_it_is(name):
    assert LADDER[name].__doc__
