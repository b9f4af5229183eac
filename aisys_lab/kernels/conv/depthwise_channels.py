"""Depthwise convolution of images f[N,H,W,C]: a register tile of places times channels.

    for a line of the result, for a few places side by side
        for a block of channels, as many as a cache line holds
            for each tap: one line of weights times as many lines of the image as there are places

Where a window reaches over the edge of the image, its place is computed alone, from the taps that
lie inside. Weights are packed in the order in which they are read.
"""

from numba import prange

from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.conv.windows import window_tile
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import copy_rows
from aisys_lab.kernels.vector import (
    fma,
    lanes,
    load_part,
    maximum,
    minimum,
    offset,
    pointer,
    prefetch,
    splat,
    store_part,
)

PLACES, VECTORS = 5, 2  # ten registers of sums, three of weights, one of the image


# ---- blocks of channels: those of a cache line, then single vectors; the last one further back

@part
def block(c, channels, lane):
    """``(first, numbers)`` of the block at c; there are as many channels as a vector has lanes."""
    if channels - c >= VECTORS * lane:
        return c, VECTORS * lane
    return min(c, channels - lane), lane


@native
def pack_taps(w, taps, channels, to):
    """The weights [taps, C], block by block."""
    c, lane = 0, lanes(w)
    while c < channels:
        first, count = block(c, channels, lane)
        copy_rows(offset(w, first), channels, taps, count, to, count)
        to, c = offset(to, taps * count), c + count


def block_of(places, vectors):
    """A piece of code: one block of so many places side by side."""
    begin, step, step_near, write = window_tile(places, vectors)

    @part
    def place(x, next, down, along, w, rows, columns, each, near, bias, ends, to, channels):
        """``rows`` times ``columns`` taps; lines of the window lie ``down`` apart, columns
        ``along`` and places ``next``, and lines of weights ``each`` taps."""
        acc, count = begin(bias), vectors * lanes(x)
        for k in range(rows):
            line, v = offset(x, k * down), offset(w, k * each * count)
            if near:
                acc = step_near(acc, line, next, v)
            else:
                for i in range(columns):
                    acc = step(acc, offset(line, i * along), next, offset(v, i * count))
        write(acc, ends, to, channels)
    return place


begin, _, step_near, write = window_tile(PLACES, VECTORS)
strip_wide, strip_single = block_of(PLACES, VECTORS), block_of(PLACES, 1)
window_wide, window_single = block_of(1, VECTORS), block_of(1, 1)


@part
def expect(p, last, next):
    """The pixels that the next strip meets first, behind the ``last`` one, are on their way."""
    for i in range(PLACES, 2 * PLACES):
        prefetch(p, last + i * next)


@native
def place_three(x, next, down, w, bias, ends, channels, to):
    """A strip of places whose windows are 3 x 3 neighbours and lie in the image, written out: all
    whole blocks of channels. Returns how many channels that are."""
    c, wide = 0, VECTORS * lanes(x)
    while c + wide <= channels:
        p, q = offset(x, c), offset(w, 9 * c)
        expect(p, 2 * down + 2 * next, next)
        acc = step_near(begin(offset(bias, c)), p, next, q)
        acc = step_near(acc, offset(p, down), next, offset(q, 3 * wide))
        acc = step_near(acc, offset(p, 2 * down), next, offset(q, 6 * wide))
        write(acc, ends, offset(to, c), channels)
        c += wide
    return c


@native
def place_strip(x, next, down, along, w, taps, first, rows, columns, each, near, bias, ends,
                channels, to):
    """All channels of a strip of places, whose windows lie in the image."""
    c, lane = 0, lanes(x)
    if near and rows == 3 and taps == 9:
        c = place_three(x, next, down, w, bias, ends, channels, to)
        w = offset(w, 9 * c)
    while c < channels:
        at, count = block(c, channels, lane)
        p, q, b, o = offset(x, at), offset(w, first * count), offset(bias, at), offset(to, at)
        expect(p, (rows - 1) * down + (columns - 1) * along, next)
        if count > lane:
            strip_wide(p, next, down, along, q, rows, columns, each, near, b, ends, o, channels)
        else:
            strip_single(p, next, down, along, q, rows, columns, each, near, b, ends, o, channels)
        w, c = offset(w, taps * count), c + count


