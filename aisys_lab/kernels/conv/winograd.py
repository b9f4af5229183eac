"""Winograd's convolution of 3x3 windows at stride 1: F(2, 3) and F(4, 3) along both axes.

    for a few images, which are padded (and turned, if their channels come first)
        for a block of tiles of the image, n = m + 2 high and wide, which overlap by 2
            V = B d Bᵀ of each tile d and channel            (lessons.winograd)
            for a panel of channels out
                M[point] = V[point] @ U[point], for the n² points: matrix products
                Aᵀ M A: the m² places of each tile

U = G w Gᵀ is made once. Each tile takes n² multiplications a channel in and out in place of 9 m²:
16 for 36, or 36 for 144. Transforms cost additions, and exactness: that of F(4, 3) is some ten
times worse than the definition's, and a tile with one infinity or NaN is NaN as a whole.
(Lavin and Gray 2016.)
"""

from functools import lru_cache

import numpy as np
from numba import prange

from aisys_lab.kernels.block import ROWS, VECTORS
from aisys_lab.kernels.conv import direct
from aisys_lab.kernels.conv.algorithm import Algorithm, ends_of, launch, panel_bias
from aisys_lab.kernels.conv.direct import images_from
from aisys_lab.kernels.conv.images import (
    BACK,
    CHANNELS,
    LINES,
    OUT,
    OUT_COLUMNS,
    OUT_LINES,
    TOGETHER,
    common_sizes,
    fill,
    share,
    turn,
)
from aisys_lab.kernels.conv.winograd_tiles import (
    APART,
    BLOCK,
    COPY,
    POINT,
    ROOM,
    TAPS,
    TILE_COLUMNS,
    TILE_LINES,
    multiply,
    transform_inputs,
    transform_outputs,
    transformed,
)
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, part
from aisys_lab.kernels.moves import blank
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.vector import keep, lanes, offset, pointer

FEW = 64  # tiles that small images give together
NEAR = 1 << 16  # numbers of V of a block: half of a second cache
LEAST, MOST = 4 * ROWS, 32 * ROWS  # tiles of a block


# ---- blocks of tiles

@part
def place(m, x, at, u, bias, ends, c, first, last, room):
    """Tiles ``first`` to ``last - 1``: all channels in, then panel by panel of those out."""
    channels, out, points, wide = at[CHANNELS], at[OUT], (m + TAPS - 1) ** 2, VECTORS * lanes(x)
    made = offset(room, points * at[POINT])
    scratch = offset(made, points * at[APART])
    transform_inputs(m, x, pointer(at), first, last, room, scratch)
    for j in range(0, out, wide):
        multiply(room, pointer(at), whole(last - first, ROWS), points,
                 offset(u, j * points * channels), made)
        transform_outputs(m, made, pointer(at), first, last, offset(bias, j), ends,
                          min(wide, out - j), offset(c, j), scratch)


@part
def reach(m, at, last):
    """How many lines of padded images the first ``last`` tiles meet."""
    row = (last - 1) // at[TILE_COLUMNS]
    return row // at[TILE_LINES] * at[LINES] + row % at[TILE_LINES] * m + m + TAPS - 1


@entry
def into(m, x, at, u, bias, ends, out, room):
    """``out`` of images x by one thread; lines are copied just before they are met."""
    copy, channels, places = offset(pointer(room), at[ROOM]), at[OUT], (
        at[OUT_LINES] * at[OUT_COLUMNS])
    for n in range(0, len(x), at[TOGETHER]):
        source, to, images = images_from(n, x, at, out)
        c, lines, total = offset(copy, at[COPY]) if at[BACK] else to, 0, (
            images * at[TILE_LINES] * at[TILE_COLUMNS])
        for first in range(0, total, at[BLOCK]):
            last = min(first + at[BLOCK], total)
            fill(source, pointer(at), lines, reach(m, at, last), copy)
            lines = reach(m, at, last)
            place(m, copy, at, pointer(u), pointer(bias), pointer(ends), c, first, last,
                  pointer(room))
        if at[BACK]:
            turn(c, channels, 0, images * places, channels, places, channels, to)
    keep(room)


