"""Attention of one query a head over a cache of keys and values: each is read once, in order.

There is one multiply-add for every number that is read, so memory sets the pace. A block of keys
serves all queries that share a head of k and v; each goes on with its softmax from the block before
(Dao and others 2023, Flash-Decoding, where blocks run in parallel).
"""

import math

from numba import prange

from aisys_lab.kernels.attention_parts import LOG2E, apart, copy_scaled, head_of, line
from aisys_lab.kernels.attention_softmax import hide, peak, soften
from aisys_lab.kernels.attention_tiled import begin, finish
from aisys_lab.kernels.block import ROWS
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.lines import block_products
from aisys_lab.kernels.moves import LINE, aligned
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.vector import (
    fma,
    keep,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    prefetch,
    size_of,
    splat,
    store,
)

BLOCK = 128  # keys
AHEAD = 32  # keys whose numbers are asked for before they are needed


@part
def expect(p, count):
    """``count`` numbers are on their way before they are needed."""
    for c in range(0, count, LINE // size_of(p)):
        prefetch(p, c)


@part
def add_line(p, count, weight, to):
    """``count`` numbers times a weight, added to whole registers."""
    w, many = lanes(p), splat(p, weight)
    full = count - count % w
    for c in range(0, full, w):
        store(fma(load(p, c), many, load(to, c)), to, c)
    if full < count:
        store(fma(load_part(p, full, count - full, 0), many, load(to, full)), to, full)


@part
def score_keys(query, keys, ldk, count, d, scores):
    """A query times each key."""
    for j in range(count):
        expect(offset(keys, (j + AHEAD) * ldk), d)
        scores[j] = block_products(query, offset(keys, j * ldk), d)


@part
def add_values(weights, values, ldv, count, e, sums):
    """Weights times values, added to ``sums``."""
    for j in range(count):
        expect(offset(values, (j + AHEAD) * ldv), e)
        add_line(offset(values, j * ldv), e, weights[j], sums)


@part
def room_for(group, d, e, p):
    """Numbers of working memory: queries, scores, sums, totals, largest scores."""
    rows = whole(group, ROWS)
    return rows * line(d, p), BLOCK + lanes(p), rows * line(e, p), rows * lanes(p), rows


@native
def decode(q, k, ldk, v, ldv, length, group, d, e, room, out):
    """``group`` queries, close together, over the first ``length`` keys of a head."""
    first, second, third, fourth, _ = room_for(group, d, e, room)
    scores = offset(room, first)
    sums = offset(scores, second)
    totals = offset(sums, third)
    highs = offset(totals, fourth)
    copy_scaled(q, d, group, d, LOG2E / math.sqrt(d), room)
    begin(group, e, sums, totals, highs)
    for j in range(0, length, BLOCK):
        count = min(BLOCK, length - j)
        for r in range(group):
            row = offset(sums, r * line(e, sums))
            score_keys(offset(room, r * line(d, room)), offset(k, j * ldk), ldk, count, d, scores)
            hide(scores, 0, 1, count, count, 0)
            top = peak(scores, count, highs[r])
            soften(scores, count, j > 0, highs[r], top, offset(totals, r * lanes(room)), row, e)
            highs[r] = top
            add_values(scores, offset(v, j * ldv), ldv, count, e, row)
    finish(group, e, sums, totals, highs, out, e)


@part
def place(q, k, v, length, out, first, last):
    """Heads ``first`` to ``last`` - 1 of k and v, counted over the batch, with their queries."""
    (_, many, _, d), (_, heads, _, e) = q.shape, v.shape
    group = many // heads
    room = aligned(sum(room_for(group, d, e, pointer(q))), q)
    for unit in range(first, last):
        b, h = unit // heads, unit % heads
        decode(head_of(q, b, h * group), head_of(k, b, h), apart(k), head_of(v, b, h), apart(v),
               length, group, d, e, pointer(room), head_of(out, b, h * group))
    keep(room)


@entry
def into(q, k, v, length, out):
    """out[b,h,0] = attention of the query q[b,h,0] over keys 0 to ``length`` - 1; q and out in C
    order."""
    place(q, k, v, length, out, 0, k.shape[0] * k.shape[1])


@entry(parallel=True)
def into_parts(q, k, v, length, out, parts):
    """The same by several threads, each for some heads of k and v."""
    units = k.shape[0] * k.shape[1]
    for p in prange(parts):
        place(q, k, v, length, out, p * units // parts, (p + 1) * units // parts)
