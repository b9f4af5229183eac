"""Pooling of images: the largest entry, the sum or the mean of each window, and their gradients.

Images are f[N,C,H,W] or, with layout='NHWC', f[N,H,W,C]. Windows, strides and pads are numbers or
pairs; the windows lie side by side where no stride is given. Pads count as zeros in sums and in
means, and never win against a number.
"""

from functools import lru_cache, partial
from math import prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels import pool_channels, pool_loops, pool_pairs, pool_planes
from aisys_lab.kernels.conv import depthwise_planes
from aisys_lab.kernels.conv.algorithm import launch, zeros
from aisys_lab.kernels.conv.arguments import arrays_of, channels_first, in_layout, plan, same_shape
from aisys_lab.kernels.conv.depthwise import by_channels, by_planes
from aisys_lab.kernels.conv.geometry import _frozen, pair
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.threads import threads

NONE = ((0, 0), (0, 0))  # pads

# ---- arguments

@lru_cache(4096)
def _slide(op, shape, window, stride, padding, layout, dtype):
    window = pair(op, "window", window, 1)
    channels = shape[1:2] if layout == "NCHW" else shape[3:4]
    taps = (*channels, *window) if layout == "NCHW" else (*window, *channels)
    it = plan(op, shape, taps, dtype, window if stride is None else stride, padding, 1, layout)
    if any(max(pads) >= taps for taps, pads in zip(window, it.g.pads, strict=True)):
        raise LabError(f"{op}: pads {it.g.pads} are as wide as the window {window}, so that some "
                       f"windows would hold nothing; give less.")
    return it


def slide(op, shape, window, stride, padding, layout, dtype):
    """The Plan of windows on images of a shape; a sentence if they do not fit."""
    try:
        return _slide(op, shape, window, stride, padding, layout, dtype)
    except TypeError:  # lists have no hash
        return _slide(op, shape, *map(_frozen, (window, stride, padding)), layout, dtype)


def image_of(op, g, size, layout):
    """The shape of images of a size that have something like ``g`` as result."""
    size = pair(op, "size", _frozen(size), 1)
    return (*g.shape[:2], *size) if layout == "NCHW" else (*g.shape[:1], *size, *g.shape[3:])


# ---- the verbs

