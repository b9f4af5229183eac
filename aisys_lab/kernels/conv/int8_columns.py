"""Convolution of bytes, exact in 32 bits: columns of a block of pixels times packed weights.

    for a block of pixels of the result
        the window of each becomes a line of bytes; pads are the number that stands for 0
        times the weights: a product of bytes, which takes that number off again

Windows of one channel, as depthwise convolution has them, are summed without columns.
"""

import numpy as np
from numba import prange

from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.int8 import GROUP, HIGH, ROWS, VECTORS, WORDS, blocks
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.vector import keep, lanes, offset, pointer


@part
def sizes(at):
    """``(high, wide, channels, lines and columns of the result, rows and columns of the window,
    stride, pads above and left, dilation)``, pairs as tuples."""
    return (at[0], at[1], at[2], at[3], at[4], at[5], at[6], (at[7], at[8]), (at[9], at[10]),
            (at[11], at[12]))


@part
def copy_bytes(p, count, to):
    """``count`` bytes."""
    for i in range(count):
        to[i] = p[i]


@part
def fill_bytes(value, count, to):
    """``count`` bytes of one value."""
    for i in range(count):
        to[i] = value


@native
def columns(x, at, zero, each, first, last, to):
    """``to[pixel, tap, channel]`` of ``each`` channels of images [N,H,W,C] for the pixels ``first``
    to ``last - 1`` of the result."""
    high, wide, c, lines, across, down, along, stride, pads, dilation = sizes(at)
    for t in range(first, last):
        n, place = t // (lines * across), t % (lines * across)
        top = place // across * stride[0] - pads[0]
        left = place % across * stride[1] - pads[1]
        for u in range(down):
            row = top + u * dilation[0]
            line = offset(x, ((n * high + row) * wide + left) * c)
            inside = 0 <= row < high
            if inside and each == c and dilation[1] == 1 and left >= 0 and left + along <= wide:
                copy_bytes(line, along * c, to)
                to = offset(to, along * c)
                continue
            for v in range(along):
                column = left + v * dilation[1]
                if inside and 0 <= column < wide:
                    copy_bytes(offset(line, v * dilation[1] * c), each, to)
                else:
                    fill_bytes(zero, each, to)
                to = offset(to, each)


@part
def place(x, at, shift, zero, groups, panels, sums, out, first, last):
    """Pixels ``first`` to ``last - 1`` of all images; ``panels`` of the groups one after another,
    equally long."""
    channels, count, depth = at[2], out.shape[1], at[5] * at[6] * (at[2] // groups)
    each, long = count // groups, panels.size // groups
    cols, rows = np.empty(HIGH * depth, x.dtype), aligned((HIGH + ROWS) * WORDS * GROUP, panels)
    room, factor = aligned(ROWS * VECTORS * lanes(pointer(out)), out), np.int32(zero + shift)
    for t in range(first, last, HIGH):
        some = min(HIGH, last - t)
        for g in range(groups):
            columns(offset(pointer(x), g * (channels // groups)), pointer(at), zero,
                    channels // groups, t, t + some, pointer(cols))
            blocks(some, each, depth, pointer(cols), depth, 1, shift,
                   offset(pointer(panels), g * long), offset(pointer(out), t * count + g * each),
                   count, pointer(rows), pointer(room))
        for i in range(t, t + some):
            for j in range(count):
                out[i, j] -= factor * sums[j]
    keep(cols)
    keep(rows)
    keep(room)


@entry
def into(x, at, shift, zero, groups, panels, sums, out):
    """``out[pixel, o] = sum over taps and channels of (x - zero) · w``."""
    place(x, at, shift, zero, groups, panels, sums, out, 0, len(out))


@entry(parallel=True)
def into_parts(x, at, shift, zero, groups, panels, sums, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(out), parts, p)
        place(x, at, shift, zero, groups, panels, sums, out, first, last)


# ---- depthwise

@part
def add_tap(x, zero, w, count, to):
    """``to[c] += (x[c] - zero) · w[c]``."""
    for c in range(count):
        to[c] += (np.int32(x[c]) - zero) * np.int32(w[c])


@native
def sum_window(x, at, zero, w, t, to):
    """All channels of pixel t of the result."""
    high, wide, c, lines, across, down, along, stride, pads, dilation = sizes(at)
    n, place = t // (lines * across), t % (lines * across)
    top = place // across * stride[0] - pads[0]
    left = place % across * stride[1] - pads[1]
    for i in range(c):
        to[i] = 0
    for u in range(down):
        for v in range(along):
            row, column = top + u * dilation[0], left + v * dilation[1]
            if 0 <= row < high and 0 <= column < wide:
                add_tap(offset(x, ((n * high + row) * wide + column) * c), zero,
                        offset(w, (u * along + v) * c), c, to)


@entry
def depthwise(x, at, zero, w, out):
    """``out[pixel, c] = sum over taps of (x[.., c] - zero) · w[tap, c]``."""
    for t in range(len(out)):
        sum_window(pointer(x), pointer(at), zero, pointer(w), t, offset(pointer(out), t * at[2]))


@entry(parallel=True)
def depthwise_parts(x, at, zero, w, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(out), parts, p)
        for t in range(first, last):
            sum_window(pointer(x), pointer(at), zero, pointer(w), t,
                       offset(pointer(out), t * at[2]))
