"""Depthwise and pointwise convolution in one pass: what the first makes of a few lines is
multiplied while it is in the cache, and never lies in memory as a whole.

    for a block of lines of the result
        the depthwise convolution of these lines, activated, in working memory
        times the pointwise weights: a block of a matrix product
"""

from numba import prange

from aisys_lab.kernels.block import VECTORS
from aisys_lab.kernels.conv.correlate import correlate
from aisys_lab.kernels.conv.depthwise_channels import place_line
from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.conv.planes import room_of, spread
from aisys_lab.kernels.conv.pointwise_images import add_down
from aisys_lab.kernels.epilogue import NONE, PLAIN
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.packed import blocks, product, room_for
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
)

PIXELS = 168  # of a block, or those of one line: whole tiles, in the second cache with the weights


@part
def even(lines, columns):
    """The lines of a block: blocks of up to PIXELS, and all alike."""
    return -(-lines // -(-lines * columns // PIXELS)) if columns < PIXELS else 1


# ---- f[N,H,W,C]: the block is the left side of the product, the weights are packed

@part
def place(x, wd, bias, ends, at, panels, added, out, first, last):
    """Lines ``first`` to ``last - 1`` of the results of all images, one after the other."""
    (_, _, columns, count), channels, image = out.shape, at[2], at[0] * at[1] * at[2]
    lines = even(last - first, columns)
    middle = aligned(lines * columns * channels, x)
    room = aligned(sum(room_for(lines * columns, count, channels, VECTORS * lanes(pointer(x)))), x)
    for i in range(first, last, lines):
        some = min(lines, last - i)
        for j in range(i, i + some):
            place_line(offset(pointer(x), j // at[11] * image), pointer(at), j % at[11],
                       pointer(wd), pointer(bias), pointer(ends),
                       offset(pointer(middle), (j - i) * columns * channels))
        to = offset(pointer(out), i * columns * count)
        blocks(some * columns, count, channels, pointer(middle), channels, 1, pointer(panels), 0, 0,
               True, to, count, PLAIN if added.size else NONE, pointer(added), added.size > 0, to,
               0, False, pointer(room))
    keep(middle)
    keep(room)


@entry
def into(x, wd, bias, ends, at, panels, added, out):
    """``out[n,i,j,o] = added[o] + sum over c of wp[c,o] · (what ``depthwise_channels.into`` makes
    of x, wd and bias)``; ``panels`` of wp, and nothing is added if ``added`` is empty."""
    place(x, wd, bias, ends, at, panels, added, out, 0, len(x) * at[11])


@entry(parallel=True)
def into_parts(x, wd, bias, ends, at, panels, added, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(x) * at[11], parts, p)
        if first < last:
            place(x, wd, bias, ends, at, panels, added, out, first, last)


# ---- f[N,C,H,W]: the block is the right side of the product

@native
def bound(p, count, ends):
    """Each number, or the nearest end; NaN stays. Up to a whole vector may be touched."""
    low, high = splat(p, ends[0]), splat(p, ends[1])
    for i in range(0, count, lanes(p)):
        store(minimum(high, maximum(low, load(p, i))), p, i)


@part
def cut(at, i, some, reach, here):
    """Makes ``here`` the numbers of what lines i to i + some - 1 of a result meet in an image, and
    returns its first line."""
    first = i * at[4] - at[2]
    last, begin = first + (some - 1) * at[4] + reach, max(0, first)
    here[0], here[2], here[8] = max(0, min(at[0], last + 1) - begin), max(0, -first), some
    return begin


@part
def place_image(x, wd, bias, ends, at, here, reach, offsets, wp, added, out, middle, planes, room):
    """One image; ``here`` has room for ``at`` of the part of it that a block meets."""
    channels, count, (rows, columns), taps = len(wd), len(wp), (at[8], at[9]), offsets.size
    lines = even(rows, columns)
    for i in range(0, rows, lines):
        some = min(lines, rows - i)
        area, to, first = some * columns, offset(out, i * columns), cut(at, i, some, reach, here)
        planes[:] = 0
        for c in range(channels):
            spread(offset(x, (c * at[0] + first) * at[1]), pointer(here), 0, pointer(planes))
            correlate(pointer(planes), at[6], pointer(offsets), offset(pointer(wd), c * taps), taps,
                      bias[c], some, columns, offset(pointer(middle), c * area), columns,
                      (channels - c) * area)
        bound(pointer(middle), channels * area, pointer(ends))
        product(count, area, channels, pointer(wp), channels, 1, pointer(middle), area, 1, to,
                rows * columns, pointer(room))
        if added.size:
            add_down(to, count, area, rows * columns, pointer(added))


@part
def place_first(x, wd, bias, ends, at, reach, offsets, wp, added, out, first, last):
    """Images ``first`` to ``last - 1``."""
    channels, count, area = len(wd), len(wp), even(at[8], at[9]) * at[9]
    lane = lanes(pointer(x))
    middle, planes = aligned(channels * area + lane, x), room_of(at, x, 0)
    room = aligned(sum(room_for(count, area, channels, VECTORS * lane)), x)
    here = at.copy()
    for n in range(first, last):
        place_image(offset(pointer(x), n * channels * at[0] * at[1]), wd, bias, ends, at, here,
                    reach, offsets, wp, added, offset(pointer(out), n * count * at[8] * at[9]),
                    middle, planes, room)


@entry
def into_first(x, wd, bias, ends, at, reach, offsets, wp, added, out):
    """The same of images with channels first, wd f[C,KH,KW] and wp f[O,C]; ``at`` and ``offsets``
    of the planes of x, and ``reach`` lines from the first to the last tap."""
    place_first(x, wd, bias, ends, at, reach, offsets, wp, added, out, 0, len(x))


@entry(parallel=True)
def into_first_parts(x, wd, bias, ends, at, reach, offsets, wp, added, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(x), parts, p)
        place_first(x, wd, bias, ends, at, reach, offsets, wp, added, out, first, last)
