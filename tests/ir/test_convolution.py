"""Convolution against its definition by loops, its three faces against each other, its counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, count_layer, layer, spec_of, windows

SIMPLE = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}


def by_loops(x, w, stride, padding, dilation, groups):
    """The definition: one product for each entry of the result and tap."""
    pads = [(0, 0), (0, 0), *padding]
    x, (out, taken, *kernel) = np.pad(x, pads), w.shape
    places = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(
        x.shape[2:], kernel, stride, dilation, strict=True)]
    y = np.zeros((len(x), out, *places))
    for n, o, *place in np.ndindex(y.shape):
        first = o // (out // groups) * taken
        for c, *tap in np.ndindex(w.shape[1:]):
            at = (p * s + t * d for p, s, t, d in zip(place, stride, tap, dilation, strict=True))
            y[n, o, *place] += x[n, first + c, *at] * w[o, c, *tap]
    return y


@st.composite
def problems(draw, rank=None):
    """``(x, w, attrs)`` of one to three spatial axes, each with its own geometry."""
    rank = rank or draw(st.integers(1, 3))
    groups, taken, out = (draw(st.integers(1, 3)) for _ in range(3))
    size, kernel, stride, dilation, padding = [], [], [], [], []
    for _ in range(rank):
        n, pads = draw(st.integers(1, 6)), tuple(draw(st.integers(0, 3)) for _ in range(2))
        d = draw(st.integers(1, 3))
        k = draw(st.integers(1, max(1, min(3, (n + sum(pads) - 1) // d + 1))))
        for held, value in zip((size, kernel, stride, dilation, padding),
                               (n, k, draw(st.integers(1, 4)), d, pads), strict=True):
            held.append(value)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((draw(st.integers(0, 3)), groups * taken, *size))
    w = rng.standard_normal((groups * out, taken, *kernel))
    return x, w, {"stride": tuple(stride), "padding": tuple(padding),
                  "dilation": tuple(dilation), "groups": groups}


@given(problems())
def test_the_definition(problem):
    x, w, at = problem
    out = bind("conv", x, w, **at)
    np.testing.assert_allclose(out, by_loops(x, w, **at), rtol=1e-12, atol=1e-12)
    assert bind("conv", spec_of(x), spec_of(w), **at) == spec_of(out)


@given(problems())
def test_the_three_faces_of_one_form(problem):
    x, w, at = problem
    out = bind("conv", x, w, **at)
    g = np.random.default_rng(1).standard_normal(out.shape)
    image = bind("conv_input", g, w, size=x.shape[2:], **at)
    kernel = bind("conv_weight", x, g, kernel=w.shape[2:], **at)
    form = np.sum(g * out)
    np.testing.assert_allclose([np.sum(image * x), np.sum(kernel * w)], form, atol=1e-10)
    assert OPS["conv_input"].infer(spec_of(g), spec_of(w), size=x.shape[2:], **at) \
        == spec_of(image) == spec_of(x)
    assert OPS["conv_weight"].infer(spec_of(x), spec_of(g), kernel=w.shape[2:], **at) \
        == spec_of(kernel) == spec_of(w)


@given(problems(rank=2))
def test_chunks_and_dtypes_change_nothing(problem):
    x, w, at = problem
    want = bind("conv", x, w, **at)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "CHUNK", 1)
        np.testing.assert_allclose(bind("conv", x, w, **at), want, rtol=1e-12, atol=1e-12)
    for dtypes in (("f4", "f4"), ("f4", "f8"), ("i4", "f4"), ("i1", "i1")):
        a, b = (np.round(y * 3).astype(dtype) for y, dtype in zip((x, w), dtypes, strict=True))
        out = bind("conv", a, b, **at)
        assert spec_of(out) == OPS["conv"].infer(spec_of(a), spec_of(b), **at)


def test_arrays_of_any_layout():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 5, 6, 4)), rng.standard_normal((3, 2, 4, 3))
    a, b = np.moveaxis(x, -1, 1), np.moveaxis(w, 1, -1)[:, :, ::-1, ::-1]  # NHWC; mirrored
    at = SIMPLE | {"padding": ((1, 1), (1, 0))}
    np.testing.assert_allclose(bind("conv", a, b[:, :4], **at),
                               by_loops(a, b[:, :4], **at), atol=1e-12)


@pytest.mark.parametrize("groups, stride, padding", [(1, 1, 0), (2, 2, 1), (8, 1, 1)])
def test_counts_are_those_of_the_layer_tables(groups, stride, padding):
    conv = layer("conv", "c", (2, 8, 9, 9), out=16, kernel=3, stride=stride, padding=padding,
                 groups=groups, bias=False)
    x, w = Spec(conv.shape, "f32"), Spec((16, 8 // groups, 3, 3), "f32")
    at = {"stride": (stride,) * 2, "padding": ((padding,) * 2,) * 2, "dilation": (1, 1),
          "groups": groups}
    out = bind("conv", x, w, **at)
    work = [OPS["conv"].flops(x, w, **at), OPS["conv_input"].flops(out, w, size=(9, 9), **at),
            OPS["conv_weight"].flops(x, out, kernel=(3, 3), **at)]
    assert work == [2 * count_layer(conv).macs] * 3


def test_a_batch_with_a_name():
    x, w = Spec(("N", 4, 8, 8), "f32"), Spec((6, 4, 3, 3), "f32")
    out = bind("conv", x, w, **SIMPLE)
    assert out == Spec(("N", 6, 6, 6), "f32")
    assert bind("conv_input", out, w, size=(8, 8), **SIMPLE) == x
    assert bind("conv_weight", x, out, kernel=(3, 3), **SIMPLE) == w
    with pytest.raises(LabError, match="spatial axis H has only a name"):
        bind("conv", Spec((1, 4, "H", 8), "f32"), w, **SIMPLE)


@pytest.mark.parametrize("x, w, changes, sentence", [
    ((1, 4, 8, 8), (6, 4, 3), {}, r"conv: f64\[1,4,8,8\] and f64\[6,4,3\] do not fit"),
    ((4, 8), (6, 4), {}, "with one spatial axis or more"),
    ((1, 4, 8, 8), (6, 3, 3, 3), {}, "the image has 4 channels, the kernel takes 3 in each of 1"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"groups": 2}, "the kernel takes 4 in each of 2 groups"),
    ((1, 4, 8, 8), (6, 1, 3, 3), {"groups": 4}, "4 channels in and 6 out do not divide into 4"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"groups": 0}, "do not divide into 0 groups"),
    ((1, 4, 8, 2), (6, 4, 3, 3), {}, r"a kernel of 3 \(dilation 1\) does not fit 2 entries"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"dilation": (4, 1)}, r"a kernel of 3 \(dilation 4\) does not"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"stride": (1,)}, "take stride, padding and dilation with as"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"stride": (0, 1)}, "strides and dilations count from 1"),
    ((1, 4, 8, 8), (6, 4, 3, 3), {"padding": ((-1, 0), (0, 0))}, "pads from 0"),
])
def test_what_does_not_fit(x, w, changes, sentence):
    for make in (np.ones, lambda shape: Spec(shape, "f64")):
        with pytest.raises(LabError, match=sentence):
            bind("conv", make(x), make(w), **SIMPLE | changes)


def test_results_that_no_image_or_kernel_has():
    g, x, w = np.ones((1, 6, 6, 6)), np.ones((1, 4, 8, 8)), np.ones((6, 4, 3, 3))
    for call, sentence in [
        (lambda: bind("conv_input", g, w, size=(9, 8), **SIMPLE), r"an image of \(9, 8\) gives"),
        (lambda: bind("conv_input", g, w, size=(8,), **SIMPLE), "as many spatial axes, not"),
        (lambda: bind("conv_input", g[:, :5], w, size=(8, 8), **SIMPLE), "conv_input: .* not fit"),
        (lambda: bind("conv_weight", x, g, kernel=(2, 3), **SIMPLE), r"a kernel of \(2, 3\) makes"),
        (lambda: bind("conv_weight", x, g[0], kernel=(3, 3), **SIMPLE), "conv_weight: .* not fit"),
        (lambda: bind("conv_weight", x, g[:, :5], kernel=(3, 3), **SIMPLE | {"groups": 2}),
         "conv_weight: 4 channels in and 5 out do not divide"),
    ]:
        with pytest.raises(LabError, match=sentence):
            call()
