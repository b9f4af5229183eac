"""Implicit matrix product for images f[N,C,H,W]: columns of a few pixels at a time.

    for an image, which is laid into planes (``conv.planes``)
        for a panel of pixels of the result, as wide as a tile
            for a channel, for a tap: a line of the panel, copied from where the tap meets them
            for a panel of channels out: a tile

What ``conv.columns`` makes of the whole image lies here in the first cache. (Chetlur et al. 2014,
cuDNN: Efficient Primitives for Deep Learning.) Vectors lie along the pixels, so nothing is turned;
that pays where channels are few.
"""

from functools import lru_cache

import numpy as np
from numba import prange

from aisys_lab.kernels.block import ROWS, SOME, VECTORS
from aisys_lab.kernels.conv.algorithm import Algorithm, ends_of, launch, padded_bias
from aisys_lab.kernels.conv.lines import clamped, strip_tile
from aisys_lab.kernels.conv.planes import planes, spread
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import blank, pack
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import keep, lanes, load, offset, pointer, store, store_part

begin, begin_low = strip_tile(ROWS, VECTORS), strip_tile(SOME, VECTORS)
_, step, write, _ = tile(ROWS, VECTORS)
_, step_low, write_low, _ = tile(SOME, VECTORS)


# ---- tables of a geometry

