"""Pointwise convolution of images f[N,C,H,W] as they lie: each is the right side of a product."""

from numba import prange

from aisys_lab.kernels.block import VECTORS
from aisys_lab.kernels.conv.depthwise_planes import share
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.packed import product, room_for
from aisys_lab.kernels.vector import (
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    store,
    store_part,
)


@native
def add_down(p, rows, count, ld, bias):
    """Adds ``bias[i]`` to each of the ``count`` numbers of line i; lines lie ``ld`` apart."""
    lane = lanes(p)
    full = count - count % lane
    for i in range(rows):
        line, b = offset(p, i * ld), bias[i]
        for j in range(0, full, lane):
            store(load(line, j) + b, line, j)
        if full < count:
            store_part(load_part(line, full, count - full, 0) + b, line, full, count - full)


@part
def place(x, w, step, along, bias, out, first, last):
    """Images ``first`` to ``last - 1``; element (o, c) of w lies at o·step + c·along."""
    channels, count, area = x.shape[1], out.shape[1], x.shape[2] * x.shape[3]
    room = aligned(sum(room_for(count, area, channels, VECTORS * lanes(pointer(x)))), x)
    for n in range(first, last):
        to = offset(pointer(out), n * count * area)
        product(count, area, channels, pointer(w), step, along,
                offset(pointer(x), n * channels * area), area, 1, to, area, pointer(room))
        if bias.size:
            add_down(to, count, area, area, pointer(bias))
    keep(room)


@entry
def into(x, w, step, along, bias, out):
    """``out[n,o,pixel] = bias[o] + sum over c of w[o,c] · x[n,c,pixel]``; without a bias if it is
    empty. There is a channel and a pixel at least."""
    place(x, w, step, along, bias, out, 0, len(x))


@entry(parallel=True)
def into_parts(x, w, step, along, bias, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(len(x), parts, p)
        place(x, w, step, along, bias, out, first, last)
