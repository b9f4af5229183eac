"""Attention before tiles: by its definition, with all scores in memory, and row by row online.

All take 4-d arrays: q f[b,heads,t,d], k f[b,fewer,s,d], v f[b,fewer,s,e], where heads is a multiple
of fewer, and neighbours share a head of k and v.
"""

import math

import numpy as np

from aisys_lab.kernels.attention_parts import LOG2E, apart, head_of, line, scaled_line, wide
from aisys_lab.kernels.attention_softmax import LOWEST, hide, lowest, peak, weigh
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.packed import product, room_for
from aisys_lab.kernels.vector import keep, lanes, offset, pointer, splat, total


@part
def keys_of(i, t, s, causal):
    """How many keys query i of t sees."""
    return max(0, i + s - t + 1) if causal else s


# ---- naive

@entry(fastmath=False)
def naive(q, k, v, causal, out):
    """for each query: out = sum over its keys of e^(score - largest) v / sum of e^(score - largest)
    """
    (many, heads, t, _), (_, fewer, s, _) = q.shape, v.shape
    for b in range(many):
        for h in range(heads):
            g = h * fewer // heads
            for i in range(t):
                row(q[b, h, i], k[b, g], v[b, g], keys_of(i, t, s, causal), out[b, h, i])


@part(fastmath=False)
def row(q, k, v, seen, out):
    """One query over its first ``seen`` keys, all of whose scores are kept."""
    scores = np.empty(seen, q.dtype)
    for j in range(seen):
        scores[j] = scaled_product(q, k[j])
    high, sum = np.max(scores) if seen else 0.0, 0.0
    for j in range(seen):
        scores[j] = math.exp(scores[j] - high)
        sum += scores[j]
    for c in range(len(out)):
        mixed = 0.0
        for j in range(seen):
            mixed += scores[j] * v[j, c]
        out[c] = mixed / sum


@part
def scaled_product(q, k):
    """q · k / sqrt(d)."""
    sum = q.dtype.type(0)
    for c in range(len(q)):
        sum += q[c] * k[c]
    return sum / math.sqrt(len(q))


# ---- online

@entry
def online(q, k, v, causal, out):
    """Each key once, nothing kept: where a larger score comes, the sums so far shrink by
    e^(old - new) (Milakov and Gimelshein 2018, arXiv:1805.02867)."""
    (many, heads, t, _), (_, fewer, s, _) = q.shape, v.shape
    for b in range(many):
        for h in range(heads):
            g = h * fewer // heads
            for i in range(t):
                row_online(q[b, h, i], k[b, g], v[b, g], keys_of(i, t, s, causal), out[b, h, i])


@part
def row_online(q, k, v, seen, out):
    """One query over its first ``seen`` keys."""
    high, sum = LOWEST[0] if q.itemsize == 4 else LOWEST[1], 0.0
    out[:] = 0
    for j in range(seen):
        score = scaled_product(q, k[j])
        if score > high:
            shrink = q.dtype.type(math.exp(high - score))
            high, sum = score, sum * shrink
            for c in range(len(out)):
                out[c] *= shrink
        weight = q.dtype.type(math.exp(score - high))
        sum += weight
        for c in range(len(out)):
            out[c] += weight * v[j, c]
    for c in range(len(out)):
        out[c] /= sum


# ---- materialised

@part
def scores_line(s, p):
    """Numbers from row to row of all scores of a head."""
    return line(s + lanes(p), p)


@part
def product_room(t, s, d, e, p):
    """Numbers of working memory of both products."""
    return sum(room_for(t, s, d, wide(p))) + sum(room_for(t, e, max(1, s), wide(p)))


@part
def materialised_size(t, s, d, e, p):
    """Numbers of working memory for a head: all scores, and that of both products."""
    return t * scores_line(s, p) + product_room(t, s, d, e, p)


@native
def soften_all(scores, lds, t, s, causal, scale):
    """Each row of scores becomes its softmax; hidden keys get weight 0."""
    for i in range(t):
        p, seen = offset(scores, i * lds), keys_of(i, t, s, causal)
        scaled_line(p, s, splat(p, scale), p)
        hide(p, 0, 1, s, seen, 0)
        sum = total(weigh(p, seen, peak(p, seen, lowest(p))))
        scaled_line(p, seen, splat(p, 1) / splat(p, sum), p)
        for j in range(seen, s):
            p[j] = 0 / sum  # NaN where no key is seen


@entry
def materialised_room(t, s, d, e, like):
    """Numbers of working memory of ``materialised`` for arrays like this one."""
    return materialised_size(t, s, d, e, pointer(like))


@entry
def materialised(q, k, v, causal, out):
    """Two matrix products, and all t × s scores of a head in memory between them. A hidden value
    that is not finite counts here: 0 · NaN is NaN."""
    (many, heads, t, d), (_, fewer, s, e) = q.shape, v.shape
    scores = aligned(materialised_size(t, s, d, e, pointer(q)), q)
    lds = scores_line(s, pointer(q))
    p, room = pointer(scores), offset(pointer(scores), t * lds)
    for b in range(many):
        for h in range(heads):
            g = h * fewer // heads
            product(t, s, d, head_of(q, b, h), apart(q), 1, head_of(k, b, g), 1, apart(k), p, lds,
                    room)
            soften_all(p, lds, t, s, causal, LOG2E / math.sqrt(d))
            product(t, e, s, p, lds, 1, head_of(v, b, g), apart(v), 1, head_of(out, b, h), e, room)
    keep(scores)
