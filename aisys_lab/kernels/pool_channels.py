"""Pooling of images f[N,H,W,C], place by place: vectors of channels."""

from numba import prange

from aisys_lab.kernels.conv.depthwise_channels import clip
from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.pool_planes import LOWEST
from aisys_lab.kernels.vector import (
    greatest,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    store,
    store_part,
    where_equal,
)


@part
def load_some(p, i, count):
    """A vector, or of the last channels as many as there are."""
    return load(p, i) if count >= lanes(p) else load_part(p, i, count, 0)


@part
def store_some(v, p, i, count):
    """A vector, or of the last channels as many as there are."""
    if count >= lanes(p):
        store(v, p, i)
    else:
        store_part(v, p, i, count)


@part
def window_at(at, place):
    """``(first pixel, first line, lines, first column, columns)``: what of a window lies in the
    image, and where."""
    i, j = place // at[9] * at[4] - at[2], place % at[9] * at[5] - at[3]
    (top, bottom), (left, right) = clip(i, at[10], 1, at[0]), clip(j, at[11], 1, at[1])
    return (i + top) * at[1] + j + left, top, bottom - top, left, right - left


@part
def largest(x, wide, channels, rows, columns, c):
    """The largest of each channel's entries of a window, or NaN."""
    top = splat(x, LOWEST)
    for k in range(rows):
        for m in range(columns):
            top = greatest(top, load_some(x, (k * wide + m) * channels + c, channels - c))
    return top


@native
def largest_of_image(x, at, channels, out):
    """The largest entries of all windows of one image."""
    for place in range(at[8] * at[9]):
        pixel, _, rows, _, columns = window_at(at, place)
        for c in range(0, channels, lanes(x)):
            top = largest(offset(x, pixel * channels), at[1], channels, rows, columns, c)
            store_some(top, out, place * channels + c, channels - c)


@native
def lay_image(g, x, at, channels, out):
    """``out`` (an image of zeros) gets each g where the first of the largest entries lies.

    Pads are entries as well: the first of a window which holds nothing but -inf wins.
    """
    lowest, none = splat(x, LOWEST), splat(x, 0)
    for place in range(at[8] * at[9]):
        pixel, top_line, rows, left_column, columns = window_at(at, place)
        source, to = offset(x, pixel * channels), offset(out, pixel * channels)
        for c in range(0, channels, lanes(x)):
            count, top = channels - c, largest(source, at[1], channels, rows, columns, c)
            left = load_some(g, place * channels + c, count)
            if top_line + left_column > 0:
                left = where_equal(top, lowest, none, left)
            for k in range(rows):
                for m in range(columns):
                    i = (k * at[1] + m) * channels + c
                    v = load_some(source, i, count)
                    store_some(load_some(to, i, count) + where_equal(v, top, left, none), to, i,
                               count)
                    left = where_equal(v, top, none, left)


@native
def share_image(g, at, channels, weight, out):
    """``out`` (an image of zeros) gets each g, weighed, at all entries of its window."""
    for place in range(at[8] * at[9]):
        pixel, _, rows, _, columns = window_at(at, place)
        to = offset(out, pixel * channels)
        for c in range(0, channels, lanes(g)):
            count = channels - c
            v = load_some(g, place * channels + c, count) * weight
            for k in range(rows):
                for m in range(columns):
                    i = (k * at[1] + m) * channels + c
                    store_some(load_some(to, i, count) + v, to, i, count)


@part
def place(x, at, out, first, last):
    """Images ``first`` to ``last - 1``."""
    channels = x.shape[3]
    for n in range(first, last):
        largest_of_image(offset(pointer(x), n * at[0] * at[1] * channels), pointer(at), channels,
                         offset(pointer(out), n * at[8] * at[9] * channels))


@entry
def into(x, at, out):
    """The largest entry of each window."""
    place(x, at, out, 0, len(x))


@entry(parallel=True)
def into_parts(x, at, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(x), parts, p)
        place(x, at, out, first, last)


@part
def place_back(g, x, at, out, first, last):
    """Images ``first`` to ``last - 1``."""
    channels = x.shape[3]
    for n in range(first, last):
        out[n] = 0
        image, places = n * at[0] * at[1] * channels, n * at[8] * at[9] * channels
        lay_image(offset(pointer(g), places), offset(pointer(x), image), pointer(at), channels,
                  offset(pointer(out), image))


@entry
def back(g, x, at, out):
    """The gradient of x: each g at the first of the largest entries of its window, summed."""
    place_back(g, x, at, out, 0, len(x))


@entry(parallel=True)
def back_parts(g, x, at, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(x), parts, p)
        place_back(g, x, at, out, first, last)


@part
def place_shares(g, at, weight, out, first, last):
    """Images ``first`` to ``last - 1``."""
    channels = g.shape[3]
    for n in range(first, last):
        out[n] = 0
        share_image(offset(pointer(g), n * at[8] * at[9] * channels), pointer(at), channels, weight,
                    offset(pointer(out), n * at[0] * at[1] * channels))


@entry
def shares(g, at, weight, out):
    """The gradient of a sum over windows, weighed: each g at all entries of its window, summed."""
    place_shares(g, at, weight, out, 0, len(g))


@entry(parallel=True)
def shares_parts(g, at, weight, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(g), parts, p)
        place_shares(g, at, weight, out, first, last)
