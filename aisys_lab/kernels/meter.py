"""Loops that measure a machine: arithmetic alone, and memory alone.

What they do is counted from their text: ``chains`` 32 operations an element and pass, ``triad``
three values moved an element, ``read`` one value read an element.
"""

from numba import njit

from aisys_lab.kernels.isa import host
from aisys_lab.kernels.tile import chain, tile
from aisys_lab.kernels.vector import lanes, pointer, splat, total

CHAIN_FLOPS = 32  # an element and pass: 16 multiply-adds
TRIAD_VALUES = 3  # an element: two read, one written; a cache may also read what it overwrites
CONTRACT = {"contract"}  # a multiply and an add may fuse; nothing is re-associated


@njit(cache=True, nogil=True, fastmath=CONTRACT)
def four(v, a, b):
    """Four multiply-adds, each waiting for the one before."""
    v = v * a + b
    v = v * a + b
    v = v * a + b
    return v * a + b


@njit(cache=True, nogil=True, fastmath=CONTRACT)
def chains(x, a, b, passes):
    """Every element of ``x`` [4,n] becomes x·a + b sixteen times a pass.

    Four chains an iteration, and vector lanes along n, keep the multiply-add units busy while
    each waits for its own last result.
    """
    for _ in range(passes):
        for i in range(x.shape[1]):
            p, q, r, s = x[0, i], x[1, i], x[2, i], x[3, i]
            for _ in range(4):
                p, q, r, s = four(p, a, b), four(q, a, b), four(r, a, b), four(s, a, b)
            x[0, i], x[1, i], x[2, i], x[3, i] = p, q, r, s


@njit(cache=True, nogil=True, fastmath=CONTRACT)
def triad(out, b, c, scale, passes):
    """for i: out[i] = b[i] + scale * c[i]   (McCalpin's STREAM)"""
    for _ in range(passes):
        for i in range(out.size):
            out[i] = b[i] + scale * c[i]


@njit(cache=True, nogil=True)
def read(x, passes):
    """The sum of whole numbers ``x``, so many times over: one load an element, exact."""
    total = 0
    for _ in range(passes):
        for i in range(x.size):
            total += x[i]
    return total


SPINS = host().rows * host().vectors  # multiply-adds a pass: none waits for the one before it
spin_zero = tile(host().rows, host().vectors)[0]


@njit(nogil=True)
def spin(x, passes):
    """SPINS registers become v·x + x, ``passes`` times, without touching memory; the mean of the
    lanes of the first, which for x = 1/2 is 1 in the end."""
    p = pointer(x)
    half, values = splat(p, x[0]), spin_zero(p)
    for _ in range(passes):
        values = chain(values, half)
    out = values[0]
    for v in values[1:]:
        out = out + v
    return total(out) / (SPINS * lanes(p))