def max_pool(x, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The largest entry of each window; NaN if one of them is."""
    (x,) = arrays_of("max_pool", x=x)
    return KERNELS["max_pool"][kernel](x, window, stride, padding, layout)


def max_pool_input(g, x, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The gradient of x, where ``g`` is that of ``max_pool(x, …)``: each g goes to the first of the
    largest entries of its window; to none if one of them is NaN."""
    g, x = arrays_of("max_pool_input", g=g, x=x)
    return KERNELS["max_pool_input"][kernel](g, x, window, stride, padding, layout)


def sum_pool(x, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The sum of each window."""
    (x,) = arrays_of("sum_pool", x=x)
    return KERNELS["sum_pool"][kernel](x, window, stride, padding, layout)


def sum_pool_input(g, size, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The gradient of images of ``size`` (H, W), where ``g`` is that of ``sum_pool``: each g goes
    to all entries of its window."""
    (g,) = arrays_of("sum_pool_input", g=g)
    return KERNELS["sum_pool_input"][kernel](g, size, window, stride, padding, layout)


def avg_pool(x, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The mean of each window."""
    (x,) = arrays_of("avg_pool", x=x)
    return KERNELS["avg_pool"][kernel](x, window, stride, padding, layout)


def avg_pool_input(g, size, window, stride=None, padding=0, layout="NCHW", kernel="vectors"):
    """The gradient of images of ``size`` (H, W), where ``g`` is that of ``avg_pool``."""
    (g,) = arrays_of("avg_pool_input", g=g)
    return KERNELS["avg_pool_input"][kernel](g, size, window, stride, padding, layout)


# ---- rungs: run(arrays, it) for a Plan ``it``, and the signature of the verb around it

def of_image(op, run, doc):
    """A rung that takes images."""
    def rung(x, window, stride=None, padding=0, layout="NCHW"):
        it = slide(op, x.shape, window, stride, padding, layout, x.dtype)
        out = np.empty(it.result, x.dtype)
        run(x, it, out)
        return out
    rung.__doc__ = doc
    return rung


def of_both(op, run, doc):
    """A rung that takes a gradient of results, and images."""
    def rung(g, x, window, stride=None, padding=0, layout="NCHW"):
        it = slide(op, x.shape, window, stride, padding, layout, x.dtype)
        same_shape(op, "g", g, it.result)
        out = np.empty(it.image, x.dtype)
        run(g, x, it, out)
        return out
    rung.__doc__ = doc
    return rung


def of_result(op, run, doc):
    """A rung that takes a gradient of results, and the size of images."""
    def rung(g, size, window, stride=None, padding=0, layout="NCHW"):
        it = slide(op, image_of(op, g, size, layout), window, stride, padding, layout, g.dtype)
        same_shape(op, "g", g, it.result)
        out = np.empty(it.image, g.dtype)
        run(g, it, out)
        return out
    rung.__doc__ = doc
    return rung


def by_loop(loop):
    """What a loop of ``pool_loops`` computes."""
    def run(*args):
        *arrays, it, out = args
        layout = it.g.layout
        to = channels_first(out, layout)
        loop(*(channels_first(x, layout) for x in arrays), it.g.window, it.g.stride, it.g.pads, to)
        out[:] = in_layout(to, layout)
    return run


def pairs(it):
    """Whether windows are those of ``pool_pairs``."""
    return it.g.layout == "NCHW" and it.g.window == it.g.stride == (2, 2) and it.g.pads == NONE


def largest(x, it, out):
    """The largest entries."""
    many = threads(it.work)
    if pairs(it):
        launch(pool_pairs.into, pool_pairs.into_parts, many, x, out)
    elif it.g.layout == "NCHW":
        launch(pool_planes.into, pool_planes.into_parts, many, x, it.planes.numbers,
               it.planes.offsets, out)
    else:
        launch(pool_channels.into, pool_channels.into_parts, many, x, it.windows, out)


def largest_back(g, x, it, out):
    """The way back from them."""
    many = threads(it.work)
    if pairs(it):
        launch(pool_pairs.back, pool_pairs.back_parts, many, g, x, out)
    elif it.g.layout == "NCHW":
        launch(pool_planes.back, pool_planes.back_parts, many, g, x, it.planes.numbers,
               it.planes.offsets, out)
    else:
        launch(pool_channels.back, pool_channels.back_parts, many, g, x, it.windows, out)


def sums(x, it, out, mean=False):
    """Sums, or means: a depthwise convolution with equal weights."""
    weight = 1 / prod(it.g.window) if mean else 1
    if it.g.layout == "NCHW":
        by_planes(x, np.full((1, *it.g.window), weight, x.dtype), zeros(1, x.dtype), it, None, out)
    else:
        by_channels(x, np.full((*it.g.window, it.channels), weight, x.dtype),
                    zeros(it.channels, x.dtype), it, None, out)


def sums_back(g, it, out, mean=False):
    """The way back from them."""
    weight, way = 1 / prod(it.g.window) if mean else 1.0, it.way
    if it.g.layout == "NCHW":
        launch(depthwise_planes.back, depthwise_planes.back_parts, threads(it.work), g,
               np.full((1, *it.g.window), weight, g.dtype), way.image, way.result, way.inner,
               way.order, way.offsets, way.counts, way.firsts, out)
    else:
        launch(pool_channels.shares, pool_channels.shares_parts, threads(it.work), g, it.windows,
               weight, out)


def mean(run):
    """Means by what makes sums."""
    def rung(*args):
        *_, it, out = args
        run(*args)
        out /= prod(it.g.window)
    return rung


for _op, _of, _loop, _run in [
        ("max_pool", of_image, pool_loops.max_pool, largest),
        ("max_pool_input", of_both, pool_loops.max_pool_input, largest_back),
        ("sum_pool", of_image, pool_loops.sum_pool, sums),
        ("sum_pool_input", of_result, pool_loops.sum_pool_input, sums_back)]:
    ladder(_op, naive=_of(_op, by_loop(_loop), _loop.py_func.__doc__),
           vectors=_of(_op, _run, _run.__doc__))
ladder("avg_pool",
       naive=of_image("avg_pool", mean(by_loop(pool_loops.sum_pool)), "Sums, divided."),
       vectors=of_image("avg_pool", partial(sums, mean=True), "Sums of weighed entries."))
ladder("avg_pool_input",
       naive=of_result("avg_pool_input", mean(by_loop(pool_loops.sum_pool_input)), "Divided."),
       vectors=of_result("avg_pool_input", partial(sums_back, mean=True), "Weighed."))
