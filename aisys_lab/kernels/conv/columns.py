"""im2col: every window of an image becomes a line of a matrix, and a matrix product does the rest.

The matrix has as many numbers as the image times the taps of the window, all of them copies.
(Chellapilla, Puri and Simard 2006; Caffe.) A 1x1 window at stride 1 needs none: the image is that
matrix.
"""

import numpy as np

from aisys_lab.kernels.block import VECTORS
from aisys_lab.kernels.conv.algorithm import Algorithm, finish
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import blank, copy_line
from aisys_lab.kernels.packed import product, room_for
from aisys_lab.kernels.vector import keep, lanes, offset, pointer


@part
def sizes(at):
    """``(high, wide, channels, lines, columns, rows of the window, columns of it, stride, dilation,
    pads above and left, groups, channels out)``, pairs as tuples."""
    return (at[0], at[1], at[2], at[3], at[4], at[5], at[6], (at[7], at[8]), (at[9], at[10]),
            (at[11], at[12]), at[13], at[14])


@part
def met(i, tap, stride, dilation, pad):
    """The line of an image that window i meets with a tap."""
    return i * stride + tap * dilation - pad


@native
def columns_last(x, at, each, to):
    """``to[place, tap, channel]`` of ``each`` channels of an image [H,W,C]; pads are zeros."""
    high, wide, c, lines, columns, down, along, stride, dilation, pads, _, _ = sizes(at)
    for i in range(lines):
        for j in range(columns):
            for u in range(down):
                for v in range(along):
                    row = met(i, u, stride[0], dilation[0], pads[0])
                    column = met(j, v, stride[1], dilation[1], pads[1])
                    if 0 <= row < high and 0 <= column < wide:
                        copy_line(offset(x, (row * wide + column) * c), to, each)
                    else:
                        for k in range(each):
                            to[k] = 0
                    to = offset(to, each)


@native
def columns_first(x, at, each, to):
    """``to[channel, tap, place]`` of ``each`` channels of an image [C,H,W]; pads are zeros."""
    high, wide, _, lines, columns, down, along, stride, dilation, pads, _, _ = sizes(at)
    for c in range(each):
        for u in range(down):
            for v in range(along):
                for i in range(lines):
                    row = met(i, u, stride[0], dilation[0], pads[0])
                    line = offset(x, (c * high + row) * wide)
                    for j in range(columns):
                        column = met(j, v, stride[1], dilation[1], pads[1])
                        inside = 0 <= row < high and 0 <= column < wide
                        to[j] = line[column] if inside else 0
                    to = offset(to, columns)


@entry
def into_last(x, at, plain, w, out, columns, room):
    """``out[n] = columns of x[n] @ w[taps · C / groups, O]``, group by group; ``plain``: x[n] is
    its own matrix of columns."""
    high, wide, c, lines, across, down, along, _, _, _, groups, count = sizes(at)
    each, places, depth, made = c // groups, lines * across, w.shape[0], count // groups
    for n in range(len(x)):
        for g in range(groups):
            source, ld = offset(pointer(x), n * high * wide * c + g * each), c
            if not plain:
                columns_last(source, pointer(at), each, pointer(columns))
                source, ld = pointer(columns), depth
            product(places, made, depth, source, ld, 1, offset(pointer(w), g * made), count, 1,
                    offset(pointer(out), n * places * count + g * made), count, pointer(room))
    keep(columns)
    keep(room)


@entry
def into_first(x, at, plain, w, out, columns, room):
    """``out[n] = w[O, C / groups · taps] @ columns of x[n]``, group by group."""
    high, wide, c, lines, across, down, along, _, _, _, groups, count = sizes(at)
    each, places, depth, made = c // groups, lines * across, w.shape[1], count // groups
    for n in range(len(x)):
        for g in range(groups):
            source = offset(pointer(x), (n * c + g * each) * high * wide)
            if not plain:
                columns_first(source, pointer(at), each, pointer(columns))
                source = pointer(columns)
            product(made, places, depth, offset(pointer(w), g * made * depth), depth, 1, source,
                    places, 1, offset(pointer(out), (n * count + g * made) * places), places,
                    pointer(room))
    keep(columns)
    keep(room)


# ---- the algorithm

def plain(g):
    """Whether every window is a pixel, all in order."""
    return g.taps == 1 and g.stride == (1, 1) and g.padded == g.image


def columns_of(g):
    """Numbers of the matrix of columns, of one image and group."""
    return 0 if plain(g) else g.places[0] * g.places[1] * g.taps * (g.channels // g.groups)


@entry
def product_room(m, n, k, like):
    """Numbers of working memory of a product."""
    return sum(room_for(m, n, k, VECTORS * lanes(pointer(like))))


def product_rooms(g, dtype):
    """The same, of the product of a group."""
    m, n, k = g.places[0] * g.places[1], g.out // g.groups, g.taps * g.channels // g.groups
    m, n = (m, n) if g.layout == "NHWC" else (n, m)
    return product_room(m, n, k, np.empty(0, dtype))


def form(w, layout, groups):
    """Weights as a matrix."""
    w = np.ascontiguousarray(w)
    return w.reshape(-1, w.shape[3]) if layout == "NHWC" else w.reshape(len(w), -1)


def run(x, w, bias, activation, g):
    """All windows copied into columns, then one matrix product a group."""
    at = np.array([*g.image, g.channels, *g.places, *g.window, *g.stride, *g.dilation, g.pads[0][0],
                   g.pads[1][0], g.groups, g.out])
    out = blank(g.shape, x.dtype)
    into = into_last if g.layout == "NHWC" else into_first
    into(x, at, plain(g), w, out, blank((columns_of(g),), x.dtype),
         blank((product_rooms(g, x.dtype),), x.dtype))
    return finish(out, bias, activation, g.layout)


IM2COL = Algorithm(form, run, lambda g, dtype: columns_of(g) + product_rooms(g, dtype))
