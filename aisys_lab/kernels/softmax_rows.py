"""Softmax and its logarithm along an axis.

A row is read three times: for its largest number, for the sum of e^(x - largest), for the result;
while it stays in the first cache, that costs little. ``online`` reads it twice (Milakov and
Gimelshein 2018, arXiv:1805.02867), which pays where rows come from memory each time.
"""

import math

import numpy as np
from numba import prange

from aisys_lab.kernels.axes import array, axis_of, by_rows, in_parts, stripe
from aisys_lab.kernels.functions import decay
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import BLOCK, line_max, scale_line
from aisys_lab.kernels.vector import (
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

COST = 30  # operations a number, about
AHEAD = 3  # lines that are asked for before they are needed


@entry(fastmath=False)
def naive(x, out):
    """for each row: out[j] = e^(x[j] - largest) / sum over k of e^(x[k] - largest)"""
    for i in range(x.shape[0]):
        top, sum = np.max(x[i]), 0.0
        for j in range(x.shape[1]):
            sum += math.exp(x[i, j] - top)
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - top) / sum


@entry(fastmath=False)
def online(x, out):
    """The largest number and the sum in one pass: where a larger one comes, the sum so far shrinks
    by e^(old - new)."""
    for i in range(x.shape[0]):
        top, sum = -np.inf, 0.0
        for j in range(x.shape[1]):
            if x[i, j] > top:
                sum, top = sum * math.exp(top - x[i, j]), x[i, j]
            if x[i, j] != -np.inf:
                sum += math.exp(x[i, j] - top)
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - top) / sum


@entry(fastmath=False)
def naive_log(x, out):
    """for each row: out[j] = x[j] - largest - log(sum over k of e^(x[k] - largest))"""
    for i in range(x.shape[0]):
        top, sum = np.max(x[i]), 0.0
        for j in range(x.shape[1]):
            sum += math.exp(x[i, j] - top)
        for j in range(x.shape[1]):
            out[i, j] = x[i, j] - top - math.log(sum)


# ---- vectors

@part
def block_powers(p, n, top, to, ahead):
    """``to = e^(p - top)`` for a few numbers, and its sum; asks for numbers ahead of time."""
    w, j = lanes(p), 0
    high, sums = splat(p, top), splat(p, 0)
    while j + w <= n:
        prefetch(p, j + ahead)
        e = decay(load(p, j) - high)
        store(e, to, j)
        sums += e
        j += w
    if j < n:
        e = decay(load_part(p, j, n - j, -np.inf) - high)
        store_part(e, to, j, n - j)
        sums += e
    return total(sums)


@part
def line_powers(p, n, top, to):
    """``to = e^(p - top)``, and its sum in double precision."""
    sum = 0.0
    for start in range(0, n, BLOCK):
        sum += block_powers(offset(p, start), min(BLOCK, n - start), top, offset(to, start),
                            AHEAD * n)
    return sum


@part
def block_power_sum(p, n, top, ahead):
    """The sum of e^(p - top) over a few numbers; asks for others ahead of time."""
    w, j = lanes(p), 0
    high, sums = splat(p, top), splat(p, 0)
    while j + w <= n:
        prefetch(p, j + ahead)
        sums += decay(load(p, j) - high)
        j += w
    if j < n:
        sums += decay(load_part(p, j, n - j, -np.inf) - high)
    return total(sums)


@part
def line_power_sum(p, n, top):
    """The sum of e^(p - top), in double precision."""
    sum = 0.0
    for start in range(0, n, BLOCK):
        sum += block_power_sum(offset(p, start), min(BLOCK, n - start), top, AHEAD * n)
    return sum


@part(fastmath=False)
def drop_line(p, n, first, second, to):
    """``to = (p - first) - second``, in this order: beside a large first the second is lost."""
    w, j = lanes(p), 0
    a, b = splat(p, first), splat(p, second)
    while j + w <= n:
        store(load(p, j) - a - b, to, j)
        j += w
    if j < n:
        store_part(load_part(p, j, n - j, 0) - a - b, to, j, n - j)


# ---- rows pass through stages, one behind the other: while a row's last additions wait for each
# other, the processor has work on its neighbours

@native
def softmax_rows(p, rows, n, to, tops, sums):
    """``rows`` lines of n numbers; room for as many largest numbers and sums."""
    for i in range(rows + 2):
        if i < rows:
            tops[i] = line_max(offset(p, i * n), n)
        if 1 <= i <= rows:
            last = (i - 1) * n
            sums[i - 1] = line_powers(offset(p, last), n, tops[i - 1], offset(to, last))
        if i >= 2:
            scale_line(offset(to, (i - 2) * n), n, 1 / sums[i - 2])


@native(fastmath=False)
def log_softmax_rows(p, rows, n, to, tops, sums):
    """The same for the logarithm."""
    for i in range(rows + 2):
        if i < rows:
            tops[i] = line_max(offset(p, i * n), n)
        if 1 <= i <= rows:
            sums[i - 1] = line_power_sum(offset(p, (i - 1) * n), n, tops[i - 1])
        if i >= 2:
            last = (i - 2) * n
            drop_line(offset(p, last), n, tops[i - 2], math.log(sums[i - 2]), offset(to, last))


@part
def softmax_of(x, out):
    """Rows [count, n]."""
    tops, sums = np.empty(len(x)), np.empty(len(x))
    softmax_rows(pointer(x), x.shape[0], x.shape[1], pointer(out), pointer(tops), pointer(sums))
    keep(tops)
    keep(sums)


@part
def log_softmax_of(x, out):
    """Rows [count, n]."""
    tops, sums = np.empty(len(x)), np.empty(len(x))
    log_softmax_rows(pointer(x), x.shape[0], x.shape[1], pointer(out), pointer(tops),
                     pointer(sums))
    keep(tops)
    keep(sums)


@entry
def rows(x, out):
    """Softmax by one thread."""
    softmax_of(x, out)


@entry(parallel=True)
def rows_parts(x, out, parts):
    """Softmax by several threads."""
    for p in prange(parts):
        some = stripe(len(x), p, parts)
        softmax_of(x[some], out[some])


@entry
def log_rows(x, out):
    """log_softmax by one thread."""
    log_softmax_of(x, out)


@entry(parallel=True)
def log_rows_parts(x, out, parts):
    """log_softmax by several threads."""
    for p in prange(parts):
        some = stripe(len(x), p, parts)
        log_softmax_of(x[some], out[some])


ladder("softmax", naive=by_rows(naive), online=by_rows(online),
       vectors=by_rows(in_parts(rows, rows_parts, COST)))
ladder("log_softmax", naive=by_rows(naive_log),
       vectors=by_rows(in_parts(log_rows, log_rows_parts, COST)))


def softmax(x, axis=-1, kernel="vectors"):
    """e^x, divided by its sum along ``axis``, of f32 or f64; a NaN spreads over its row only.

    A weight below the smallest normal number is 0.
    """
    x = array("softmax", x)
    return KERNELS["softmax"][kernel](x, axis_of("softmax", x, axis))


def log_softmax(x, axis=-1, kernel="vectors"):
    """log(softmax(x)) of f32 or f64, without overflow."""
    x = array("log_softmax", x)
    return KERNELS["log_softmax"][kernel](x, axis_of("log_softmax", x, axis))
