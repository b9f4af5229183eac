"""Gradients of layer norm and RMS norm, of the gradient g of the result.

With h = (x - mean) · scale and d = g · gamma, and means over the row:
gx = scale · (d - mean(d) - h · mean(d · h)); ggamma and gbeta are sums of g · h and g over all
rows. Mean and variance are computed anew, which costs less than a line of memory for each would.
"""

import math

import numpy as np
from numba import prange

from aisys_lab.kernels.axes import alike, per_place, rows_of, stripe
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import add_line, line_sum
from aisys_lab.kernels.moves import aligned, clear
from aisys_lab.kernels.norms import scale_of
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.vector import (
    fma,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    store,
    store_part,
    total,
)

COST = 25  # operations a number, about
BLOCK = 64  # rows whose sums are added up before they join the rest


@entry(fastmath=False)
def naive(g, x, gamma, eps, centred, gx, totals):
    """The formulas above, row by row, with 0 for mean and mean(d) unless ``centred``."""
    rows, n = x.shape
    for i in range(rows):
        mean = np.sum(x[i].astype(np.float64)) / n if centred else 0.0
        scale = 1 / math.sqrt(np.sum((x[i] - mean) ** 2) / n + eps)
        h, d = (x[i] - mean) * scale, g[i] * gamma.astype(np.float64)
        middle = np.sum(d) / n if centred else 0.0
        gx[i] = scale * (d - middle - h * (np.sum(d * h) / n))
        totals[0, 0] += g[i] * h
        totals[0, 1] += g[i]


@part
def row_sums(g, x, n, gamma, mean, scale, sums):
    """``(sum of d, sum of d · h)`` of a row; adds g · h and g to two lines of sums."""
    w, j, s, middle = lanes(g), 0, splat(g, scale), splat(g, mean)
    first, second, other = splat(g, 0), splat(g, 0), offset(sums, n)
    while j + w <= n:
        slope, h = load(g, j), (load(x, j) - middle) * s
        d = slope * load(gamma, j)
        store(fma(slope, h, load(sums, j)), sums, j)
        store(slope + load(other, j), other, j)
        first, second = first + d, fma(d, h, second)
        j += w
    if j < n:
        left = n - j
        slope, h = load_part(g, j, left, 0), (load_part(x, j, left, 0) - middle) * s
        d = slope * load_part(gamma, j, left, 0)
        store_part(fma(slope, h, load_part(sums, j, left, 0)), sums, j, left)
        store_part(slope + load_part(other, j, left, 0), other, j, left)
        first, second = first + d, fma(d, h, second)
    return total(first), total(second)


@part
def row_slope(g, x, n, gamma, mean, scale, first, second, to):
    """``to = scale · d - first - h · second``"""
    w, j, s, middle = lanes(g), 0, splat(g, scale), splat(g, mean)
    a, b = splat(g, -first), splat(g, -second)
    while j + w <= n:
        h, d = (load(x, j) - middle) * s, load(g, j) * load(gamma, j)
        store(fma(d, s, fma(h, b, a)), to, j)
        j += w
    if j < n:
        left = n - j
        h = (load_part(x, j, left, 0) - middle) * s
        d = load_part(g, j, left, 0) * load_part(gamma, j, left, 0)
        store_part(fma(d, s, fma(h, b, a)), to, j, left)


