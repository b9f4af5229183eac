"""Depthwise convolution of images f[N,C,H,W], plane by plane, and its gradients.

A channel of an image is laid into planes, which stay in the first cache, and every tap of its
window is one multiply-add a vector from there. Sums of windows (pooling) are the same with weights
of one, shared by all channels.
"""

import numpy as np
from numba import prange

from aisys_lab.kernels.conv.correlate import correlate, correlate_weights, totals
from aisys_lab.kernels.conv.planes import collect, room_of, spread
from aisys_lab.kernels.conv.three import correlate_weights_three, three_by_three
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.vector import keep, lanes, offset, pointer


@part
def share(count, parts, p):
    """The first and the last but one of the pieces that part p of so many takes."""
    return count * p // parts, count * (p + 1) // parts


# ---- forward: every place of the window

@part
def place(x, w, bias, at, offsets, out, first, last):
    """Planes ``first`` to ``last - 1``."""
    room, taps, channels = room_of(at, x, 0), offsets.size, len(w)
    image, places, columns = at[0] * at[1], at[8] * at[9], at[9]
    for i in range(first, last):
        c = i % channels
        spread(offset(pointer(x), i * image), pointer(at), 0, pointer(room))
        correlate(pointer(room), at[6], pointer(offsets), offset(pointer(w), c * taps), taps,
                  bias[c], at[8], columns, offset(pointer(out), i * places), columns,
                  (last - i) * places)
    keep(room)


@entry
def into(x, w, bias, at, offsets, out):
    """``out[n,c] = bias[c] + sum over taps of w[c] * x[n,c] shifted``; w f[C,KH,KW] or f[1,KH,KW],
    and ``at`` and ``offsets`` of the planes of x."""
    place(x, w, bias, at, offsets, out, 0, x.shape[0] * x.shape[1])


@entry(parallel=True)
def into_parts(x, w, bias, at, offsets, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[0] * x.shape[1], parts, p)
        place(x, w, bias, at, offsets, out, first, last)


# ---- the way back to images: plane by plane, each a sum over its own taps of the window

@part
def place_back(g, w, image, result, inner, order, offsets, counts, firsts, out, first, last):
    """Planes ``first`` to ``last - 1``; at stride 1 a plane is the image itself."""
    room, planes, weights = room_of(result, g, 0), room_of(image, g, 0), aligned(order.size, g)
    area, places, taps, direct = image[0] * image[1], g.shape[2] * g.shape[3], order.size, len(
        counts) == 1
    for i in range(first, last):
        spread(offset(pointer(g), i * places), pointer(result), 0, pointer(room))
        to, end = offset(pointer(out), i * area), (last - i) * area
        for t in range(taps):
            weights[t] = offset(pointer(w), i % len(w) * taps)[order[t]]
        done = 0
        for k in range(len(counts)):
            at, ld, limit = (to, image[1], end) if direct else (
                offset(pointer(planes), firsts[k]), image[6], planes.size)
            correlate(pointer(room), result[6], offset(pointer(offsets), done),
                      offset(pointer(weights), done), counts[k], 0, inner[0], inner[1], at, ld,
                      limit)
            done += counts[k]
        if not direct:
            collect(pointer(planes), pointer(image), to, end)
    keep(room)
    keep(planes)
    keep(weights)


@entry
def back(g, w, image, result, inner, order, offsets, counts, firsts, out):
    """``out[n,c,row] = sum over taps and places that meet the row of w[c] * g[n,c,place]``."""
    place_back(g, w, image, result, inner, order, offsets, counts, firsts, out, 0,
               g.shape[0] * g.shape[1])


@entry(parallel=True)
def back_parts(g, w, image, result, inner, order, offsets, counts, firsts, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(g.shape[0] * g.shape[1], parts, p)
        place_back(g, w, image, result, inner, order, offsets, counts, firsts, out, first, last)


# ---- the gradient of the weights: channel by channel, over all images

@native
def sum_images(x, images, ldx, g, ldg, count, at, offsets, taps, fast, room, sums, to):
    """The gradients of the weights of ``count`` channels; images lie ``ldx`` numbers apart."""
    each, image, places = taps * lanes(sums), at[0] * at[1], at[8] * at[9]
    for i in range(count * each):
        sums[i] = 0
    for n in range(images):
        for c in range(count):
            spread(offset(x, n * ldx + c * image), at, 0, room)
            values, sum = offset(g, n * ldg + c * places), offset(sums, c * each)
            if fast:
                correlate_weights_three(offset(room, offsets[0]), at[6], values, at[8], at[9], sum)
            else:
                correlate_weights(room, at[6], offsets, values, taps, at[8], at[9], sum)
    totals(sums, count * taps, to)


@part
def place_weights(x, g, at, offsets, out, first, last):
    """Channels ``first`` to ``last - 1``; those that overflow or meet a NaN are computed again in
    the way that multiplies nothing but what is in the sums."""
    room, taps, channels = room_of(at, x, 0), offsets.size, x.shape[1]
    sums = aligned((last - first) * taps * lanes(pointer(x)), x)
    image, places = at[0] * at[1], at[8] * at[9]
    fast = three_by_three(pointer(offsets), taps, at[6])
    sum_images(offset(pointer(x), first * image), len(x), channels * image,
               offset(pointer(g), first * places), channels * places, last - first, pointer(at),
               pointer(offsets), taps, fast, pointer(room), pointer(sums),
               offset(pointer(out), first * taps))
    for c in range(first, last):
        if fast and not np.isfinite(out[c].sum()):
            sum_images(offset(pointer(x), c * image), len(x), channels * image,
                       offset(pointer(g), c * places), channels * places, 1, pointer(at),
                       pointer(offsets), taps, False, pointer(room), pointer(sums),
                       offset(pointer(out), c * taps))
    keep(room)
    keep(sums)


@entry
def weights(x, g, at, offsets, out):
    """``out[c,tap] = sum over n and places of g[n,c,place] * x[n,c,place and tap]``."""
    place_weights(x, g, at, offsets, out, 0, x.shape[1])


@entry(parallel=True)
def weights_parts(x, g, at, offsets, out, parts):
    """The same by several threads."""
    for p in prange(parts):
        first, last = share(x.shape[1], parts, p)
        place_weights(x, g, at, offsets, out, first, last)
