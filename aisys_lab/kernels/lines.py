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
def sums_about(p, n, near):
    """The sums of x - near and of (x - near)² over n numbers, in double precision."""
    sum, squares = 0.0, 0.0
    for start in range(0, n, BLOCK):
        s, t = block_moments(offset(p, start), min(BLOCK, n - start), near)
        sum, squares = sum + s, squares + t
    return sum, squares


@part
def nearby(p, n):
    """The mean of the first few of n numbers."""
    return total(load(p, 0)) / lanes(p) if n >= lanes(p) else p[0]


@part
def moments_of(p, n, near, sum, squares):
    """``(near, off, variance)`` of n numbers, whose mean is near + off, by their sums about near,
    which has no more places than they have.

    Where the mean is so far from near (a standard deviation) that the difference of squares would
    suffer, the sums are taken again about the mean.
    """
    off, variance = sum / n, squares / n - (sum / n) ** 2
    if off * off > variance:
        near = largest(splat(p, near + off))  # rounded as the numbers are
        sum, squares = sums_about(p, n, near)
        off, variance = sum / n, squares / n - (sum / n) ** 2
    return near, off, variance


@part
def line_moments(p, n):
    """The same in one go."""
    near = nearby(p, n)
    sum, squares = sums_about(p, n, near)
    return moments_of(p, n, near, sum, squares)


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
