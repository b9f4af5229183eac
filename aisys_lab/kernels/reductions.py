"""Sum, mean, largest number and its place, along an axis or over everything.

Arrays are [before, n, behind] in C order: where nothing lies behind the axis, each result is that
of a line; else whole lines are added up, or compared, side by side.
"""

import math

import numpy as np
from numba.extending import intrinsic

from aisys_lab.core import LabError
from aisys_lab.kernels.axes import array, axis_of, rows_of
from aisys_lab.kernels.checks import told
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import add_line, line_sum
from aisys_lab.kernels.moves import clear, copy_line
from aisys_lab.kernels.transposes import transpose2d
from aisys_lab.kernels.vector import (
    called,
    greatest,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    store,
    store_part,
    suffix,
)

WIDE = 2048  # numbers of a piece of a line: with its sums it stays in the first cache
BLOCK = 64  # lines whose sums are added up before they join the rest
PIECE = 256  # numbers among which the largest is looked for one by one


# ---- naive

@entry(fastmath=False)
def naive_sum(x, out):
    """out[a,b] = sum over i of x[a,i,b], in double precision"""
    for a in range(x.shape[0]):
        for b in range(x.shape[2]):
            sum = 0.0
            for i in range(x.shape[1]):
                sum += x[a, i, b]
            out[a, b] = sum


@entry(fastmath=False)
def naive_max(x, out):
    """out[a,b] = the largest x[a,i,b], or NaN if one is NaN"""
    for a in range(x.shape[0]):
        for b in range(x.shape[2]):
            top = x[a, 0, b]
            for i in range(x.shape[1]):
                if x[a, i, b] > top or x[a, i, b] != x[a, i, b]:
                    top = x[a, i, b]
            out[a, b] = top


@entry(fastmath=False)
def naive_argmax(x, out):
    """out[a,b] = the first i of the largest x[a,i,b], or of a NaN"""
    for a in range(x.shape[0]):
        for b in range(x.shape[2]):
            best = 0
            for i in range(x.shape[1]):
                y, top = x[a, i, b], x[a, best, b]
                if top == top and (y > top or y != y):
                    best = i
            out[a, b] = best


# ---- vectors

@native
def sum_lines(p, n, behind, sums, to):
    """``to``: the sum of n lines of ``behind`` numbers, piece by piece."""
    for j in range(0, behind, WIDE):
        wide, out = min(WIDE, behind - j), offset(to, j)
        clear(out, 1, wide, wide)
        for start in range(0, n, BLOCK):
            clear(sums, 1, wide, wide)
            for i in range(start, min(n, start + BLOCK)):
                add_line(offset(p, i * behind + j), wide, sums)
            add_line(sums, wide, out)


@entry
def vector_sum(x, out):
    """Lines, or side by side."""
    before, n, behind = x.shape
    room = np.empty(WIDE, x.dtype)
    for a in range(before):
        if behind == 1:
            out[a, 0] = line_sum(offset(pointer(x), a * n), n)
        else:
            sum_lines(offset(pointer(x), a * n * behind), n, behind, pointer(room),
                      offset(pointer(out), a * behind))
    keep(room)


@intrinsic
def top_lane(typing, v):
    """The largest lane, or NaN if one is NaN."""
    def build(context, builder, sig, args):
        kind = args[0].type
        return called(builder, f"llvm.vector.reduce.fmaximum.{suffix(kind)}", kind.element, args[0])
    return v.dtype(v), build


@part
def line_top(p, n):
    """The largest of n numbers, or NaN if one is NaN; minus infinity of none."""
    w, j = lanes(p), 0
    a = splat(p, -np.inf)
    b, c, d = a, a, a
    while j + 4 * w <= n:
        a = greatest(a, load(p, j))
        b = greatest(b, load(p, j + w))
        c = greatest(c, load(p, j + 2 * w))
        d = greatest(d, load(p, j + 3 * w))
        j += 4 * w
    a = greatest(greatest(a, b), greatest(c, d))
    while j + w <= n:
        a = greatest(a, load(p, j))
        j += w
    if j < n:
        a = greatest(a, load_part(p, j, n - j, -np.inf))
    return top_lane(a)


@part
def raise_line(p, n, to):
    """``to``: the larger of ``to`` and p, or NaN."""
    w, j = lanes(p), 0
    while j + w <= n:
        store(greatest(load(p, j), load(to, j)), to, j)
        j += w
    if j < n:
        left = n - j
        store_part(greatest(load_part(p, j, left, 0), load_part(to, j, left, 0)), to, j, left)


