"""Largest entries of windows of images f[N,C,H,W], plane by plane, and where gradients go."""

from numba import prange

from aisys_lab.kernels.conv.correlate import lay_strip, load_strip, strip_at
from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.conv.planes import STRIP, collect, room_of, spread
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.vector import (
    greatest,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    store,
    where_equal,
)

LOWEST = float("-inf")  # of pads: they never win against a number


@part
def greatest_strip(strip, other):
    """The larger of both, vector by vector."""
    (a, b, c, d), (w, x, y, z) = strip, other
    return greatest(a, w), greatest(b, x), greatest(c, y), greatest(d, z)


@native
def largest(p, pitch, offsets, taps, rows, columns, to, end):
    """``to[i·columns + j] = the largest of p[offsets[t] + i·pitch + j]`` over all taps t; NaN if
    one of them is. A vector may reach over the end of a line, up to ``end`` numbers from ``to``."""
    for i in range(0, rows, STRIP):
        row = strip_at(i, rows, STRIP)
        for j in range(0, columns, lanes(p)):
            column = strip_at(j, columns, lanes(p))
            first, at = offset(p, row * pitch + column), row * columns + column
            strip = load_strip(offset(first, offsets[0]), pitch)
            for t in range(1, taps):
                strip = greatest_strip(strip, load_strip(offset(first, offsets[t]), pitch))
            lay_strip(strip, offset(to, at), columns, rows - row, end - at)


@native
def lay_down(p, pitch, offsets, taps, rows, columns, g, to):
    """``to`` (planes like p) gets ``g[i,j]`` added where the first of the largest entries of window
    (i, j) lies; nothing of a window with NaN."""
    for i in range(rows):
        for j in range(0, columns, lanes(p)):
            count, first = min(lanes(p), columns - j), i * pitch + j
            top = load(p, offsets[0] + first)
            for t in range(1, taps):
                top = greatest(top, load(p, offsets[t] + first))
            left, none = load_part(g, i * columns + j, count, 0), splat(p, 0)
            for t in range(taps):
                at = offsets[t] + first
                v = load(p, at)
                store(load(to, at) + where_equal(v, top, left, none), to, at)
                left = where_equal(v, top, none, left)


@part
def place(x, at, offsets, out, first, last):
    """Planes ``first`` to ``last - 1``."""
    room, image, places = room_of(at, x, LOWEST), at[0] * at[1], at[8] * at[9]
    for i in range(first, last):
        spread(offset(pointer(x), i * image), pointer(at), LOWEST, pointer(room))
        largest(pointer(room), at[6], pointer(offsets), offsets.size, at[8], at[9],
                offset(pointer(out), i * places), (last - i) * places)
    keep(room)


@entry
def into(x, at, offsets, out):
    """The largest entry of each window."""
    place(x, at, offsets, out, 0, x.shape[0] * x.shape[1])


@entry(parallel=True)
def into_parts(x, at, offsets, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * x.shape[1], parts, p)
        place(x, at, offsets, out, first, last)


@part
def place_back(g, x, at, offsets, out, first, last):
    """Planes ``first`` to ``last - 1``."""
    room, planes = room_of(at, x, LOWEST), room_of(at, x, 0)
    image, places = at[0] * at[1], at[8] * at[9]
    for i in range(first, last):
        planes[:] = 0
        spread(offset(pointer(x), i * image), pointer(at), LOWEST, pointer(room))
        lay_down(pointer(room), at[6], pointer(offsets), offsets.size, at[8], at[9],
                 offset(pointer(g), i * places), pointer(planes))
        collect(pointer(planes), pointer(at), offset(pointer(out), i * image), (last - i) * image)
    keep(room)
    keep(planes)


@entry
def back(g, x, at, offsets, out):
    """The gradient of x: each g at the first of the largest entries of its window, summed."""
    place_back(g, x, at, offsets, out, 0, x.shape[0] * x.shape[1])


@entry(parallel=True)
def back_parts(g, x, at, offsets, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * x.shape[1], parts, p)
        place_back(g, x, at, offsets, out, first, last)
