"""Batch norm where a channel is a column of a matrix [positions, channels] (NHWC).

The matrix is worked on in lines of several positions, so that narrow ones fill vectors too: what
belongs to a channel is repeated along a line, and sums along a line are folded at the end.
"""

import numpy as np

from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.lines import add_line
from aisys_lab.kernels.moves import aligned, clear
from aisys_lab.kernels.vector import (
    fma,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    store,
    store_part,
)

WIDE = 64  # numbers of a line, at least
BLOCK = 64  # lines whose sums are added up before they join the rest


def repeats(channels):
    """How many positions make a line."""
    return -(-WIDE // channels)


@part(fastmath=False)
def add_distances(p, n, means, to):
    """``to += p - means``"""
    w, j = lanes(p), 0
    while j + w <= n:
        store(load(to, j) + (load(p, j) - load(means, j)), to, j)
        j += w
    if j < n:
        s = load_part(p, j, n - j, 0) - load_part(means, j, n - j, 0)
        store_part(load_part(to, j, n - j, 0) + s, to, j, n - j)


@part
def add_squares(p, n, means, to):
    """``to += (p - means)²``"""
    w, j = lanes(p), 0
    while j + w <= n:
        s = load(p, j) - load(means, j)
        store(fma(s, s, load(to, j)), to, j)
        j += w
    if j < n:
        s = load_part(p, j, n - j, 0) - load_part(means, j, n - j, 0)
        store_part(fma(s, s, load_part(to, j, n - j, 0)), to, j, n - j)


@part
def add_products(g, p, n, means, to):
    """``to += g · (p - means)``"""
    w, j = lanes(p), 0
    while j + w <= n:
        store(fma(load(g, j), load(p, j) - load(means, j), load(to, j)), to, j)
        j += w
    if j < n:
        left = n - j
        s = load_part(p, j, left, 0) - load_part(means, j, left, 0)
        store_part(fma(load_part(g, j, left, 0), s, load_part(to, j, left, 0)), to, j, left)


@native
def column_sums(g, p, count, width, means, kind, sums, totals):
    """Adds to a line of totals: 0: p - means, 1: (p - means)², 2: g · (p - means)."""
    for block in range(0, count, BLOCK * width):
        clear(sums, 1, width, width)
        for at in range(block, min(count, block + BLOCK * width), width):
            n, line = min(width, count - at), offset(p, at)
            if kind == 0:
                add_distances(line, n, means, sums)
            elif kind == 1:
                add_squares(line, n, means, sums)
            else:
                add_products(offset(g, at), line, n, means, sums)
        add_line(sums, width, totals)


@native
def affine_columns(p, count, width, means, scales, shifts, to):
    """``to = (p - means) · scales + shifts``"""
    w = lanes(p)
    for at in range(0, count, width):
        n, line, out, j = min(width, count - at), offset(p, at), offset(to, at), 0
        while j + w <= n:
            s = load(line, j) - load(means, j)
            store(fma(s, load(scales, j), load(shifts, j)), out, j)
            j += w
        if j < n:
            s = load_part(line, j, n - j, 0) - load_part(means, j, n - j, 0)
            store_part(fma(s, load_part(scales, j, n - j, 0), load_part(shifts, j, n - j, 0)), out,
                       j, n - j)


@native
def blend_columns(g, p, count, width, means, scales, slopes, shifts, to):
    """``to = g · scales + (p - means) · slopes + shifts``"""
    w = lanes(p)
    for at in range(0, count, width):
        n, j = min(width, count - at), 0
        up, line, out = offset(g, at), offset(p, at), offset(to, at)
        while j + w <= n:
            s = fma(load(line, j) - load(means, j), load(slopes, j), load(shifts, j))
            store(fma(load(up, j), load(scales, j), s), out, j)
            j += w
        if j < n:
            k = n - j
            s = load_part(line, j, k, 0) - load_part(means, j, k, 0)
            s = fma(s, load_part(slopes, j, k, 0), load_part(shifts, j, k, 0))
            store_part(fma(load_part(up, j, k, 0), load_part(scales, j, k, 0), s), out, j, k)


# ---- entries: matrices as one line of numbers; values repeated along lines

@entry
def sums_of(g, x, means, kind, totals):
    """A line of sums over all lines, added to totals."""
    sums, width = aligned(len(totals), x), len(totals)
    column_sums(pointer(g), pointer(x), x.size, width, pointer(means), kind, pointer(sums),
                pointer(totals))
    keep(sums)


@entry
def affine(x, means, scales, shifts, out):
    """``out = (x - means) · scales + shifts``"""
    affine_columns(pointer(x), x.size, len(means), pointer(means), pointer(scales),
                   pointer(shifts), pointer(out))


@entry
def blend(g, x, means, scales, slopes, shifts, out):
    """``out = g · scales + (x - means) · slopes + shifts``"""
    blend_columns(pointer(g), pointer(x), x.size, len(means), pointer(means), pointer(scales),
                  pointer(slopes), pointer(shifts), pointer(out))


def sums(kind, times, g, x, means):
    """Sums of channels, in double precision."""
    totals = np.zeros(times * len(means), x.dtype)
    sums_of(g, x, np.tile(means, times), kind, totals)
    return totals.reshape(times, -1).sum(0, dtype=np.float64)


def lines(times, dtype, *values):
    """Numbers of channels, repeated along a line."""
    return [np.tile(v.astype(dtype), times) for v in values]
