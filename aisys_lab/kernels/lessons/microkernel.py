"""A matrix product that packs its operands and keeps a block of the result in registers.

K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34, 2008,
without its blocking for the caches. ``lab.kernels.matmul`` is the same with vectors and threads.
"""

import numpy as np

from aisys_lab.core import slot


@slot("kernels.microkernel")
def microkernel(a, b, out):
    """out[M,N] = a[M,K] @ b[K,N], in blocks of 4 × 4."""
    m, n = out.shape
    left, right = panels(a.T), panels(b)
    for j in range(0, n, 4):
        for i in range(0, m, 4):
            block = product(left[i // 4], right[j // 4])
            for r in range(min(4, m - i)):
                for s in range(min(4, n - j)):
                    out[i + r, j + s] = block[r][s]


def panels(x):
    """[K,n] -> [⌈n/4⌉,K,4]: what the inner loop reads, in the order in which it does."""
    depth, n = x.shape
    packed = np.zeros(((n + 3) // 4, depth, 4), x.dtype)
    for p in range(packed.shape[0]):
        for k in range(depth):
            for j in range(min(4, n - 4 * p)):
                packed[p, k, j] = x[k, 4 * p + j]
    return packed


def product(left, right):
    """The 4 × 4 block of two panels: sixteen sums, eight loads a step."""
    zero = left.dtype.type(0)
    row = zero, zero, zero, zero
    r0, r1, r2, r3 = row, row, row, row
    for k in range(left.shape[0]):
        y = right[k, 0], right[k, 1], right[k, 2], right[k, 3]
        r0, r1 = plus(r0, left[k, 0], y), plus(r1, left[k, 1], y)
        r2, r3 = plus(r2, left[k, 2], y), plus(r3, left[k, 3], y)
    return r0, r1, r2, r3


def plus(row, x, y):
    """row + x · y, four multiply-adds."""
    return row[0] + x * y[0], row[1] + x * y[1], row[2] + x * y[2], row[3] + x * y[3]
