"""Matrices transposed, one or many: number by number, block by block, square by square."""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.checks import floats, told
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import aligned, copy_rows, transpose
from aisys_lab.kernels.vector import keep, offset, pointer, size_of

BLOCK = 64  # rows and columns that are transposed at a time


@entry(fastmath=False)
def naive(x, out):
    """for each matrix: for i: for j: out[j,i] = x[i,j]"""
    for b in range(x.shape[0]):
        for i in range(x.shape[1]):
            for j in range(x.shape[2]):
                out[b, j, i] = x[b, i, j]


@entry(fastmath=False)
def blocked(x, out):
    """In blocks whose rows of x and of out stay in the first cache until they are used up."""
    count, m, n = x.shape
    for b in range(count):
        for i in range(0, m, BLOCK):
            for j in range(0, n, BLOCK):
                for k in range(i, min(i + BLOCK, m)):
                    for l in range(j, min(j + BLOCK, n)):  # noqa: E741
                        out[b, l, k] = x[b, k, l]


@part
def meets(n, p):
    """Whether lines of n numbers lie so that they meet in a few sets of the cache."""
    return n * size_of(p) % 1024 == 0


@native
def matrix(p, m, n, to, room):
    """One matrix [m,n]; where lines meet in the cache, a block is transposed aside and its lines
    are then written as a whole."""
    aside = meets(m, p) or meets(n, p)
    for i in range(0, m, BLOCK):
        for j in range(0, n, BLOCK):
            high, wide = min(BLOCK, m - i), min(BLOCK, n - j)
            source, out = offset(p, i * n + j), offset(to, j * m + i)
            if aside:
                transpose(source, n, high, wide, room, BLOCK)
                copy_rows(room, BLOCK, wide, high, out, m)
            else:
                transpose(source, n, high, wide, out, m)


@entry
def squares(x, out):
    """In blocks of squares as wide as a register, which turn inside registers."""
    count, m, n = x.shape
    room = aligned(BLOCK * BLOCK, out)
    for b in range(count):
        matrix(offset(pointer(x), b * m * n), m, n, offset(pointer(out), b * m * n), pointer(room))
    keep(room)


def by_loop(loop):
    """A rung of a loop over matrices [count,m,n] in C order."""
    def rung(x):
        count, (m, n) = math.prod(x.shape[:-2]), x.shape[-2:]
        out = np.empty(x.shape[:-2] + (n, m), x.dtype)
        loop(np.ascontiguousarray(x).reshape(count, m, n), out.reshape(count, n, m))
        return out
    rung.__doc__, rung.loop = loop.py_func.__doc__, loop
    return rung


ladder("transpose2d", naive=by_loop(naive), blocked=by_loop(blocked), squares=by_loop(squares))


def transpose2d(x, kernel="squares"):
    """Matrices f32 or f64 [..., m,n] as [..., n,m], in C order."""
    x, = floats("transpose2d", x=x)
    if x.ndim < 2:
        raise LabError(f"transpose2d: x has 2 axes or more, got {told(x)}.")
    return KERNELS["transpose2d"][kernel](x)
