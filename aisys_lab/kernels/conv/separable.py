"""Pointwise convolution, and a depthwise and a pointwise one in a single pass."""

from math import prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.checks import rank, told
from aisys_lab.kernels.conv import definitions, depthwise, fused, pointwise_images
from aisys_lab.kernels.conv.algorithm import ends_of, launch, zeros
from aisys_lab.kernels.conv.arguments import (
    AXES,
    arrays_of,
    channels_first,
    in_layout,
    plan,
    sized,
)
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import blank
from aisys_lab.kernels.products import Packed, linear, matmul, pack
from aisys_lab.kernels.threads import threads


def shape_of(op, x, w, layout):
    """The shape of a pointwise convolution's result; a sentence if x and w do not fit."""
    if layout not in AXES:
        raise LabError(f"{op}: layout={layout!r}; the layouts are {' and '.join(AXES)}.")
    rank(op, "x", x, 4)
    rank(op, "w", w, 2)
    last = layout == "NHWC"
    channels, takes, out = (x.shape[3], *w.shape) if last else (x.shape[1], w.shape[1], w.shape[0])
    if channels != takes or x.dtype != w.dtype:
        raise LabError(f"{op}: x {told(x)} has {channels} channels and w {told(w)} takes {takes}; "
                       f"in {layout} x is [{AXES[layout][0]}] and w [{AXES[layout][2]}], of one "
                       f"dtype.")
    if type(w) is Packed and not last:
        raise LabError(f"{op}: a packed w is [C, O], the right side of a product; take NHWC.")
    return (*x.shape[:3], out) if last else (len(x), out, *x.shape[2:])


def channels_out(w, layout):
    """The channels that pointwise weights make."""
    return w.shape[1] if layout == "NHWC" else w.shape[0]


def pointwise(x, w, bias=None, layout="NHWC", kernel="product"):
    """A convolution with windows of one pixel: a matrix product over channels (plus a bias f[O]).

    NHWC: x f[N,H,W,C], w f[C,O] (or packed); NCHW: x f[N,C,H,W], w f[O,C].
    """
    x, w, bias = arrays_of("pointwise", x=x, w=w, bias=bias)
    shape_of("pointwise", x, w, layout)
    sized("pointwise", "bias", bias, channels_out(w, layout))
    return KERNELS["pointwise"][kernel](x, w, bias, layout)


def _naive(x, w, bias=None, layout="NHWC"):
    """Every pixel, every pair of channels."""
    first, w = channels_first(x, layout), np.ascontiguousarray(w if layout == "NCHW" else w.T)
    out = np.empty((len(first), len(w), *first.shape[2:]), x.dtype)
    definitions.pointwise(first, w, zeros(len(w), x.dtype) if bias is None else bias, out)
    return in_layout(out, layout)


def _product(x, w, bias=None, layout="NHWC"):
    """One product of all pixels, or one an image; nothing is copied."""
    shape = shape_of("pointwise", x, w, layout)
    if layout == "NHWC":
        rows = x.reshape(prod(x.shape[:3]), x.shape[3])
        return (matmul(rows, w) if bias is None else linear(rows, w, bias)).reshape(shape)
    return images(x, w, w.shape[1], 1, bias, shape)


def images(x, w, step, along, bias, shape):
    """Of images f[N,C,H,W], with element (o, c) of w at o·step + c·along."""
    out = blank(shape, x.dtype)
    if x.shape[1] == 0:
        out[:] = 0 if bias is None else bias[:, None, None]
    elif out.size:
        launch(pointwise_images.into, pointwise_images.into_parts,
               threads(2 * out.size * x.shape[1]), x, w, step, along,
               np.empty(0, x.dtype) if bias is None else bias, out)
    return out


ladder("pointwise", naive=_naive, product=_product)


# ---- depthwise, activation, pointwise

def depthwise_pointwise(x, wd, wp, bias_d=None, bias_p=None, stride=1, padding=0, activation=None,
                        layout="NHWC", kernel="fused"):
    """A depthwise convolution, an activation (None, 'relu', 'relu6') and a pointwise convolution.

    Arrays as ``depthwise`` and ``pointwise`` take them; wp may be packed in NHWC.
    """
    op = "depthwise_pointwise"
    x, wd, wp, bias_d, bias_p = arrays_of(op, x=x, wd=wd, wp=wp, bias_d=bias_d, bias_p=bias_p)
    shape_of(op, x, wp, layout)
    sized(op, "bias_d", bias_d, x.shape[1 if layout == "NCHW" else 3])
    sized(op, "bias_p", bias_p, channels_out(wp, layout))
    ends_of(activation, x.dtype)
    return KERNELS[op][kernel](x, wd, wp, bias_d, bias_p, stride, padding, activation, layout)


def _passes(depth, point):
    """A rung of two rungs, one after the other."""
    def rung(x, wd, wp, bias_d=None, bias_p=None, stride=1, padding=0, activation=None,
             layout="NHWC"):
        middle = KERNELS["depthwise"][depth](x, wd, bias_d, stride, padding, 1, layout)
        if activation is not None:
            np.clip(middle, *ends_of(activation, x.dtype), out=middle)
        return KERNELS["pointwise"][point](middle, wp, bias_p, layout)
    rung.__doc__ = f"The whole result of the first, then of the second: {depth}, {point}."
    return rung


def _fused(x, wd, wp, bias_d=None, bias_p=None, stride=1, padding=0, activation=None,
           layout="NHWC"):
    """A few lines at a time, which stay in the cache."""
    it = plan("depthwise_pointwise", x.shape, wd.shape, x.dtype, stride, padding, 1, layout)
    out = blank(it.shape(it.g.places, channels_out(wp, layout)), x.dtype)
    bias_d = zeros(it.channels, x.dtype) if bias_d is None else bias_d
    if not out.size or not x.size:
        out[:] = 0 if bias_p is None else bias_p if layout == "NHWC" else bias_p[:, None, None]
        return out
    bias_p, ends = np.empty(0, x.dtype) if bias_p is None else bias_p, ends_of(activation, x.dtype)
    many = threads(it.work + 2 * out.size * it.channels)
    if layout == "NHWC":
        launch(fused.into, fused.into_parts, many, x, depthwise.packed(wd, it.lane), bias_d, ends,
               depthwise.numbers_of(it.g, it.channels, it.lane),
               (wp if type(wp) is Packed else pack(wp)).panels, bias_p, out)
    else:
        launch(fused.into_first, fused.into_first_parts, many, x, wd, bias_d, ends,
               it.planes.numbers, (it.g.window[0] - 1) * it.g.dilation[0], it.planes.offsets, wp,
               bias_p, out)
    return out


ladder("depthwise_pointwise", naive=_passes("naive", "naive"), passes=_passes("tiled", "product"),
       fused=_fused)
