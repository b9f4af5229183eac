"""Gradients of layer norm and RMS norm, of the gradient g of the result.

With h = (x - mean) · scale and d = g · gamma, and means over the row:
gx = scale · (d - mean(d) - h · mean(d · h)); ggamma and gbeta are sums of g · h and g over rows.
Mean and variance are computed anew, which costs less than a line of memory for each would.
"""

import math

import numpy as np
from numba import prange

from aisys_lab.kernels.axes import alike, number, per_place, rows_of
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.norms import standard
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.vector import (
    fma,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    prefetch,
    splat,
    store,
    store_part,
    total,
)

COST = 25  # operations a number, about
AHEAD = 4  # lines that are asked for before they are needed
BLOCK = 64  # rows whose sums are added up


@entry(fastmath=False)
def naive(g, x, gamma, eps, centred, gx, totals):
    """The formulas above, row by row, with 0 for mean and mean(d) unless ``centred``."""
    rows, n = x.shape
    a, b = np.zeros(n), np.zeros(n)  # sums in double precision
    for i in range(rows):
        mean, squares, first, second = 0.0, 0.0, 0.0, 0.0
        for j in range(n):
            mean += x[i, j] / n if centred else 0.0
        for j in range(n):
            squares += (x[i, j] - mean) ** 2
        scale = 1 / math.sqrt(squares / n + eps)
        for j in range(n):
            slope, h = np.float64(g[i, j]), (x[i, j] - mean) * scale
            first, second = first + slope * gamma[j], second + slope * gamma[j] * h
            a[j] += slope * h
            b[j] += slope
        middle = first / n if centred else 0.0
        for j in range(n):
            d, h = np.float64(g[i, j]) * gamma[j], (x[i, j] - mean) * scale
            gx[i, j] = scale * (d - middle - h * second / n)
    for j in range(n):
        totals[0, 0, j], totals[0, 1, j] = a[j], b[j]


@part
def row_sums(g, x, n, gamma, near, scale, shift, sums):
    """``(sum of d, sum of d · h)`` of a row; adds g · h and g to two lines of sums."""
    w, j, m, s, k = lanes(g), 0, splat(g, near), splat(g, scale), splat(g, shift)
    first, second, other = splat(g, 0), splat(g, 0), offset(sums, n)
    while j + w <= n:
        slope, h = load(g, j), fma(load(x, j) - m, s, k)
        d = slope * load(gamma, j)
        store(fma(slope, h, load(sums, j)), sums, j)
        store(slope + load(other, j), other, j)
        first, second = first + d, fma(d, h, second)
        j += w
    if j < n:
        left = n - j
        slope, h = load_part(g, j, left, 0), fma(load_part(x, j, left, 0) - m, s, k)
        d = slope * load_part(gamma, j, left, 0)
        store_part(fma(slope, h, load_part(sums, j, left, 0)), sums, j, left)
        store_part(slope + load_part(other, j, left, 0), other, j, left)
        first, second = first + d, fma(d, h, second)
    return total(first), total(second)


@part
def row_slope(g, x, n, gamma, near, scale, shift, first, second, to):
    """``to = scale · d - first - h · second``"""
    w, j, m, s, k = lanes(g), 0, splat(g, near), splat(g, scale), splat(g, shift)
    a, b = splat(g, -first), splat(g, -second)
    while j + w <= n:
        prefetch(x, j + AHEAD * n)
        prefetch(g, j + (AHEAD - 1) * n)
        h, d = fma(load(x, j) - m, s, k), load(g, j) * load(gamma, j)
        store(fma(d, s, fma(h, b, a)), to, j)
        j += w
    if j < n:
        left = n - j
        h = fma(load_part(x, j, left, 0) - m, s, k)
        d = load_part(g, j, left, 0) * load_part(gamma, j, left, 0)
        store_part(fma(d, s, fma(h, b, a)), to, j, left)


