"""Layer norm and RMS norm: every row brought to mean 0 and variance 1, or to mean square 1.

A row is read twice, for its mean and variance and for the result; the second time it comes from the
first cache.
"""

import math

import numpy as np
from numba import prange

from aisys_lab.kernels.axes import in_parts, number, per_place, rows_of, stripe
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import line_moments, line_squares
from aisys_lab.kernels.vector import (
    fma,
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

COST = 8  # operations a number, about
AHEAD = 4  # lines


@entry(fastmath=False)
def naive(x, gamma, beta, eps, centred, out):
    """for each row: out[j] = (x[j] - mean) / sqrt(mean of (x - mean)² + eps) * gamma[j] + beta[j],
    with 0 for the mean unless ``centred``"""
    rows, n = x.shape
    for i in range(rows):
        sum, squares = 0.0, 0.0
        for j in range(n):
            sum += x[i, j]
        mean = sum / n if centred else 0.0
        for j in range(n):
            squares += (x[i, j] - mean) ** 2
        root = math.sqrt(squares / n + eps)
        for j in range(n):
            out[i, j] = (x[i, j] - mean) / root * gamma[j] + beta[j]


@entry(fastmath=False)
def welford(x, gamma, beta, eps, centred, out):
    """Mean and variance in one pass: each number moves the mean a little (Welford 1962)."""
    rows, n = x.shape
    for i in range(rows):
        mean, squares = 0.0, 0.0
        for j in range(n):
            distance = x[i, j] - mean
            mean += distance / (j + 1) if centred else 0.0
            squares += distance * (x[i, j] - mean)
        root = math.sqrt(squares / n + eps)
        for j in range(n):
            out[i, j] = (x[i, j] - mean) / root * gamma[j] + beta[j]


@part
def normalise_pair(p, n, apart, first, second, gamma, beta, to):
    """``to = ((p - near) · scale + shift) · gamma + beta`` for two lines that lie ``apart``, with
    ``(near, scale, shift)`` of each; the lines behind them are asked for ahead of time."""
    w, j, q, other = lanes(p), 0, offset(p, apart), offset(to, apart)
    a, s, k = splat(p, first[0]), splat(p, first[1]), splat(p, first[2])
    b, t, l = splat(p, second[0]), splat(p, second[1]), splat(p, second[2])  # noqa: E741
    while j + w <= n:
        prefetch(p, j + AHEAD * n)
        prefetch(q, j + AHEAD * n)
        u, v = load(gamma, j), load(beta, j)
        store(fma(fma(load(p, j) - a, s, k), u, v), to, j)
        store(fma(fma(load(q, j) - b, t, l), u, v), other, j)
        j += w
    if j < n:
        left = n - j
        u, v = load_part(gamma, j, left, 0), load_part(beta, j, left, 0)
        store_part(fma(fma(load_part(p, j, left, 0) - a, s, k), u, v), to, j, left)
        store_part(fma(fma(load_part(q, j, left, 0) - b, t, l), u, v), other, j, left)


@part
def standard(p, n, eps, centred):
    """``(near, scale, shift)``: x becomes (x - near) · scale + shift, which has mean 0 if it is
    ``centred``, and variance or mean square 1."""
    near, off, variance = (line_moments(p, n) if centred else
                           (0.0, 0.0, line_squares(p, n, 0.0) / n))
    scale = 1 / math.sqrt(variance + eps)
    return near, scale, -off * scale


@native
def norm_rows(p, rows, n, gamma, beta, eps, centred, to):
    """``rows`` lines of n numbers, two at a time: while the last additions of one wait for each
    other, the processor has work on the other, and both need the same gamma and beta."""
    for i in range(0, rows, 2):
        apart = n if i + 1 < rows else 0  # an odd last line is its own second
        line = offset(p, i * n)
        normalise_pair(line, n, apart, standard(line, n, eps, centred),
                       standard(offset(line, apart), n, eps, centred), gamma, beta,
                       offset(to, i * n))


@part
def norm_of(x, gamma, beta, eps, centred, out):
    """Rows [count, n]."""
    norm_rows(pointer(x), x.shape[0], x.shape[1], pointer(gamma), pointer(beta), eps, centred,
              pointer(out))


@entry
def norm(x, gamma, beta, eps, centred, out):
    """Rows [count, n] by one thread."""
    norm_of(x, gamma, beta, eps, centred, out)


@entry(parallel=True)
def norm_parts(x, gamma, beta, eps, centred, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        some = stripe(len(x), p, parts)
        norm_of(x[some], gamma, beta, eps, centred, out[some])


def by_rows(kernel, centred):
    """A rung of a kernel of rows."""
    def layernorm(x, gamma, beta, eps=1e-5):
        out = np.empty(x.shape, x.dtype)
        if out.size:
            kernel(rows_of(x), gamma, beta, eps, True, rows_of(out))
        return out

    def rmsnorm(x, gamma, eps=1e-5):
        out = np.empty(x.shape, x.dtype)
        if out.size:
            kernel(rows_of(x), gamma, np.zeros_like(gamma), eps, False, rows_of(out))
        return out

    return layernorm if centred else rmsnorm


best = in_parts(norm, norm_parts, COST)
ladder("layernorm", **{name: by_rows(kernel, True) for name, kernel in
                       [("naive", naive), ("welford", welford), ("vectors", best)]})
ladder("rmsnorm", **{name: by_rows(kernel, False) for name, kernel in
                     [("naive", naive), ("vectors", best)]})


def layernorm(x, gamma, beta, eps=1e-5, kernel="vectors"):
    """``(x - mean) / sqrt(var + eps) · gamma + beta`` over the last axis of f32 or f64 (Ba, Kiros
    and Hinton 2016, arXiv:1607.06450)."""
    x, gamma, beta = per_place("layernorm", x, -1, gamma=gamma, beta=beta)
    return KERNELS["layernorm"][kernel](x, gamma, beta, number("layernorm", "eps", eps))


def rmsnorm(x, gamma, eps=1e-5, kernel="vectors"):
    """``x / sqrt(mean(x²) + eps) · gamma`` over the last axis of f32 or f64 (Zhang and Sennrich
    2019, arXiv:1910.07467)."""
    x, gamma = per_place("rmsnorm", x, -1, gamma=gamma)
    return KERNELS["rmsnorm"][kernel](x, gamma, number("rmsnorm", "eps", eps))
