"""The definition of convolution: seven loops. Pads hold zeros, which are multiplied like others."""

import numpy as np

from aisys_lab.kernels.conv.algorithm import Algorithm, finish
from aisys_lab.kernels.jit import entry


@entry(fastmath=False)
def loops(x, w, stride, pads, dilation, groups, out):
    """out[n,i,j,o] = sum over u, v, c of x[n, i·stride + u·dilation - pad, …, c] · w[u,v,c,o]

    of images [N,H,W,C], with the weights [KH,KW,C / groups,O].
    """
    (_, high, wide, _), (down, along, each, count) = x.shape, w.shape
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                for o in range(count):
                    total, first = out.dtype.type(0), o // (count // groups) * each
                    for u in range(down):
                        for v in range(along):
                            row = i * stride[0] + u * dilation[0] - pads[0]
                            column = j * stride[1] + v * dilation[1] - pads[1]
                            inside = 0 <= row < high and 0 <= column < wide
                            for c in range(each):
                                number = x[n, row, column, first + c] if inside else 0
                                total += number * w[u, v, c, o]
                    out[n, i, j, o] = total


def run(x, w, bias, activation, g):
    """The definition: for n: for i: for j: for o: a sum over the window and its channels."""
    out = np.empty((g.batch, *g.places, g.out), x.dtype)
    loops(np.ascontiguousarray(channels_last(x, g.layout)), w, g.stride,
          (g.pads[0][0], g.pads[1][0]), g.dilation, g.groups, out)
    return finish(in_layout(out, g.layout), bias, activation, g.layout)


def channels_last(x, layout):
    """Images of a layout as [N,H,W,C], without a copy."""
    return x if layout == "NHWC" else x.transpose(0, 2, 3, 1)


def in_layout(out, layout):
    """A result [N,H,W,C] in a layout."""
    return out if layout == "NHWC" else np.ascontiguousarray(out.transpose(0, 3, 1, 2))


def taps_first(w, layout, groups=1):
    """Weights of a layout as [KH,KW,C / groups,O]."""
    return np.ascontiguousarray(w if layout == "NHWC" else w.transpose(2, 3, 1, 0))


NAIVE = Algorithm(taps_first, run, lambda g, dtype: 0)