@native
def place_window(x, down, along, w, taps, first, rows, columns, each, bias, ends, channels, to):
    """All channels of one place, from ``rows`` times ``columns`` taps."""
    c, lane = 0, lanes(x)
    while c < channels:
        at, count = block(c, channels, lane)
        p, q, b, o = offset(x, at), offset(w, first * count), offset(bias, at), offset(to, at)
        if count > lane:
            window_wide(p, 0, down, along, q, rows, columns, each, False, b, ends, o, channels)
        else:
            window_single(p, 0, down, along, q, rows, columns, each, False, b, ends, o, channels)
        w, c = offset(w, taps * count), c + count


@native
def place_narrow(x, down, along, w, rows, columns, each, bias, ends, channels, to):
    """One place of fewer channels than a vector has lanes; w as it is."""
    sum = load_part(bias, 0, channels, 0)
    for k in range(rows):
        for i in range(columns):
            v = load_part(w, (k * each + i) * channels, channels, 0)
            sum = fma(load_part(x, k * down + i * along, channels, 0), v, sum)
    low, high = splat(x, ends[0]), splat(x, ends[1])
    store_part(minimum(high, maximum(low, sum)), to, 0, channels)  # NaN stays


# ---- lines of the result

@part
def clip(first, taps, dilation, size):
    """``(from, to)``: the taps of a window that begins at ``first`` which lie in an axis."""
    return (-(first // dilation) if first < 0 else 0,
            max(0, min(taps, (size - first - 1) // dilation + 1)))


@native
def place_line(x, at, line, w, bias, ends, to):
    """One line of the result of one image; ``at`` as ``numbers_of`` makes it."""
    high, wide, c, kh, kw = at[0], at[1], at[2], at[3], at[4]
    first = line * at[5] - at[7]
    top, bottom = clip(first, kh, at[9], high)
    down, along, next, rows = at[9] * wide * c, at[10] * c, at[6] * c, max(0, bottom - top)
    source = offset(x, (first + top * at[9]) * wide * c - at[8] * c)
    near, start, stop, j = kw == 3 and next == along == c, at[13], at[14], 0
    while j < at[12]:
        if start <= j < stop:
            j = min(j, stop - PLACES)
            place_strip(offset(source, j * next), next, down, along, w, kh * kw, top * kw, rows, kw,
                        kw, near, bias, ends, c, offset(to, j * c))
            j += PLACES
            continue
        left, right = clip(j * at[6] - at[8], kw, at[10], wide)
        p, columns, tap = offset(source, j * next + left * along), right - left, top * kw + left
        if c >= lanes(x):
            place_window(p, down, along, w, kh * kw, tap, rows, columns, kw, bias, ends, c,
                         offset(to, j * c))
        else:
            place_narrow(p, down, along, offset(w, tap * c), rows, columns, kw, bias, ends, c,
                         offset(to, j * c))
        j += 1


@part
def place(x, w, bias, ends, at, out, first, last):
    """Lines ``first`` to ``last - 1`` of the results of all images, one after the other."""
    image, line = at[0] * at[1] * at[2], at[12] * at[2]
    for i in range(first, last):
        place_line(offset(pointer(x), i // at[11] * image), pointer(at), i % at[11], pointer(w),
                   pointer(bias), pointer(ends), offset(pointer(out), i * line))


@entry
def packed(w, to):
    """Weights f[KH,KW,C] in blocks, in ``to``."""
    kh, kw, c = w.shape
    pack_taps(pointer(w), kh * kw, c, pointer(to))


@entry
def into(x, w, bias, ends, at, out):
    """``out[n,i,j,c] = bias[c] + sum over taps of w[tap,c] * x[n, i and tap, j and tap, c]``,
    clamped to the ends; ``at`` as ``numbers_of`` makes it."""
    place(x, w, bias, ends, at, out, 0, x.shape[0] * at[11])


@entry(parallel=True)
def into_parts(x, w, bias, ends, at, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * at[11], parts, p)
        place(x, w, bias, ends, at, out, first, last)