@lru_cache(64)
def layout_of(g, lane):
    """``(numbers, offsets, moves, firsts)``: sizes, where each channel and tap lies in the planes,
    and of each panel the vectors it is copied from: pairs (place in a plane, place in a line)."""
    made, wide = planes(g, lane), VECTORS * lane
    columns, pitch, plane = g.places[1], made.numbers[6], plane_of(made)
    moves, firsts, total = [], [0], g.places[0] * columns
    for first in range(0, total, wide):
        p, end = first, min(first + wide, total)
        while p < end:
            row, column = divmod(p, columns)
            moves.append((row * pitch + column, p - first))
            p += min(columns - column, lane, end - p)
        firsts.append(len(moves))
    each = g.channels // g.groups
    offsets = (np.arange(each)[:, None] * plane + made.offsets).ravel()
    numbers = np.array([*made.numbers, g.channels, g.groups, g.out // g.groups, plane])
    return numbers, offsets, np.array(moves), np.array(firsts)


def plane_of(made):
    """Numbers of all planes of a channel."""
    return int(np.prod(made.numbers[[4, 5, 7]]))


@lru_cache(256)
def heights(out):
    """Rows of the panels that together hold ``out`` channels with the least to spare."""
    kinds = [[ROWS] * max(0, -(-(out - low * SOME) // ROWS)) + [SOME] * low for low in range(3)]
    return np.array(min(kinds, key=lambda rows: (sum(rows), len(rows))))


# ---- panels

@entry
def panels_of(w, groups, rows):
    """The panels of w[O, C / groups · taps]: group by group, ``rows`` high, filled with zeros."""
    out, depth = w.shape
    p, each = pointer(w), out // groups
    panels = np.empty(groups * rows.sum() * depth, w.dtype)
    to = pointer(panels)
    for g in range(groups):
        at = 0
        for high in rows:
            pack(offset(p, (g * each + at) * depth), depth, 1, min(high, each - at), depth, high,
                 to)
            to, at = offset(to, high * depth), at + high
    return panels


@part
def pack_two(p, offsets, depth, moves, to):
    """A panel of two vectors."""
    first, second, shift = moves[0], moves[2], moves[3]
    for k in range(depth):
        here = offset(p, offsets[k])
        store(load(here, first), to, 0)
        store(load(here, second), to, shift)
        to = offset(to, VECTORS * lanes(p))


@part
def pack_three(p, offsets, depth, moves, to):
    """A panel of three."""
    first, second, third, shift, end = moves[0], moves[2], moves[4], moves[3], moves[5]
    for k in range(depth):
        here = offset(p, offsets[k])
        store(load(here, first), to, 0)
        store(load(here, second), to, shift)
        store(load(here, third), to, end)
        to = offset(to, VECTORS * lanes(p))


@native
def pack_pixels(p, offsets, depth, moves, count, to):
    """A panel of pixels, copied from ``count`` vectors. One may reach over the end of its pixels:
    what is written next, or nothing, lies there."""
    if count == 2:
        pack_two(p, offsets, depth, moves, to)
    elif count == 3:
        pack_three(p, offsets, depth, moves, to)
    else:
        for k in range(depth):
            here = offset(p, offsets[k])
            for i in range(count):
                store(load(here, moves[2 * i]), to, moves[2 * i + 1])
            to = offset(to, VECTORS * lanes(p))


@part
def run_along(acc, a, b, depth):
    """``depth`` outer products added to a tile."""
    for _ in range(depth):
        acc = step(acc, a, 1, b)
        a, b = offset(a, ROWS), offset(b, VECTORS * lanes(b))
    return acc


@part
def run_low(acc, a, b, depth):
    """The same of a lower tile."""
    for _ in range(depth):
        acc = step_low(acc, a, 1, b)
        a, b = offset(a, SOME), offset(b, VECTORS * lanes(b))
    return acc


@part
def lay_part(room, rows, some, c, ldc):
    """The first ``rows`` lines of a tile, ``some`` numbers of each."""
    w = lanes(room)
    for i in range(rows):
        for j in range(0, some, w):
            store_part(load(room, i * VECTORS * w + j), c, i * ldc + j, min(w, some - j))


@native
def tiles(b, depth, a, rows, count, bias, ends, out, c, ldc, some, room):
    """A panel of ``some`` pixels times all panels of weights: ``out`` lines, ``ldc`` apart. A tile
    that reaches over their ends is made in ``room``."""
    at, wide = 0, VECTORS * lanes(b)
    for i in range(count):
        high, to, ld = rows[i], offset(c, at * ldc), ldc
        partly = some < wide or at + high > out
        if partly:
            to, ld = room, wide
        if high == ROWS:
            acc = run_along(begin(offset(bias, at)), a, b, depth)
            write(clamped(acc, ends[0], ends[1]), to, ld)
        else:
            low = run_low(begin_low(offset(bias, at)), a, b, depth)
            write_low(clamped(low, ends[0], ends[1]), to, ld)
        if partly:
            lay_part(room, min(high, out - at), some, offset(c, at * ldc), ldc)
        a, at = offset(a, high * depth), at + high


@part
def place(x, at, offsets, moves, firsts, rows, panels, bias, ends, out, room, images, share):
    """Of images ``images[0]`` to ``images[1] - 1`` the panels ``share[0]`` to ``share[1] - 1``."""
    channels, groups, each, plane, depth, high = at[10], at[11], at[12], at[13], offsets.size, (
        rows.sum())
    image, places, wide, lane = at[0] * at[1], at[8] * at[9], VECTORS * lanes(pointer(x)), lanes(
        pointer(x))
    edge, room[:] = pointer(room), 0
    panel = offset(edge, ROWS * wide)
    p = offset(panel, depth * wide + lane)
    for n in range(images[0], images[1]):
        for c in range(channels):
            spread(offset(pointer(x), (n * channels + c) * image), pointer(at), 0,
                   offset(p, c * plane))
        for g in range(groups):
            c = offset(pointer(out), (n * groups + g) * each * places)
            for s in range(share[0], share[1]):
                pack_pixels(offset(p, g * (channels // groups) * plane), pointer(offsets), depth,
                            offset(pointer(moves), 2 * firsts[s]), firsts[s + 1] - firsts[s], panel)
                tiles(panel, depth, offset(pointer(panels), g * high * depth), pointer(rows),
                      rows.size, offset(pointer(bias), g * high), pointer(ends), each,
                      offset(c, s * wide), places, min(wide, places - s * wide), edge)
    keep(room)


@entry
def into(x, at, offsets, moves, firsts, rows, panels, bias, ends, out, room):
    """``out`` of images x by one thread."""
    place(x, at, offsets, moves, firsts, rows, panels, bias, ends, out, room, (0, len(x)),
          (0, firsts.size - 1))


@entry(parallel=True)
def into_parts(x, at, offsets, moves, firsts, rows, panels, bias, ends, out, room, parts):
    """The same by several threads: each takes a share of the images, or where those are few, a
    share of the panels of all of them."""
    count, each = firsts.size - 1, room.size // parts
    for p in prange(parts):
        images, share = (0, len(x)), (count * p // parts, count * (p + 1) // parts)
        if len(x) >= parts:
            images, share = (len(x) * p // parts, len(x) * (p + 1) // parts), (0, count)
        place(x, at, offsets, moves, firsts, rows, panels, bias, ends, out,
              room[p * each:(p + 1) * each], images, share)


# ---- the algorithm

def room_for(g, dtype):
    """Numbers of working memory: a tile, a panel, and the planes of an image."""
    lane = host().lanes(dtype)
    depth = g.channels // g.groups * g.taps
    return (ROWS + depth) * VECTORS * lane + lane + plane_of(planes(g, lane)) * g.channels


def form(w, layout, groups):
    """The panels of weights."""
    return panels_of(np.ascontiguousarray(w).reshape(len(w), -1), groups, heights(len(w) // groups))


def run(x, panels, bias, activation, g):
    """Columns of a few pixels at a time, copied while they are needed."""
    rows, many, out = heights(g.out // g.groups), threads(2 * g.macs), blank(g.shape, x.dtype)
    launch(into, into_parts, many, x, *layout_of(g, host().lanes(x.dtype)), rows, panels,
           padded_bias(bias, g.groups, g.out, int(rows.sum()), x.dtype),
           ends_of(activation, x.dtype), out, blank((many * room_for(g, x.dtype),), x.dtype))
    return out


def refuses(g):
    """Channels must come first."""
    return "" if g.layout == "NCHW" else ("it copies pixels that lie together, as in layout NCHW; "
                                          "in NHWC 'direct' reads them where they are")


IMPLICIT = Algorithm(form, run, room_for, refuses=refuses)
