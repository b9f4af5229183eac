"""The gradient of a convolution's weights: tiles of taps times channels of the result.

    for a few images: channels are laid into planes, and g is turned: its channels lie together
        for a panel of channels of g
            for a tile's rows, each a tap of a channel
                for each place: one number of the image a row, times a line of the panel

The product of g and the columns of the image, without columns: a tap of a channel is a line of
numbers in the planes. Images add to the same sums, one after the other.
"""

from functools import lru_cache

import numpy as np
from numba import prange

from aisys_lab.kernels.block import ROWS, VECTORS
from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.conv.lines import addresses, pixel_tile
from aisys_lab.kernels.conv.planes import planes, spread
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned, transpose
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import keep, lanes, offset, pointer

begin, _, _, add = tile(ROWS, VECTORS)
begin_narrow, _, _, add_narrow = tile(ROWS, 1)
_, step = pixel_tile(ROWS, VECTORS)
_, step_narrow = pixel_tile(ROWS, 1)
lines_at = addresses(ROWS)


TOGETHER = 256  # places that small images give together: sums stay in registers that long


# ---- tables of a geometry

@lru_cache(256)
def layout_of(g, lane):
    """``(numbers, lines, starts)``: sizes as ``sizes`` takes them apart; where the line of each
    row of a group begins, the last of them again up to a whole tile; and where the lines of the
    places begin, of as many images as are taken together."""
    made, (down, along), (rows, columns) = planes(g, lane), g.stride, g.places
    each, plane = g.channels // g.groups, down * along * made.numbers[7]
    copied = g.taps > 1 or g.stride != (1, 1) or g.padded != g.image
    images, image, pitch = max(1, min(g.batch, TOGETHER // (rows * columns))), 0, made.numbers[6]
    if copied:
        image = each * plane
    else:  # one tap is the image as it is
        plane, rows, columns = rows * columns, 1, rows * columns
        image = g.channels * plane
    starts = (np.arange(images)[:, None] * image + np.arange(rows) * pitch).ravel()
    lines = (np.arange(each)[:, None] * plane + made.offsets * copied).ravel()
    numbers = [*made.numbers, g.channels, g.groups, g.out, plane, g.taps, images, copied, image,
               rows, columns]
    return np.array(numbers), np.pad(lines, (0, -len(lines) % ROWS), mode="edge"), starts


@part
def sizes(at):
    """``(numbers of an image, places, channels in, groups, channels out, numbers of a channel's
    planes, taps, images together, whether they are copied, numbers of one, lines of its places,
    places of a line)``."""
    return (at[0] * at[1], at[8] * at[9], at[10], at[11], at[12], at[13], at[14], at[15], at[16],
            at[17], at[18], at[19])


# ---- tiles

@part
def run(lines, starts, count, columns, g, ldg, sums, ld):
    """All places of ``count`` lines, added to the sums of a tile."""
    acc = begin(g)
    for i in range(count):
        start = starts[i]
        for j in range(start, start + columns):
            acc = step(acc, lines, j, g)
            g = offset(g, ldg)
    add(acc, sums, ld)


@part
def run_narrow(lines, starts, count, columns, g, ldg, sums, ld):
    """The same of one register of channels."""
    acc = begin_narrow(g)
    for i in range(count):
        start = starts[i]
        for j in range(start, start + columns):
            acc = step_narrow(acc, lines, j, g)
            g = offset(g, ldg)
    add_narrow(acc, sums, ld)


@native
def tiles(p, lines, first, last, starts, count, columns, g, ldg, out, sums):
    """Rows ``first`` to ``last - 1`` times all channels out of a group, over ``count`` lines of
    places."""
    lane = lanes(g)
    for j in range(0, out, VECTORS * lane):
        for i in range(first, last, ROWS):
            at, to = lines_at(p, offset(lines, i)), offset(sums, i * ldg + j)
            if out - j > lane:
                run(at, starts, count, columns, offset(g, j), ldg, to, ldg)
            else:
                run_narrow(at, starts, count, columns, offset(g, j), ldg, to, ldg)


# ---- images

@native
def add_images(x, g, count, at, lines, first, last, starts, room, turned, sums):
    """Adds the sums of ``count`` images: rows ``first`` to ``last - 1`` of each group."""
    area, places, channels, groups, out, plane, taps, _, copied, image, rows, columns = sizes(at)
    each, wide = channels // groups, out // groups
    ld = whole(wide, lanes(x))
    for k in range(groups):
        source = room if copied else offset(x, k * each * area)
        for n in range(count):
            if copied:
                for c in range(first // taps, min(each, (last - 1) // taps + 1)):
                    spread(offset(x, (n * channels + k * each + c) * area), at, 0,
                           offset(room, n * image + c * plane))
            transpose(offset(g, (n * out + k * wide) * places), places, wide, places,
                      offset(turned, n * places * ld), ld)
        tiles(source, lines, first, last, starts, count * rows, columns, turned, ld, wide,
              offset(sums, k * whole(each * taps, ROWS) * ld))


@part
def place(x, g, at, lines, starts, out, first, last):
    """Rows ``first`` to ``last - 1`` of each group."""
    area, places, channels, groups, count, _, taps, images, copied, image, _, _ = sizes(at)
    each, depth = count // groups, channels // groups * taps
    ld = whole(each, lanes(pointer(x)))
    room, turned = aligned(images * image * copied, x), aligned(images * places * ld, x)
    sums = aligned(groups * lines.size * ld, x)
    room[:], turned[:], sums[:] = 0, 0, 0
    for n in range(0, len(x), images):
        add_images(offset(pointer(x), n * channels * area), offset(pointer(g), n * count * places),
                   min(images, len(x) - n), pointer(at), pointer(lines), first, last,
                   pointer(starts), pointer(room), pointer(turned), pointer(sums))
    for k in range(groups):
        transpose(offset(pointer(sums), (k * lines.size + first) * ld), ld,
                  min(last, depth) - first, each,
                  offset(pointer(out), k * each * depth + first), depth)
    keep(room)
    keep(turned)
    keep(sums)


@entry
def into(x, g, at, lines, starts, out):
    """``out[o,c,tap] = sum over n and places of g[n,o,place] · x[n,c,place and tap]``."""
    place(x, g, at, lines, starts, out, 0, lines.size)


@entry(parallel=True)
def into_parts(x, g, at, lines, starts, out, parts):
    """The same by several threads, each for some rows of the tiles."""
    for p in prange(parts):
        first, last = share(lines.size // ROWS, parts, p)
        if first < last:
            place(x, g, at, lines, starts, out, first * ROWS, last * ROWS)
