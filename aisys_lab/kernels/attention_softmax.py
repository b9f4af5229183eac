"""Rows of scores become weights: powers of two, and a softmax that meets its row block by block.

Scores carry the factor log2(e) (their queries were multiplied by it), so that a weight is 2**score.
Milakov and Gimelshein 2018, Online normalizer calculation for softmax (arXiv:1805.02867).
"""

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.bits import SHAPES, constant, polynomial
from aisys_lab.kernels.jit import part
from aisys_lab.kernels.vector import (
    lanes,
    largest,
    load,
    maximum,
    size_of,
    splat,
    store,
)

LOWEST = tuple(float(np.finfo(dtype).min) for dtype in (np.float32, np.float64))


def interpolant(degree):
    """Coefficients, constant first, of the polynomial that meets 2**t in the Chebyshev nodes of
    -1/2 to 1/2."""
    fit = np.polynomial.Chebyshev.interpolate(np.exp2, degree, [-0.5, 0.5])
    return tuple(map(float, fit.convert(kind=np.polynomial.Polynomial).coef))


near_one = polynomial(interpolant(5), interpolant(11))  # relative errors of 1e-7 and 1e-16
bottom = constant(-127.0, -1023.0)  # the power of two that stands for 0


@intrinsic
def whole_power(typing, x):
    """``(n, 2**n)`` with the nearest whole number n, for x from the bottom to 0.

    The sum with 1.5 · 2**23 + 127 (f32) has no place for a fraction and ends in the bits of
    n + 127, which a shift puts into the exponent. No instruction may be re-associated.
    """
    fraction, bias = SHAPES[x.dtype.bitwidth]

    def build(context, builder, sig, args):
        bits = ir.VectorType(ir.IntType(x.dtype.bitwidth), x.lanes)
        shift = ir.Constant(x.ir, [1.5 * 2 ** fraction + bias] * x.lanes)
        shifted = builder.fadd(args[0], shift, flags=("nsz",))
        power = builder.shl(builder.bitcast(shifted, bits), ir.Constant(bits, [fraction] * x.lanes))
        n = builder.fsub(shifted, shift, flags=("nsz",))
        return context.make_tuple(builder, sig.return_type, [n, builder.bitcast(power, x.ir)])
    return types.UniTuple(x, 2)(x), build


@part
def power(x):
    """2**x for x of 0 or less; 0 where it is less than the smallest normal number; NaN stays.

    Shorter than ``functions.decay``, which has the factor log2(e) still to do.
    """
    x = maximum(bottom(x), x)
    n, scale = whole_power(x)
    return near_one(x - n) * scale


@part
def lowest(p):
    """The least number of the dtype that ``p`` points to: less than it is only minus infinity."""
    return LOWEST[0] if size_of(p) == 4 else LOWEST[1]


@part
def hide(p, lds, rows, count, first, step):
    """Minus infinity behind the ``first + r · step`` scores that row r sees (``count`` at most), up
    to the end of a register."""
    for r in range(rows):
        seen = min(count, max(0, first + r * step))
        if seen % lanes(p):
            store(splat(p, -np.inf), p, r * lds + seen)


@part
def peak(p, count, least):
    """The largest of ``count`` numbers, filled up to whole registers, and ``least``; NaN is passed
    over."""
    high = splat(p, least)
    for j in range(0, count, lanes(p)):
        high = maximum(load(p, j), high)
    return largest(high)


@part
def weigh(p, count, high):
    """``p[j] = 2**(p[j] - high)``, and their sum, lane by lane."""
    top, sums = splat(p, high), splat(p, 0)
    for j in range(0, count, lanes(p)):
        weight = power(load(p, j) - top)
        store(weight, p, j)
        sums += weight
    return sums


@part
def soften(p, count, more, before, now, total, out, e):
    """A row's next ``count`` scores become weights relative to ``now``, the largest score so far;
    where there are ``more``, summed relative to ``before`` in ``total`` and ``out``, these are made
    relative to it too."""
    sums = weigh(p, count, now)
    if more:
        factor = power(splat(p, before) - splat(p, now))
        sums += load(total, 0) * factor
        for j in range(0, e, lanes(p)):
            store(load(out, j) * factor, out, j)
    store(sums, total, 0)
