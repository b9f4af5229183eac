"""Matrix product in Numba: the same signature, slow first. ``naive`` is the definition."""

import numpy as np
from numba import njit

# Sums may be re-associated and fused into multiply-adds; NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True)
def naive(a, b, out):
    """for i: for j: out[i,j] = sum over k of a[i,k] * b[k,j]"""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = out.dtype.type(0)
            for k in range(a.shape[1]):
                total += a[i, k] * b[k, j]
            out[i, j] = total


@njit(cache=True, fastmath=FAST)
def reordered(a, b, out):
    """for i: for k: for j: the inner loop walks rows of b and out, so it vectorises."""
    for i in range(out.shape[0]):
        out[i, :] = 0
        for k in range(a.shape[1]):
            x = a[i, k]
            for j in range(out.shape[1]):
                out[i, j] += x * b[k, j]


@njit(cache=True, fastmath=FAST)
def blocked(a, b, out):
    """Four rows of out at a time: every row of b that is loaded is used four times."""
    m, n = out.shape
    for i in range(0, m - 3, 4):
        out[i:i + 4, :] = 0
        for k in range(a.shape[1]):
            w, x, y, z = a[i, k], a[i + 1, k], a[i + 2, k], a[i + 3, k]
            for j in range(n):
                row = b[k, j]
                out[i, j] += w * row
                out[i + 1, j] += x * row
                out[i + 2, j] += y * row
                out[i + 3, j] += z * row
    reordered(a[m - m % 4:], b, out[m - m % 4:])


@njit(cache=True)
def integer(a, b, zero, out):
    """out[i,j] = sum over k of (a[i,k] - zero) * b[k,j], exact in int32."""
    for i in range(out.shape[0]):
        out[i, :] = 0
        for k in range(a.shape[1]):
            x = np.int32(a[i, k]) - np.int32(zero)
            for j in range(out.shape[1]):
                out[i, j] += x * np.int32(b[k, j])