@native
def norm_grad_rows(g, x, rows, n, gamma, eps, centred, to, sums, room):
    """``rows`` lines of n numbers, at most BLOCK; their sums go to two lines. They pass through
    stages, each a row behind the one before."""
    means, scales = room, offset(room, BLOCK)
    firsts, seconds = offset(room, 2 * BLOCK), offset(room, 3 * BLOCK)
    for i in range(rows + 3):
        if i < rows:
            means[i] = line_sum(offset(x, i * n), n) / n if centred else 0.0
        if 1 <= i <= rows:
            scales[i - 1] = scale_of(offset(x, (i - 1) * n), n, means[i - 1], eps)
        if 2 <= i <= rows + 1:
            k, at = i - 2, (i - 2) * n
            firsts[k], seconds[k] = row_sums(offset(g, at), offset(x, at), n, gamma, means[k],
                                             scales[k], sums)
        if i >= 3:
            k, at = i - 3, (i - 3) * n
            first = firsts[k] / n * scales[k] if centred else 0.0
            row_slope(offset(g, at), offset(x, at), n, gamma, means[k], scales[k], first,
                      seconds[k] / n * scales[k], offset(to, at))


@part
def norm_grad_of(g, x, gamma, eps, centred, gx, totals):
    """Rows [count, n], whose sums join the totals [2, n] block by block."""
    rows, n = x.shape
    sums, room = aligned(2 * n, x), np.empty(4 * BLOCK)
    for i in range(0, rows, BLOCK):
        clear(pointer(sums), 1, 2 * n, 0)
        norm_grad_rows(pointer(g[i:]), pointer(x[i:]), min(BLOCK, rows - i), n, pointer(gamma), eps,
                       centred, pointer(gx[i:]), pointer(sums), pointer(room))
        add_line(pointer(sums), 2 * n, pointer(totals))
    keep(sums)
    keep(room)


@entry
def norm_grad(g, x, gamma, eps, centred, gx, totals):
    """Rows [count, n] by one thread."""
    norm_grad_of(g, x, gamma, eps, centred, gx, totals[0])


@entry(parallel=True)
def norm_grad_parts(g, x, gamma, eps, centred, gx, totals):
    """The same by several threads, each with totals of its own."""
    for p in prange(len(totals)):
        some = stripe(len(x), p, len(totals))
        norm_grad_of(g[some], x[some], gamma, eps, centred, gx[some], totals[p])


def best(g, x, gamma, eps, centred, gx, totals):
    """By as many threads as there are totals."""
    kernel = norm_grad if len(totals) == 1 else norm_grad_parts
    kernel(g, x, gamma, eps, centred, gx, totals)


def by_rows(kernel, centred, several=False):
    """A rung ``(g, x, gamma, eps) -> (gx, ggamma, gbeta)``, without gbeta unless ``centred``."""
    def rung(g, x, gamma, eps):
        gx = np.empty(x.shape, x.dtype)
        totals = np.zeros((threads(COST * x.size) if several else 1, 2, len(gamma)), x.dtype)
        if gx.size:
            kernel(rows_of(g), rows_of(x), gamma, eps, centred, rows_of(gx), totals)
        ggamma, gbeta = totals[0] if len(totals) == 1 else totals.sum(0)
        return (gx, ggamma, gbeta) if centred else (gx, ggamma)
    return rung


ladder("layernorm_grad", naive=by_rows(naive, True), vectors=by_rows(best, True, several=True))
ladder("rmsnorm_grad", naive=by_rows(naive, False), vectors=by_rows(best, False, several=True))


def layernorm_grad(g, x, gamma, eps=1e-5, kernel="vectors"):
    """``(gx, ggamma, gbeta)`` of layernorm(x, gamma, beta, eps), whose result has gradient g."""
    g, x = alike("layernorm_grad", g=g, x=x)
    x, gamma = per_place("layernorm_grad", x, -1, gamma=gamma)
    return KERNELS["layernorm_grad"][kernel](g, x, gamma, float(eps))


def rmsnorm_grad(g, x, gamma, eps=1e-5, kernel="vectors"):
    """``(gx, ggamma)`` of rmsnorm(x, gamma, eps), whose result has gradient g."""
    g, x = alike("rmsnorm_grad", g=g, x=x)
    x, gamma = per_place("rmsnorm_grad", x, -1, gamma=gamma)
    return KERNELS["rmsnorm_grad"][kernel](g, x, gamma, float(eps))
