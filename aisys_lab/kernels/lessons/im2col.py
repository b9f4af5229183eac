"""Convolution as a matrix product: every window becomes a column.

K. Chellapilla, S. Puri, P. Simard, "High Performance Convolutional Neural Networks for Document
Processing", IWFHR 2006; Caffe's im2col. Layouts: x[N,C,H,W], w[O,C/groups,KH,KW]; every setting
but the groups is a pair, for height and width.
"""

import numpy as np

from aisys_lab.core import LabError, slot


def places(size, kernel, stride, padding, dilation):
    """How many windows there are along an axis: at every ``stride``-th place where all taps fit."""
    reach = dilation * (kernel - 1) + 1
    if reach > size + 2 * padding:
        raise LabError(f"a window of {reach} does not fit into {size} with padding {padding}.")
    return (size + 2 * padding - reach) // stride + 1


def places_of(sizes, kernel, stride, padding, dilation):
    """``(OH, OW)`` of pairs."""
    return tuple(map(places, sizes, kernel, stride, padding, dilation))


@slot("kernels.im2col")
def im2col(x, kernel, stride, padding, dilation):
    """columns[N, C·KH·KW, OH·OW]: a column is the window of a place, zeros where it is outside.

    Row ``(c·KH + i)·KW + j`` holds tap (i, j) of channel c, for all places: a strided slice of x.
    """
    n, c, *sizes = x.shape
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    oh, ow = places_of(sizes, kernel, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            top, left = i * dh, j * dw
            columns[:, :, i, j] = padded[:, :, top:top + sh * (oh - 1) + 1:sh,
                                         left:left + sw * (ow - 1) + 1:sw]
    return columns.reshape(n, c * kh * kw, oh * ow)


@slot("kernels.conv_gemm")
def conv_gemm(x, w, stride, padding, dilation, groups):
    """out[N,O,OH,OW]: a matrix product a group, of the weights' rows and the windows' columns."""
    n, _, *sizes = x.shape
    o, each, *kernel = w.shape
    columns = im2col(x, kernel, stride, padding, dilation)
    columns = columns.reshape(n, groups, each * kernel[0] * kernel[1], -1)
    out = w.reshape(groups, o // groups, -1) @ columns
    return out.reshape(n, o, *places_of(sizes, kernel, stride, padding, dilation))
