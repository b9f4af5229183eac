"""What pooling and its gradients are: plain loops over images f[N,C,H,W] (of others, views).

Pads count like entries: of -inf for the largest, of 0 for sums.
"""

import numpy as np

from aisys_lab.kernels.jit import entry, part

naive = entry(fastmath=False)
plain = part(fastmath=False)


@plain
def entry_at(x, row, column):
    """A number of an image f[H,W], or -inf outside of it."""
    inside = 0 <= row < x.shape[0] and 0 <= column < x.shape[1]
    return x[row, column] if inside else x.dtype.type(-np.inf)


@plain
def first_largest(x, top, left, window):
    """``(the largest entry of a window or NaN, the first tap that has it)``."""
    best, tap = entry_at(x, top, left), 0
    for t in range(1, window[0] * window[1]):
        v = entry_at(x, top + t // window[1], left + t % window[1])
        if v > best or (np.isnan(v) and not np.isnan(best)):
            best, tap = v, t
    return best, tap


@naive
def max_pool(x, window, stride, pads, out):
    """for n, c, i, j: out[n,c,i,j] = the largest entry of the window at (i, j), NaN if one is"""
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    out[n, c, i, j], _ = first_largest(
                        x[n, c], i * stride[0] - pads[0][0], j * stride[1] - pads[1][0], window)


@naive
def max_pool_input(g, x, window, stride, pads, out):
    """for n, c, i, j: out at the first of the largest entries += g[n,c,i,j]; none if one is NaN"""
    out[:] = 0
    for n in range(g.shape[0]):
        for c in range(g.shape[1]):
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    top, left = i * stride[0] - pads[0][0], j * stride[1] - pads[1][0]
                    best, tap = first_largest(x[n, c], top, left, window)
                    row, column = top + tap // window[1], left + tap % window[1]
                    inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
                    if inside and not np.isnan(best):
                        out[n, c, row, column] += g[n, c, i, j]


@naive
def sum_pool(x, window, stride, pads, out):
    """for n, c, i, j: out[n,c,i,j] = the sum of the window at (i, j)"""
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    sum = x.dtype.type(0)
                    for k in range(window[0]):
                        for m in range(window[1]):
                            row = i * stride[0] - pads[0][0] + k
                            column = j * stride[1] - pads[1][0] + m
                            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                                sum += x[n, c, row, column]
                    out[n, c, i, j] = sum


@naive
def sum_pool_input(g, window, stride, pads, out):
    """for n, c, i, j: out at each entry of the window += g[n,c,i,j]"""
    out[:] = 0
    for n in range(g.shape[0]):
        for c in range(g.shape[1]):
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    for k in range(window[0]):
                        for m in range(window[1]):
                            row = i * stride[0] - pads[0][0] + k
                            column = j * stride[1] - pads[1][0] + m
                            if 0 <= row < out.shape[2] and 0 <= column < out.shape[3]:
                                out[n, c, row, column] += g[n, c, i, j]
