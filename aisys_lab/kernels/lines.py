"""Pieces of work on a line of numbers that lie together: its sum, its largest, its squares.

Sums run in four vectors side by side over BLOCK numbers; the sums of blocks are added in double
precision, so that long lines lose no more than short ones.
"""

import numpy as np

from aisys_lab.kernels.jit import part
from aisys_lab.kernels.vector import (
    fma,
    lanes,
    largest,
    load,
    load_part,
    maximum,
    offset,
    splat,
    store,
    store_part,
    total,
)

BLOCK = 2048


@part
def line_max(p, n):
    """The largest of n numbers, NaN passed over; minus infinity of none."""
    w, j = lanes(p), 0
    a = splat(p, -np.inf)
    b, c, d = a, a, a
    while j + 4 * w <= n:
        a = maximum(load(p, j), a)
        b = maximum(load(p, j + w), b)
        c = maximum(load(p, j + 2 * w), c)
        d = maximum(load(p, j + 3 * w), d)
        j += 4 * w
    a = maximum(maximum(a, b), maximum(c, d))
    while j + w <= n:
        a = maximum(load(p, j), a)
        j += w
    if j < n:
        a = maximum(load_part(p, j, n - j, -np.inf), a)
    return largest(a)


@part
def block_sum(p, n):
    """The sum of a few numbers."""
    w, j = lanes(p), 0
    a = splat(p, 0)
    b, c, d = a, a, a
    while j + 4 * w <= n:
        a += load(p, j)
        b += load(p, j + w)
        c += load(p, j + 2 * w)
        d += load(p, j + 3 * w)
        j += 4 * w
    a = (a + b) + (c + d)
    while j + w <= n:
        a += load(p, j)
        j += w
    if j < n:
        a += load_part(p, j, n - j, 0)
    return total(a)


@part
def line_sum(p, n):
    """The sum of n numbers, in double precision."""
    sum = 0.0
    for start in range(0, n, BLOCK):
        sum += block_sum(offset(p, start), min(BLOCK, n - start))
    return sum


@part
def block_squares(p, n, mean):
    """The sum of (x - mean)² over a few numbers."""
    w, j = lanes(p), 0
    middle, a = splat(p, mean), splat(p, 0)
    b, c, d = a, a, a
    while j + 4 * w <= n:
        s, t = load(p, j) - middle, load(p, j + w) - middle
        u, v = load(p, j + 2 * w) - middle, load(p, j + 3 * w) - middle
        a, b, c, d = fma(s, s, a), fma(t, t, b), fma(u, u, c), fma(v, v, d)
        j += 4 * w
    a = (a + b) + (c + d)
    while j + w <= n:
        s = load(p, j) - middle
        a = fma(s, s, a)
        j += w
    if j < n:
        s = load_part(p, j, n - j, mean) - middle
        a = fma(s, s, a)
    return total(a)


@part
def line_squares(p, n, mean):
    """The sum of (x - mean)² over n numbers, in double precision."""
    sum = 0.0
    for start in range(0, n, BLOCK):
        sum += block_squares(offset(p, start), min(BLOCK, n - start), mean)
    return sum


@part(fastmath=False)
def block_moments(p, n, near):
    """The sums of x - near and of (x - near)² over a few numbers."""
    w, j = lanes(p), 0
    middle, a = splat(p, near), splat(p, 0)
    b, c, d = a, a, a
    while j + 2 * w <= n:
        s, t = load(p, j) - middle, load(p, j + w) - middle
        a, b = a + s, b + t
        c, d = fma(s, s, c), fma(t, t, d)
        j += 2 * w
    a, c = a + b, c + d
    while j + w <= n:
        s = load(p, j) - middle
        a, c = a + s, fma(s, s, c)
        j += w
    if j < n:
        s = load_part(p, j, n - j, near) - middle
        a, c = a + s, fma(s, s, c)
    return total(a), total(c)


@part
def moments_about(p, n, near):
    """``(off, variance)`` of n numbers, in double precision: their mean is near + off."""
    sum, squares = 0.0, 0.0
    for start in range(0, n, BLOCK):
        s, q = block_moments(offset(p, start), min(BLOCK, n - start), near)
        sum, squares = sum + s, squares + q
    off = sum / n
    return off, squares / n - off * off


@part
def line_moments(p, n):
    """``(near, off, variance)`` of n numbers, whose mean is near + off; near has no more places
    than they have.

    One pass, with distances from the mean of the first few; a second one, about the mean, where
    that is so far from them (a standard deviation) that the difference of squares would suffer.
    """
    near = total(load(p, 0)) / lanes(p) if n >= lanes(p) else p[0]
    off, variance = moments_about(p, n, near)
    if off * off > variance:
        near = largest(splat(p, near + off))  # rounded as the numbers are
        off, variance = moments_about(p, n, near)
    return near, off, variance


@part
def block_products(p, q, n):
    """The sum of the products of a few pairs."""
    w, j = lanes(p), 0
    a = splat(p, 0)
    b, c, d = a, a, a
    while j + 4 * w <= n:
        a, b = fma(load(p, j), load(q, j), a), fma(load(p, j + w), load(q, j + w), b)
        c = fma(load(p, j + 2 * w), load(q, j + 2 * w), c)
        d = fma(load(p, j + 3 * w), load(q, j + 3 * w), d)
        j += 4 * w
    a = (a + b) + (c + d)
    while j + w <= n:
        a = fma(load(p, j), load(q, j), a)
        j += w
    if j < n:
        a = fma(load_part(p, j, n - j, 0), load_part(q, j, n - j, 0), a)
    return total(a)


@part
def line_products(p, q, n):
    """The sum of the products of n pairs, in double precision."""
    sum = 0.0
    for start in range(0, n, BLOCK):
        left = min(BLOCK, n - start)
        sum += block_products(offset(p, start), offset(q, start), left)
    return sum


@part
def scale_line(p, n, factor):
    """n numbers times a factor, in place."""
    w, j, v = lanes(p), 0, splat(p, factor)
    while j + w <= n:
        store(load(p, j) * v, p, j)
        j += w
    if j < n:
        store_part(load_part(p, j, n - j, 0) * v, p, j, n - j)


@part
def add_line(p, n, to):
    """``to += p``"""
    w, j = lanes(p), 0
    while j + w <= n:
        store(load(to, j) + load(p, j), to, j)
        j += w
    if j < n:
        store_part(load_part(to, j, n - j, 0) + load_part(p, j, n - j, 0), to, j, n - j)
