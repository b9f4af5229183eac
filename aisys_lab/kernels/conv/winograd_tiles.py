"""Tiles of Winograd's convolution, vectors of channels at a time: transforms, and products between.

Transforms are those of F(m, 3), m = 2 or 4, along both axes: first along one, then along the other.
"""

import numpy as np

from aisys_lab.core import SLOTS
from aisys_lab.kernels.block import ROWS, VECTORS, run, write, zero
from aisys_lab.kernels.conv.images import (
    CHANNELS,
    COLUMNS,
    LINES,
    MORE,
    OUT,
    OUT_COLUMNS,
    OUT_LINES,
)
from aisys_lab.kernels.conv.maps import mapped
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.lessons.winograd import winograd_matrices
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.vector import (
    keep,
    lanes,
    load,
    maximum,
    minimum,
    offset,
    pointer,
    splat,
    store,
    store_part,
)

TAPS = 3

# lines and columns of tiles of an image; numbers between points of V, between its tiles, between
# points of M; tiles of a block; numbers of its room and of the padded images
TILE_LINES, TILE_COLUMNS, POINT, TILE, APART, BLOCK, ROOM, COPY = range(MORE, MORE + 8)

matrices = SLOTS.reference(winograd_matrices.slot)  # exact, from interpolation points
out_2, kernel_2, in_2 = map(mapped, matrices(2, TAPS))
out_4, kernel_4, in_4 = map(mapped, matrices(4, TAPS))


@part
def map_kernel(m, p, ldp, to, ldto):
    """G times three vectors."""
    if m == 2:
        kernel_2(p, ldp, to, ldto)
    else:
        kernel_4(p, ldp, to, ldto)


@part
def map_in(m, p, ldp, to, ldto):
    """B times m + 2 vectors."""
    if m == 2:
        in_2(p, ldp, to, ldto)
    else:
        in_4(p, ldp, to, ldto)


@part
def map_out(m, p, ldp, to, ldto):
    """A times m + 2 vectors."""
    if m == 2:
        out_2(p, ldp, to, ldto)
    else:
        out_4(p, ldp, to, ldto)


# ---- weights

@native
def transform_weights(m, p, channels, panels, to, room):
    """U[panel, point, channel, lane] of panels[panel, tap, channel, lane]."""
    n, w, wide = m + TAPS - 1, lanes(p), VECTORS * lanes(p)
    points, tap = n * n, channels * wide
    for i in range(panels):
        for c in range(0, tap, w):
            source, point = offset(p, i * TAPS * TAPS * tap + c), offset(to, i * points * tap + c)
            for j in range(TAPS):
                map_kernel(m, offset(source, j * tap), TAPS * tap, offset(room, j * w), TAPS * w)
            for j in range(n):
                map_kernel(m, offset(room, j * TAPS * w), w, offset(point, j * n * tap), tap)


@entry
def transformed(panels, m, channels):
    """The transformed weights of panels as ``conv.direct`` makes them."""
    p, n = pointer(panels), m + TAPS - 1
    count = panels.size // (TAPS * TAPS * channels * VECTORS * lanes(p))
    out = aligned(panels.size // (TAPS * TAPS) * n * n, panels)
    room = np.empty(n * TAPS * lanes(p), panels.dtype)
    transform_weights(m, p, channels, count, pointer(out), pointer(room))
    keep(room)
    return out


# ---- tiles

@part
def tile_at(t, m, at):
    """``(image, line, column)`` where tile t begins, of the result or of the padded image."""
    row = t // at[TILE_COLUMNS]
    return row // at[TILE_LINES], row % at[TILE_LINES] * m, t % at[TILE_COLUMNS] * m


@native
def transform_inputs(m, p, at, first, last, to, room):
    """V[point, tile, channel] of tiles ``first`` to ``last - 1``. Lanes behind the last channel
    hold anything."""
    channels, point, n, w = at[CHANNELS], at[POINT], m + TAPS - 1, lanes(p)
    line = at[COLUMNS] * channels
    for t in range(first, last):
        image, row, column = tile_at(t, m, at)
        tile = offset(p, (image * at[LINES] + row) * line + column * channels)
        for c in range(0, channels, w):
            v = offset(to, (t - first) * at[TILE] + c)
            for j in range(n):
                map_in(m, offset(tile, j * channels + c), line, offset(room, j * w), n * w)
            for i in range(n):
                map_in(m, offset(room, i * n * w), w, offset(v, i * n * point), point)


@native
def multiply(v, at, tiles, points, u, to):
    """M[point, tile, lane] of a panel: for each point, V times its panel of U. Tiles are whole
    register tiles."""
    depth, ld, wide = at[CHANNELS], at[TILE], VECTORS * lanes(u)
    for k in range(points):
        panel = offset(u, k * depth * wide)
        for i in range(0, tiles, ROWS):
            acc = run(zero(u), offset(v, k * at[POINT] + i * ld), ld, 1, panel, wide, depth)
            write(acc, offset(to, k * at[APART] + i * wide), wide)


@native
def transform_outputs(m, p, at, first, last, bias, ends, some, c, room):
    """Places of tiles ``first`` to ``last - 1``, for ``some`` channels of a panel."""
    step, high, wide, ldc, n, w = at[APART], at[OUT_LINES], at[OUT_COLUMNS], at[OUT], (
        m + TAPS - 1), lanes(p)
    made = offset(room, n * m * w)
    for t in range(first, last):
        image, row, column = tile_at(t, m, at)
        to = offset(c, ((image * high + row) * wide + column) * ldc)
        for o in range(0, some, w):
            tile = offset(p, (t - first) * VECTORS * w + o)
            for j in range(n):
                map_out(m, offset(tile, j * step), n * step, offset(room, j * w), n * w)
            for i in range(m):
                map_out(m, offset(room, i * n * w), w, offset(made, i * m * w), w)
            lay(m, made, load(bias, o), ends, offset(to, o), wide * ldc, ldc, min(m, high - row),
                min(m, wide - column), some - o)


@part
def lay(m, made, bias, ends, to, line, pixel, rows, columns, some):
    """The places of a tile that the result has, with bias, clamped."""
    w, low, high = lanes(made), splat(made, ends[0]), splat(made, ends[1])
    for i in range(rows):
        for j in range(columns):
            v = minimum(high, maximum(low, load(made, (i * m + j) * w) + bias))
            if some >= w:
                store(v, to, i * line + j * pixel)
            else:
                store_part(v, to, i * line + j * pixel, some)
