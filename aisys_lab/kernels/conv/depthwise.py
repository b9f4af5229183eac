"""Depthwise convolution, by the layouts and as a ladder."""

from functools import lru_cache

import numpy as np

from aisys_lab.kernels.conv import definitions, depthwise_channels, depthwise_planes
from aisys_lab.kernels.conv.algorithm import ends_of, launch, zeros
from aisys_lab.kernels.conv.arguments import arrays_of, channels_first, in_layout, plan, sized
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import blank
from aisys_lab.kernels.threads import threads


def depthwise(x, w, bias=None, stride=1, padding=0, dilation=1, layout="NHWC", kernel="tiled"):
    """Images of which each channel is convolved with a window of its own (plus its bias).

    NHWC: x f[N,H,W,C], w f[KH,KW,C]; NCHW: x f[N,C,H,W], w f[C,KH,KW]; bias f[C]. ``stride``,
    ``padding`` and ``dilation`` as ``conv.geometry`` takes them.
    """
    x, w, bias = arrays_of("depthwise", x=x, w=w, bias=bias)
    it = plan("depthwise", x.shape, w.shape, x.dtype, stride, padding, dilation, layout)
    sized("depthwise", "bias", bias, it.channels)
    return KERNELS["depthwise"][kernel](x, w, bias, stride, padding, dilation, layout)


def tiled(x, w, bias, it, activation=None):
    """The best way for a layout and a Plan: x and w are contiguous."""
    run, out = by_planes if it.g.layout == "NCHW" else by_channels, blank(it.result, x.dtype)
    run(x, w, zeros(it.channels, x.dtype) if bias is None else bias, it, activation, out)
    return out


def by_planes(x, w, bias, it, activation, out):
    """Of images f[N,C,H,W]: plane by plane. All channels may share the weights f[1,KH,KW]."""
    launch(depthwise_planes.into, depthwise_planes.into_parts, threads(it.work), x, w, bias,
           it.planes.numbers, it.planes.offsets, out)
    if activation is not None:
        np.clip(out, *ends_of(activation, x.dtype), out=out)


def by_channels(x, w, bias, it, activation, out):
    """Of images f[N,H,W,C]: place by place."""
    launch(depthwise_channels.into, depthwise_channels.into_parts, threads(it.work), x,
           packed(w, it.lane), bias, ends_of(activation, x.dtype),
           numbers_of(it.g, it.channels, it.lane), out)


@lru_cache(256)
def numbers_of(g, channels, lane):
    """Sizes as ``depthwise_channels.place_line`` takes them: image, channels, window, stride, pads
    before it, dilation, result, and from and to which column windows lie in the image."""
    along, apart, taps, left, wide = (g.stride[1], g.dilation[1], g.window[1], g.pads[1][0],
                                      g.image[1])
    start = -(-left // along)
    stop = min((wide - 1 - (taps - 1) * apart + left) // along + 1, g.places[1])
    if channels < lane or stop - start < depthwise_channels.PLACES:
        start = stop = 0
    return np.array([*g.image, channels, *g.window, *g.stride, g.pads[0][0], left, *g.dilation,
                     *g.places, start, stop])


def packed(w, lane):
    """Weights f[KH,KW,C] in the order in which tiles read them."""
    kh, kw, channels = w.shape
    if channels < lane:
        return w
    blocks = np.empty(kh * kw * (channels + lane), w.dtype)
    depthwise_channels.packed(w, blocks)
    return blocks


# ---- the ladder

def by_loop(loop):
    """A rung of a loop of ``definitions``, for both layouts."""
    def rung(x, w, bias=None, stride=1, padding=0, dilation=1, layout="NHWC"):
        it = plan("depthwise", x.shape, w.shape, x.dtype, stride, padding, dilation, layout)
        w = np.ascontiguousarray(w if layout == "NCHW" else w.transpose(2, 0, 1))
        out = np.empty((it.g.batch, it.channels, *it.g.places), x.dtype)
        loop(channels_first(x, layout), w, zeros(it.channels, x.dtype) if bias is None else bias,
             it.g.stride, it.g.pads, it.g.dilation, out)
        return in_layout(out, layout)
    rung.__doc__, rung.loop = loop.py_func.__doc__, loop
    return rung


def _tiled(x, w, bias=None, stride=1, padding=0, dilation=1, layout="NHWC"):
    """Register tiles: of neighbouring places, or of lines that pass through."""
    return tiled(x, w, bias, plan("depthwise", x.shape, w.shape, x.dtype, stride, padding, dilation,
                                  layout))


ladder("depthwise", naive=by_loop(definitions.depthwise), shifted=by_loop(definitions.shifted),
       tiled=_tiled)
