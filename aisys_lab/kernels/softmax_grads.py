"""Gradients of softmax and of its logarithm: of the gradient g of the result, and the result y."""

import math

from numba import prange

from aisys_lab.kernels.axes import alike, axis_of, by_rows, in_parts, stripe
from aisys_lab.kernels.functions import exp_normal
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import line_products, line_sum
from aisys_lab.kernels.vector import (
    lanes,
    load,
    load_part,
    offset,
    pointer,
    prefetch,
    splat,
    store,
    store_part,
)

COST = 6  # operations a number, about
AHEAD = 1  # lines that are asked for before they are needed


@entry(fastmath=False)
def naive(g, y, out):
    """for each row: out[j] = y[j] * (g[j] - sum over k of g[k] * y[k])"""
    for i in range(g.shape[0]):
        sum = 0.0
        for j in range(g.shape[1]):
            sum += g[i, j] * y[i, j]
        for j in range(g.shape[1]):
            out[i, j] = y[i, j] * (g[i, j] - sum)


@entry(fastmath=False)
def naive_log(g, y, out):
    """for each row: out[j] = g[j] - e^y[j] * sum over k of g[k]"""
    for i in range(g.shape[0]):
        sum = 0.0
        for j in range(g.shape[1]):
            sum += g[i, j]
        for j in range(g.shape[1]):
            out[i, j] = g[i, j] - math.exp(y[i, j]) * sum


@part
def weigh_line(g, y, n, sum, to):
    """``to = y · (g - sum)``"""
    w, j, s = lanes(g), 0, splat(g, sum)
    while j + w <= n:
        prefetch(g, j + AHEAD * n)
        prefetch(y, j + AHEAD * n)
        store(load(y, j) * (load(g, j) - s), to, j)
        j += w
    if j < n:
        store_part(load_part(y, j, n - j, 0) * (load_part(g, j, n - j, 0) - s), to, j, n - j)


@part
def share_line(g, y, n, sum, to):
    """``to = g - e^y · sum``"""
    w, j, s = lanes(g), 0, splat(g, sum)
    while j + w <= n:
        prefetch(g, j + AHEAD * n)
        prefetch(y, j + AHEAD * n)
        store(load(g, j) - exp_normal(load(y, j)) * s, to, j)
        j += w
    if j < n:
        e = exp_normal(load_part(y, j, n - j, 0))
        store_part(load_part(g, j, n - j, 0) - e * s, to, j, n - j)


@native
def softmax_grad_rows(g, y, rows, n, to):
    """``rows`` lines of n numbers."""
    for i in range(rows):
        a, b = offset(g, i * n), offset(y, i * n)
        weigh_line(a, b, n, line_products(a, b, n), offset(to, i * n))


@native
def log_softmax_grad_rows(g, y, rows, n, to):
    """``rows`` lines of n numbers."""
    for i in range(rows):
        a, b = offset(g, i * n), offset(y, i * n)
        share_line(a, b, n, line_sum(a, n), offset(to, i * n))


@entry
def rows(g, y, out):
    """Gradient of softmax, rows [count, n], by one thread."""
    softmax_grad_rows(pointer(g), pointer(y), g.shape[0], g.shape[1], pointer(out))


@entry(parallel=True)
def rows_parts(g, y, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        some = stripe(len(g), p, parts)
        softmax_grad_rows(pointer(g[some]), pointer(y[some]), len(g[some]), g.shape[1],
                          pointer(out[some]))


@entry
def log_rows(g, y, out):
    """Gradient of log_softmax, rows [count, n], by one thread."""
    log_softmax_grad_rows(pointer(g), pointer(y), g.shape[0], g.shape[1], pointer(out))


@entry(parallel=True)
def log_rows_parts(g, y, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        some = stripe(len(g), p, parts)
        log_softmax_grad_rows(pointer(g[some]), pointer(y[some]), len(g[some]), g.shape[1],
                              pointer(out[some]))


ladder("softmax_grad", naive=by_rows(naive), vectors=by_rows(in_parts(rows, rows_parts, COST)))
ladder("log_softmax_grad", naive=by_rows(naive_log),
       vectors=by_rows(in_parts(log_rows, log_rows_parts, COST)))


def softmax_grad(g, y, axis=-1, kernel="vectors"):
    """``y · (g - sum(g · y))`` along ``axis``, for y = softmax(x)."""
    g, y = alike("softmax_grad", g=g, y=y)
    return KERNELS["softmax_grad"][kernel](g, y, axis_of("softmax_grad", y, axis))


def log_softmax_grad(g, y, axis=-1, kernel="vectors"):
    """``g - e^y · sum(g)`` along ``axis``, for y = log_softmax(x)."""
    g, y = alike("log_softmax_grad", g=g, y=y)
    return KERNELS["log_softmax_grad"][kernel](g, y, axis_of("log_softmax_grad", y, axis))