@entry(parallel=True)
def into_parts(m, x, at, u, bias, ends, out, room, parts):
    """The same by several threads: each copies a share of the lines, makes one of the tiles, and
    turns one of the pixels."""
    copy, channels, places = offset(pointer(room), parts * at[ROOM]), at[OUT], (
        at[OUT_LINES] * at[OUT_COLUMNS])
    for n in range(0, len(x), at[TOGETHER]):
        source, to, images = images_from(n, x, at, out)
        c = offset(copy, at[COPY]) if at[BACK] else to
        for p in prange(parts):
            begun, ended = share(images * at[LINES], parts, p, 1)
            fill(source, pointer(at), begun, ended, copy)
        for p in prange(parts):
            begun, ended = share(images * at[TILE_LINES] * at[TILE_COLUMNS], parts, p, at[BLOCK])
            for first in range(begun, ended, at[BLOCK]):
                place(m, copy, at, pointer(u), pointer(bias), pointer(ends), c, first,
                      min(first + at[BLOCK], ended), offset(pointer(room), p * at[ROOM]))
        if at[BACK]:
            for p in prange(parts):
                begun, ended = share(images * places, parts, p, 1)
                turn(offset(c, begun * channels), channels, begun, ended, channels, places,
                     channels, to)
    keep(room)


# ---- the algorithm

@lru_cache(64)
def sizes_of(g, m, dtype):
    """The sizes, as ``images`` and ``winograd_tiles`` name them."""
    lines, columns = (-(-n // m) for n in g.places)
    padded = [m * count + TAPS - 1 for count in (lines, columns)]
    lane, points = host().lanes(dtype), (m + TAPS - 1) ** 2
    images = max(1, min(g.batch, FEW // (lines * columns)))
    tile = -(-g.channels // lane) * lane
    block = max(LEAST, min(MOST, NEAR // (points * tile) // ROWS * ROWS,
                           -(-images * lines * columns // ROWS) * ROWS))
    point, apart = odd_lines(block * tile), odd_lines(block * VECTORS * lane)
    return np.array([*common_sizes(g, padded, images), lines, columns, point, tile, apart, block,
                     points * (point + apart + 2 * lane),
                     images * padded[0] * padded[1] * g.channels + lane])


def odd_lines(count):
    """So many numbers at least, and an odd number of times sixteen: what lies so far apart does
    not meet in one set of the cache."""
    return (-(-count // 16) | 1) * 16


def algorithm(m):
    """F(m, 3) along both axes."""
    def form(w, layout, groups):
        """The transformed weights."""
        channels = w.shape[2] if layout == "NHWC" else w.shape[1]
        return transformed(direct.form(w, layout, groups), m, channels)

    def room(g, dtype, parts=1):
        """Numbers of working memory: V and M of a block for each thread, the padded images, and
        their results if they are turned."""
        at = sizes_of(g, m, dtype)
        results = at[TOGETHER] * at[OUT] * at[OUT_LINES] * at[OUT_COLUMNS]
        return int(parts * at[ROOM] + at[COPY] + at[BACK] * results)

    def run(x, u, bias, activation, g):
        """Tiles in the shape that multiplies least: transformed, multiplied, transformed back."""
        many, out = threads(2 * g.macs), blank(g.shape, x.dtype)
        launch(into, into_parts, many, m, x, sizes_of(g, m, x.dtype), u,
               panel_bias(bias, g, x.dtype), ends_of(activation, x.dtype), out,
               blank((room(g, x.dtype, many),), x.dtype))
        return out

    def multiplications(g):
        """Those of transformed numbers; transforms multiply by constants only."""
        lines, columns = (-(-n // m) for n in g.places)
        return g.batch * lines * columns * (m + TAPS - 1) ** 2 * g.channels * g.out
    return Algorithm(form, run, room, multiplications, refuses)


def refuses(g):
    """Windows are 3x3, at stride 1, dense."""
    plain = g.window == (TAPS, TAPS) and g.stride == g.dilation == (1, 1) and g.groups == 1
    return "" if plain else ("it takes windows of 3x3 with stride 1, dilation 1 and one group; "
                             "'direct' takes all")


WINOGRAD_2, WINOGRAD_4 = algorithm(2), algorithm(4)
