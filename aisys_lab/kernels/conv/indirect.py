"""Indirect convolution of images f[N,H,W,C]: a table says where each tap of each window begins.

    for a few pixels of the result, as many as a tile has rows
        for a tap: a tile of channels in, from the lines that the table names

Nothing is copied: where a window reaches over the edge, the table names a line of zeros. It depends
on sizes only and so serves every image that comes. (Dukhan 2019, The Indirect Convolution
Algorithm; QNNPACK and XNNPACK.)
"""

from functools import lru_cache

import numpy as np
from numba import prange

from aisys_lab.kernels.block import ROWS, VECTORS
from aisys_lab.kernels.conv import direct
from aisys_lab.kernels.conv.algorithm import (
    Algorithm,
    ends_of,
    launch,
    panel_bias,
    zeros,
)
from aisys_lab.kernels.conv.images import share
from aisys_lab.kernels.conv.lines import addresses_or_zero, clamped
from aisys_lab.kernels.conv.pixels import begin, lay_part, step
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import blank
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import keep, lanes, offset, pointer

OUTSIDE = -1  # in the table, a pad
BLOCK = 32  # tiles
_, _, write, _ = tile(ROWS, VECTORS)
lines_at = addresses_or_zero(ROWS)


@lru_cache(16)
def indirection(g):
    """The table [tiles, taps, rows of a tile] of as many images as are taken together: numbers
    from the beginning of the first to where the tap begins, or OUTSIDE. The last pixel comes again
    up to a whole tile."""
    met = [s * np.arange(n)[:, None] + d * np.arange(taps) - ends[0] for s, n, d, taps, ends
           in zip(g.stride, g.places, g.dilation, g.window, g.pads, strict=True)]
    rows, columns = met[0][:, None, :, None], met[1][None, :, None, :]
    inside = (rows >= 0) & (rows < g.image[0]) & (columns >= 0) & (columns < g.image[1])
    images = np.arange(direct.together(g))[:, None, None, None, None] * g.image[0] * g.image[1]
    at = np.where(inside, (images + rows * g.image[1] + columns) * g.channels, OUTSIDE)
    pixels = at.reshape(-1, g.taps)
    pixels = np.pad(pixels, ((0, -len(pixels) % ROWS), (0, 0)), mode="edge")
    return np.ascontiguousarray(pixels.reshape(-1, ROWS, g.taps).swapaxes(1, 2))


@native
def tiles(x, zero, table, first, last, taps, length, panel, bias, ends, pixels, c, ldc, some, room):
    """Tiles ``first`` to ``last - 1`` of results with so many pixels; one that reaches over their
    ends is made in ``room``."""
    wide = VECTORS * lanes(x)
    for t in range(first, last):
        acc, b, at = begin(bias), panel, offset(c, t * ROWS * ldc)
        for k in range(taps):
            lines = lines_at(x, offset(table, (t * taps + k) * ROWS), zero)
            for i in range(length):
                acc = step(acc, lines, i, b)
                b = offset(b, wide)
        acc, rows = clamped(acc, ends[0], ends[1]), min(ROWS, pixels - t * ROWS)
        if rows == ROWS and some == wide:
            write(acc, at, ldc)
        else:
            write(acc, room, wide)
            lay_part(room, wide, rows, some, at, ldc)


@part
def place(x, at, zero, table, panels, bias, ends, out, room, p, parts):
    """The p-th share of the tiles: block by block, group by group, panel by panel."""
    image, channels, groups, count, places, taps, together = (at[0], at[1], at[2], at[3], at[4],
                                                              at[5], at[6])
    each, length, wide = count // groups, channels // groups, VECTORS * lanes(pointer(x))
    for n in range(0, len(x), together):
        pixels = min(together, len(x) - n) * places
        first, last = share(-(-pixels // ROWS), parts, p, 1)
        for t in range(first, last, BLOCK):
            for g in range(groups):
                for j in range(0, each, wide):
                    before = g * whole(each, wide) + j
                    tiles(offset(pointer(x), n * image + g * length), pointer(zero),
                          pointer(table), t, min(t + BLOCK, last), taps, length,
                          offset(pointer(panels), before * taps * length),
                          offset(pointer(bias), before), pointer(ends), pixels,
                          offset(pointer(out), n * places * count + g * each + j), count,
                          min(wide, each - j), offset(room, p * ROWS * wide))


@entry
def into(x, at, zero, table, panels, bias, ends, out, room):
    """``out`` of images x by one thread."""
    place(x, at, zero, table, panels, bias, ends, out, pointer(room), 0, 1)
    keep(room)


@entry(parallel=True)
def into_parts(x, at, zero, table, panels, bias, ends, out, room, parts):
    """The same by several threads."""
    for p in prange(parts):
        place(x, at, zero, table, panels, bias, ends, out, pointer(room), p, parts)
    keep(room)


# ---- the algorithm

def room_for(g, dtype, parts=1):
    """Numbers of working memory: a tile for each thread, the line of zeros, and the table, whose
    entries take 8 bytes."""
    lane = host().lanes(dtype)
    return parts * ROWS * VECTORS * lane + g.channels + indirection(g).nbytes // dtype.itemsize


def run(x, panels, bias, activation, g):
    """Tiles of pixels through a table of where each tap begins."""
    many, out = threads(2 * g.macs), blank(g.shape, x.dtype)
    at = np.array([g.image[0] * g.image[1] * g.channels, g.channels, g.groups, g.out,
                   g.places[0] * g.places[1], g.taps, direct.together(g)])
    room = blank((many * ROWS * VECTORS * host().lanes(x.dtype),), x.dtype)
    launch(into, into_parts, many, x, at, zeros(g.channels, x.dtype), indirection(g), panels,
           panel_bias(bias, g, x.dtype), ends_of(activation, x.dtype), out, room)
    return out


def refuses(g):
    """Channels must come last."""
    return "" if g.layout == "NHWC" else ("it reads all channels of a pixel in one go, as they lie "
                                          "in layout NHWC")


INDIRECT = Algorithm(direct.form, run, room_for, refuses=refuses)
