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
from aisys_lab.kernels.lines import BLOCK, moments_of, nearby, sums_about
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
    total,
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
def standard_of(p, n, near, sum, squares, eps, centred):
    """``(near, scale, shift)``: x becomes (x - near) · scale + shift, which has mean 0 if it is
    ``centred``, and variance or mean square 1."""
    near, off, variance = (moments_of(p, n, near, sum, squares) if centred else
                           (0.0, 0.0, squares / n))
    scale = 1 / math.sqrt(variance + eps)
    return near, scale, -off * scale


@part
def standard(p, n, eps, centred):
    """The same from the line itself."""
    near = nearby(p, n) if centred else 0.0
    sum, squares = sums_about(p, n, near)
    return standard_of(p, n, near, sum, squares, eps, centred)


@part(fastmath=False)
def normalise(p, n, by, gamma, beta, to, q, near, ahead):
    """``to = ((p - near) · scale + shift) · gamma + beta``; and of another line q, the sums of
    q - near and of (q - near)². Asks for numbers ahead of time."""
    w, j, other, a = lanes(p), 0, splat(p, near), splat(p, 0)
    m, s, k, b, c, d = splat(p, by[0]), splat(p, by[1]), splat(p, by[2]), a, a, a
    while j + 2 * w <= n:
        prefetch(p, j + ahead)
        t, u, v = load(q, j) - other, load(q, j + w) - other, fma(load(p, j + w) - m, s, k)
        store(fma(fma(load(p, j) - m, s, k), load(gamma, j), load(beta, j)), to, j)
        store(fma(v, load(gamma, j + w), load(beta, j + w)), to, j + w)
        a, b, c, d = a + t, b + u, fma(t, t, c), fma(u, u, d)
        j += 2 * w
    a, c = a + b, c + d
    while j < n:
        left = min(w, n - j)
        t, v = load_part(q, j, left, near) - other, fma(load_part(p, j, left, 0) - m, s, k)
        v = fma(v, load_part(gamma, j, left, 0), load_part(beta, j, left, 0))
        store_part(v, to, j, left)
        a, c = a + t, fma(t, t, c)
        j += w
    return total(a), total(c)


@native
def norm_rows(p, rows, n, gamma, beta, eps, centred, to):
    """``rows`` lines of n numbers. While one is written, the next one is measured: the additions
    take their turn where the other work waits for memory."""
    by = standard(p, n, eps, centred)
    for i in range(rows):
        line, out, q = offset(p, i * n), offset(to, i * n), offset(p, min(i + 1, rows - 1) * n)
        near = nearby(q, n) if centred else 0.0
        sum, squares = 0.0, 0.0
        for j in range(0, n, BLOCK):
            s, t = normalise(offset(line, j), min(BLOCK, n - j), by, offset(gamma, j),
                             offset(beta, j), offset(out, j), offset(q, j), near, AHEAD * n)
            sum, squares = sum + s, squares + t
        by = standard_of(q, n, near, sum, squares, eps, centred)


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