@native
def max_lines(p, n, behind, to):
    """``to``: the largest of n lines of ``behind`` numbers, number by number."""
    copy_line(p, to, behind)
    for j in range(0, behind, WIDE):
        for i in range(1, n):
            raise_line(offset(p, i * behind + j), min(WIDE, behind - j), offset(to, j))


@entry
def vector_max(x, out):
    """Lines, or side by side."""
    before, n, behind = x.shape
    for a in range(before):
        if behind == 1:
            out[a, 0] = line_top(offset(pointer(x), a * n), n)
        else:
            max_lines(offset(pointer(x), a * n * behind), n, behind,
                      offset(pointer(out), a * behind))


@native(fastmath=False)
def place_of_top(p, n):
    """Where the largest of n numbers is first, or the first NaN: the piece is found with vectors,
    the place in it one by one."""
    top, piece = line_top(p, min(PIECE, n)), 0
    for start in range(PIECE, n, PIECE):
        if top != top:
            break
        here = line_top(offset(p, start), min(PIECE, n - start))
        if here > top or here != here:
            top, piece = here, start
    for j in range(piece, min(piece + PIECE, n)):
        if p[j] == top or p[j] != p[j]:
            return j
    return piece


@entry
def vector_argmax(x, out):
    """Lines [count, n]."""
    for i in range(len(out)):
        out[i] = place_of_top(offset(pointer(x), i * x.shape[1]), x.shape[1])


# ---- verbs

def reduced(loop, dtype=None):
    """A rung of a loop: the axis is one, or None for all; the result has the others."""
    def rung(x, axis, keepdims):
        before, n, behind = parted(x.shape, axis)
        out = np.empty((before, behind), dtype or x.dtype)
        if out.size:
            loop(np.ascontiguousarray(x).reshape(before, n, behind), out)
        return out.reshape(kept(x.shape, axis, keepdims))[()]
    return rung


def by_lines(x, out):
    """Places of the largest, along lines: where there are none, x is transposed."""
    lines = rows_of(transpose2d(x)) if x.shape[2] > 1 else x.reshape(x.shape[:2])
    vector_argmax(lines, out.reshape(out.size))


def parted(shape, axis):
    """``(before, n, behind)`` of an axis, or of all."""
    if axis is None:
        return 1, math.prod(shape), 1
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1:])


def kept(shape, axis, keepdims):
    """The shape of a result."""
    if keepdims:
        return tuple(1 if axis in (None, k) else n for k, n in enumerate(shape))
    return () if axis is None else shape[:axis] + shape[axis + 1:]


ladder("sum", naive=reduced(naive_sum), vectors=reduced(vector_sum))
ladder("max", naive=reduced(naive_max), vectors=reduced(vector_max))
ladder("argmax", naive=reduced(naive_argmax, np.int64), vectors=reduced(by_lines, np.int64))


def sum(x, axis=None, keepdims=False, kernel="vectors"):
    """The sum of f32 or f64 along an axis, or of everything."""
    return _reduce("sum", x, axis, keepdims, kernel)


def mean(x, axis=None, keepdims=False, kernel="vectors"):
    """The sum, divided by how many numbers it is of; NaN of none."""
    x = array("mean", x)
    at = None if axis is None else axis_of("mean", x, axis)
    total, count = KERNELS["sum"][kernel](x, at, keepdims), parted(x.shape, at)[1]
    return total / x.dtype.type(count) if count else total + np.nan


def max(x, axis=None, keepdims=False, kernel="vectors"):
    """The largest number of f32 or f64 along an axis, or of all; NaN where one is NaN."""
    return _reduce("max", x, axis, keepdims, kernel, least=1)


def argmax(x, axis=None, keepdims=False, kernel="vectors"):
    """Where the largest number is first, along an axis or of all in C order; a NaN counts as the
    largest."""
    return _reduce("argmax", x, axis, keepdims, kernel, least=1)


def _reduce(op, x, axis, keepdims, kernel, least=0):
    x = array(op, x)
    at = None if axis is None else axis_of(op, x, axis)
    if parted(x.shape, at)[1] < least:
        raise LabError(f"{op}: there is no largest of no numbers, in {told(x)} along axis {axis}.")
    return KERNELS[op][kernel](x, at, keepdims)
