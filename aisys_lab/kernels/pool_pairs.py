"""Largest entries of windows of 2 x 2 that lie side by side, the most common ones: two lines of an
image f[N,C,H,W] at a time, without copies.

A vector may reach over the end of a line: what it holds there is computed too, and written over by
the line that follows.
"""

from numba import prange

from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.conv.planes import joined, lay, parted
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.vector import (
    greatest,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    where_equal,
)


@part
def take(p, i, end):
    """The vector at i, or as much of it as lies before ``end``."""
    return load(p, i) if i + lanes(p) <= end else load_part(p, i, max(0, end - i), 0)


@part
def take_pairs(p, i, end):
    """``(entries i, i + 2, …; entries i + 1, i + 3, …)``: a vector of each."""
    return parted(take(p, i, end), take(p, i + lanes(p), end))


@part
def lay_pairs(even, odd, p, i, end):
    """The way back."""
    two = joined(even, odd)
    lay(two[0], p, i, end)
    if i + lanes(p) < end:
        lay(two[1], p, i + lanes(p), end)


@part
def column_at(j, columns, lane):
    """Where the vector of windows that begins at ``j`` is computed: the last one further back."""
    return max(0, min(j, columns - lane))


# ---- forward

@native
def largest(x, wide, rows, columns, end, to, room):
    """``to[i,j] = the largest of x[2·i, 2·j] and the three next to it``, NaN if one is; ``end`` and
    ``room`` are the numbers of x and of ``to`` that there are."""
    for i in range(rows):
        for j in range(0, columns, lanes(x)):
            column = column_at(j, columns, lanes(x))
            at = 2 * (i * wide + column)
            (a, b), (c, d) = take_pairs(x, at, end), take_pairs(x, at + wide, end)
            lay(greatest(greatest(a, b), greatest(c, d)), to, i * columns + column, room)


@part
def place(x, out, first, last):
    """Planes ``first`` to ``last - 1``."""
    (_, _, high, wide), (_, _, rows, columns) = x.shape, out.shape
    image, places = high * wide, rows * columns
    for i in range(first, last):
        largest(offset(pointer(x), i * image), wide, rows, columns, (last - i) * image,
                offset(pointer(out), i * places), (last - i) * places)


@entry
def into(x, out):
    """The largest entry of each window."""
    place(x, out, 0, x.shape[0] * x.shape[1])


@entry(parallel=True)
def into_parts(x, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * x.shape[1], parts, p)
        place(x, out, first, last)


# ---- the way back

@part
def to_first(g, none, a, b, c, d):
    """``g`` in place of the first of four vectors that holds the largest number, ``none`` in place
    of the others; of all, where that is NaN."""
    top = greatest(greatest(a, b), greatest(c, d))
    left = where_equal(a, top, none, g)
    more = where_equal(b, top, none, left)
    return (where_equal(a, top, g, none), where_equal(b, top, left, none),
            where_equal(c, top, more, none),
            where_equal(d, top, where_equal(c, top, none, more), none))


@native
def lay_down(g, room, x, high, wide, rows, columns, end, to):
    """``to`` (like x) gets ``g[i,j]`` where the first of the largest entries of window (i, j) lies,
    and 0 elsewhere; nothing of a window with NaN."""
    for i in range(rows):
        upper, lower = 2 * i * wide, (2 * i + 1) * wide
        for j in range(0, columns, lanes(x)):
            column = column_at(j, columns, lanes(x))
            at, under = upper + 2 * column, lower + 2 * column
            (a, b), (c, d) = take_pairs(x, at, end), take_pairs(x, under, end)
            a, b, c, d = to_first(take(g, i * columns + column, room), splat(x, 0), a, b, c, d)
            lay_pairs(a, b, to, at, end)
            lay_pairs(c, d, to, under, end)
        if wide % 2:
            to[lower - 1] = to[lower + wide - 1] = 0
    for i in range(2 * rows * wide, high * wide):
        to[i] = 0


@part
def place_back(g, x, out, first, last):
    """Planes ``first`` to ``last - 1``."""
    (_, _, high, wide), (_, _, rows, columns) = x.shape, g.shape
    image, places = high * wide, rows * columns
    for i in range(first, last):
        lay_down(offset(pointer(g), i * places), (last - i) * places,
                 offset(pointer(x), i * image), high, wide, rows, columns, (last - i) * image,
                 offset(pointer(out), i * image))


@entry
def back(g, x, out):
    """The gradient of x: each g at the first of the largest entries of its window."""
    place_back(g, x, out, 0, x.shape[0] * x.shape[1])


@entry(parallel=True)
def back_parts(g, x, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * x.shape[1], parts, p)
        place_back(g, x, out, first, last)
