"""What depthwise convolution, its gradients and those of dense convolution are: plain loops.

Images are f[N,C,H,W]; of channels last they are views. Taps that lie outside of an image add
nothing.
"""

import numpy as np

from aisys_lab.kernels.jit import entry

naive = entry(fastmath=False)


@naive
def depthwise(x, w, bias, stride, pads, dilation, out):
    """for n, c, i, j: out = bias[c] + sum over taps (k, l) of w[c,k,l] * x[n, c, row, column]"""
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    sum = bias[c]
                    for k in range(w.shape[1]):
                        for m in range(w.shape[2]):
                            row = i * stride[0] - pads[0][0] + k * dilation[0]
                            column = j * stride[1] - pads[1][0] + m * dilation[1]
                            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                                sum += w[c, k, m] * x[n, c, row, column]
                    out[n, c, i, j] = sum


@naive
def depthwise_input(g, w, stride, pads, dilation, out):
    """for n, c, i, j, k, l: out[n, c, row, column] += w[c,k,l] * g[n,c,i,j]"""
    out[:] = 0
    for n in range(g.shape[0]):
        for c in range(g.shape[1]):
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    for k in range(w.shape[1]):
                        for m in range(w.shape[2]):
                            row = i * stride[0] - pads[0][0] + k * dilation[0]
                            column = j * stride[1] - pads[1][0] + m * dilation[1]
                            if 0 <= row < out.shape[2] and 0 <= column < out.shape[3]:
                                out[n, c, row, column] += w[c, k, m] * g[n, c, i, j]


@naive
def depthwise_weight(x, g, stride, pads, dilation, out):
    """for n, c, i, j, k, l: out[c,k,l] += g[n,c,i,j] * x[n, c, row, column]"""
    out[:] = 0
    for n in range(g.shape[0]):
        for c in range(g.shape[1]):
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    for k in range(out.shape[1]):
                        for m in range(out.shape[2]):
                            row = i * stride[0] - pads[0][0] + k * dilation[0]
                            column = j * stride[1] - pads[1][0] + m * dilation[1]
                            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                                out[c, k, m] += g[n, c, i, j] * x[n, c, row, column]


@naive
def conv2d_input(g, w, stride, pads, dilation, groups, out):
    """for n, o, i, j, c of o's group, k, l: out[n, c, row, column] += w[o,c,k,l] * g[n,o,i,j]"""
    out[:] = 0
    each = w.shape[0] // groups
    for n in range(g.shape[0]):
        for o in range(g.shape[1]):
            first = o // each * w.shape[1]
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    for c in range(w.shape[1]):
                        for k in range(w.shape[2]):
                            for m in range(w.shape[3]):
                                row = i * stride[0] - pads[0][0] + k * dilation[0]
                                column = j * stride[1] - pads[1][0] + m * dilation[1]
                                if 0 <= row < out.shape[2] and 0 <= column < out.shape[3]:
                                    out[n, first + c, row, column] += w[o, c, k, m] * g[n, o, i, j]


@naive
def conv2d_weight(x, g, stride, pads, dilation, groups, out):
    """for n, o, i, j, c of o's group, k, l: out[o,c,k,l] += g[n,o,i,j] * x[n, c, row, column]"""
    out[:] = 0
    each = out.shape[0] // groups
    for n in range(g.shape[0]):
        for o in range(g.shape[1]):
            first = o // each * out.shape[1]
            for i in range(g.shape[2]):
                for j in range(g.shape[3]):
                    for c in range(out.shape[1]):
                        for k in range(out.shape[2]):
                            for m in range(out.shape[3]):
                                row = i * stride[0] - pads[0][0] + k * dilation[0]
                                column = j * stride[1] - pads[1][0] + m * dilation[1]
                                if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                                    out[o, c, k, m] += g[n, o, i, j] * x[n, first + c, row, column]


@naive
def pointwise(x, w, bias, out):
    """for n, o, i, j: out[n,o,i,j] = bias[o] + sum over c of w[o,c] * x[n,c,i,j]"""
    for n in range(out.shape[0]):
        for o in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    sum = bias[o]
                    for c in range(x.shape[1]):
                        sum += w[o, c] * x[n, c, i, j]
                    out[n, o, i, j] = sum


@entry
def shifted(x, w, bias, stride, pads, dilation, out):
    """Tap by tap: the whole image, shifted and weighed, is added; lines become vector code."""
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[n, c] = bias[c]
            for k in range(w.shape[1]):
                for m in range(w.shape[2]):
                    v, column = w[c, k, m], m * dilation[1] - pads[1][0]
                    first = max(0, -(column // stride[1]))
                    last = min(out.shape[3], (x.shape[3] - 1 - column) // stride[1] + 1)
                    for i in range(out.shape[2]):
                        row = i * stride[0] - pads[0][0] + k * dilation[0]
                        if 0 <= row < x.shape[2]:
                            for j in range(first, last):
                                out[n, c, i, j] += v * x[n, c, row, j * stride[1] + column]


@naive
def integer(x, w, zero, stride, pads, dilation, groups, out):
    """for n, i, j, o: out = sum over taps (k, m) and channels c of (x - zero) * w, in int32"""
    each = out.shape[3] // groups
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                for o in range(out.shape[3]):
                    sum, first = np.int32(0), o // each * w.shape[2]
                    for k in range(w.shape[0]):
                        for m in range(w.shape[1]):
                            row = i * stride[0] - pads[0][0] + k * dilation[0]
                            column = j * stride[1] - pads[1][0] + m * dilation[1]
                            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                                for c in range(w.shape[2]):
                                    v = np.int32(x[n, row, column, first + c]) - np.int32(zero)
                                    sum += v * np.int32(w[k, m, c, o])
                    out[n, i, j, o] = sum
