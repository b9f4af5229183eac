"""Data where the registers want it, and convolution through pointers.

NC4HW4 is the layout of MNN (X. Jiang et al., "MNN: A Universal and Efficient Inference Engine",
MLSys 2020). M. Dukhan, "The Indirect Convolution Algorithm", 2019, arXiv:1907.02129; QNNPACK and
XNNPACK convolve in this way.
"""

import numpy as np

from aisys_lab.core import slot
from aisys_lab.kernels.lessons.im2col import places_of


@slot("kernels.pack_nc4hw4")
def pack_nc4hw4(x):
    """[N,C,H,W] -> [N,⌈C/4⌉,H,W,4]: four channels of a pixel side by side; zeros fill the last."""
    n, c, h, w = x.shape
    packed = np.zeros((n, (c + 3) // 4, h, w, 4), x.dtype)
    for channel in range(c):
        packed[:, channel // 4, :, :, channel % 4] = x[:, channel]
    return packed


@slot("kernels.indirect_table")
def indirect_table(sizes, kernel, stride, padding, dilation):
    """table[OH·OW, KH·KW]: for each place and tap the row of its pixel, h·W + w.

    Where a tap is outside, H·W: the row behind the last one. All arguments are pairs.
    """
    height, width = sizes
    oh, ow = places_of(sizes, kernel, stride, padding, dilation)
    h = touched(oh, kernel[0], stride[0], padding[0], dilation[0])[:, None, :, None]
    w = touched(ow, kernel[1], stride[1], padding[1], dilation[1])[None, :, None, :]
    inside = (h >= 0) & (h < height) & (w >= 0) & (w < width)
    return np.where(inside, h * width + w, height * width).reshape(oh * ow, -1)


def touched(places, kernel, stride, padding, dilation):
    """[places, kernel]: where along an axis a tap of a place lies."""
    return np.add.outer(np.arange(places) * stride - padding, np.arange(kernel) * dilation)


@slot("kernels.indirect_conv")
def indirect_conv(x, zero, table, w):
    """out[P,O]: x[rows,C] convolved with w[O,taps,C] through table[P,taps]; no pixel is copied.

    The row behind the last one is ``zero`` [C]: zeros, or the zero point of quantised data.
    """
    out = np.empty((table.shape[0], w.shape[0]), x.dtype)
    for p in range(table.shape[0]):
        for o in range(w.shape[0]):
            total = x.dtype.type(0)
            for t in range(w.shape[1]):
                row = table[p, t]
                for c in range(w.shape[2]):
                    value = x[row, c] if row < x.shape[0] else zero[c]
                    total += value * w[o, t, c]
            out[p, o] = total
    return out
