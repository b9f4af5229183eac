"""Pieces of attention kernels: how working memory is laid out, and copies into it and out of it."""

import math

from aisys_lab.kernels.block import ROWS, VECTORS
from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.moves import LINE
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.vector import (
    lanes,
    load,
    load_part,
    offset,
    pointer,
    size_of,
    splat,
    store,
    store_part,
)

LOG2E = math.log2(math.e)


@part
def wide(p):
    """Columns of a tile."""
    return VECTORS * lanes(p)


@part
def line(count, p):
    """``count`` numbers, filled up to whole tiles and to an odd number of cache lines, so that
    lines that lie so far apart do not meet in one set of the cache."""
    each = LINE // size_of(p)
    return (-(-whole(count, wide(p)) // each) | 1) * each


@part
def head_of(x, b, h):
    """The address of a head of a 4-d array."""
    return offset(pointer(x), (b * x.strides[0] + h * x.strides[1]) // x.itemsize)


@part
def apart(x):
    """Numbers from token to token of a 4-d array."""
    return x.strides[2] // x.itemsize


@part
def clear(p, count):
    """Zeros in whole registers."""
    for j in range(0, count, lanes(p)):
        store(splat(p, 0), p, j)


@part
def scaled_line(p, count, factor, to):
    """``count`` numbers of whole registers times a vector."""
    w, full = lanes(p), count - count % lanes(p)
    for c in range(0, full, w):
        store(load(p, c) * factor, to, c)
    if full < count:
        store_part(load(p, full) * factor, to, full, count - full)


@native
def copy_scaled(p, ldp, rows, count, factor, to):
    """``rows`` lines of ``count`` numbers times a factor; zeros up to whole tiles."""
    w, ldto = lanes(p), line(count, p)
    full = count - count % w
    for i in range(rows):
        for j in range(0, full, w):
            store(load(p, i * ldp + j) * factor, to, i * ldto + j)
        if full < count:
            store(load_part(p, i * ldp + full, count - full, 0) * factor, to, i * ldto + full)
    for j in range(rows * ldto, whole(rows, ROWS) * ldto, w):
        store(splat(to, 0), to, j)


@native
def copy_panels(p, ldp, lines, count, to):
    """``lines`` of ``count`` numbers that lie together as panels a tile wide, with zeros."""
    w = lanes(p)
    for c in range(0, count, wide(p)):
        for j in range(lines):
            for x in range(c, c + wide(p), w):
                at = c * lines + j * wide(p) + x - c
                if x + w <= count:
                    store(load(p, j * ldp + x), to, at)
                else:
                    store(load_part(p, j * ldp + x, max(0, count - x), 0), to, at)