@native
def norm_grad_rows(g, x, rows, n, gamma, eps, centred, to, sums, room):
    """``rows`` lines of n numbers, at most BLOCK; their sums join two lines. They pass through
    stages, each a row behind the one before."""
    nears, scales, shifts = room, offset(room, BLOCK), offset(room, 2 * BLOCK)
    firsts, seconds = offset(room, 3 * BLOCK), offset(room, 4 * BLOCK)
    for i in range(rows + 2):
        if i < rows:
            nears[i], scales[i], shifts[i] = standard(offset(x, i * n), n, eps, centred)
        if 1 <= i <= rows:
            k, at = i - 1, (i - 1) * n
            firsts[k], seconds[k] = row_sums(offset(g, at), offset(x, at), n, gamma, nears[k],
                                             scales[k], shifts[k], sums)
        if i >= 2:
            k, at = i - 2, (i - 2) * n
            first = firsts[k] / n * scales[k] if centred else 0.0
            row_slope(offset(g, at), offset(x, at), n, gamma, nears[k], scales[k], shifts[k], first,
                      seconds[k] / n * scales[k], offset(to, at))


@part
def norm_grad_of(g, x, gamma, eps, centred, gx, totals, first, last):
    """Blocks of rows from ``first`` to ``last``, each with sums of its own."""
    rows, n = x.shape
    room = np.empty(5 * BLOCK)
    for b in range(first, last):
        i = b * BLOCK
        norm_grad_rows(pointer(g[i:]), pointer(x[i:]), min(BLOCK, rows - i), n, pointer(gamma), eps,
                       centred, pointer(gx[i:]), pointer(totals[b]), pointer(room))
    keep(room)


@entry
def norm_grad(g, x, gamma, eps, centred, gx, totals):
    """Rows [count, n] by one thread."""
    norm_grad_of(g, x, gamma, eps, centred, gx, totals, 0, len(totals))


@entry(parallel=True)
def norm_grad_parts(g, x, gamma, eps, centred, gx, totals, parts):
    """The same by several threads; sums do not depend on how many."""
    for p in prange(parts):
        norm_grad_of(g, x, gamma, eps, centred, gx, totals, p * len(totals) // parts,
                     (p + 1) * len(totals) // parts)


def best(g, x, gamma, eps, centred, gx, totals):
    """By as many threads as pay."""
    many = threads(COST * x.size)
    if many == 1:
        norm_grad(g, x, gamma, eps, centred, gx, totals)
    else:
        norm_grad_parts(g, x, gamma, eps, centred, gx, totals, many)


def by_rows(kernel, centred, block=None):
    """A rung ``(g, x, gamma, eps) -> (gx, ggamma, gbeta)``, without gbeta unless ``centred``."""
    def rung(g, x, gamma, eps):
        gx, rows = np.empty(x.shape, x.dtype), math.prod(x.shape[:-1])
        totals = np.zeros((-(-rows // block) if block else 1, 2, len(gamma)), x.dtype)
        if gx.size:
            kernel(rows_of(g), rows_of(x), gamma, eps, centred, rows_of(gx), totals)
        ggamma, gbeta = totals[0] if len(totals) == 1 else totals.sum(0)
        return (gx, ggamma, gbeta) if centred else (gx, ggamma)
    return rung


ladder("layernorm_grad", naive=by_rows(naive, True), vectors=by_rows(best, True, BLOCK))
ladder("rmsnorm_grad", naive=by_rows(naive, False), vectors=by_rows(best, False, BLOCK))


def layernorm_grad(g, x, gamma, eps=1e-5, kernel="vectors"):
    """``(gx, ggamma, gbeta)`` of layernorm(x, gamma, beta, eps), whose result has gradient g."""
    g, x = alike("layernorm_grad", g=g, x=x)
    x, gamma = per_place("layernorm_grad", x, -1, gamma=gamma)
    return KERNELS["layernorm_grad"][kernel](g, x, gamma, number("layernorm_grad", "eps", eps))


def rmsnorm_grad(g, x, gamma, eps=1e-5, kernel="vectors"):
    """``(gx, ggamma)`` of rmsnorm(x, gamma, eps), whose result has gradient g."""
    g, x = alike("rmsnorm_grad", g=g, x=x)
    x, gamma = per_place("rmsnorm_grad", x, -1, gamma=gamma)
    return KERNELS["rmsnorm_grad"][kernel](g, x, gamma, number("rmsnorm_grad", "eps", eps))
