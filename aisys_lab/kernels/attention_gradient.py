"""Gradients of attention by tiles: weights are made again from scores and their logsumexp.

With the weights p = exp(scores - logsumexp) and gp = g v', the scores have the gradient
gs = p (gp - sum over e of g out); then gv = p' g, gq = gs k / sqrt(d) and gk = gs' q / sqrt(d),
summed block by block of queries and keys (Dao et al. 2022, arXiv:2205.14135, algorithm 4).
"""

import math

from numba import prange

from aisys_lab.kernels.attention_parts import (
    LOG2E,
    apart,
    clear,
    copy_panels,
    copy_scaled,
    head_of,
    line,
    scaled_line,
    wide,
)
from aisys_lab.kernels.attention_softmax import power
from aisys_lab.kernels.attention_tiled import KEYS, QUERIES, mix, score, score_line
from aisys_lab.kernels.block import ROWS, add, run, zero
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.lines import block_products
from aisys_lab.kernels.moves import LINE, aligned, pack
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.vector import keep, lanes, load, offset, pointer, splat, store

# ---- working memory

@part
def panels_size(s, d, p):
    """Numbers for panels of d numbers of s tokens, either way round."""
    return whole(max(whole(s, wide(p)) * d, whole(d, wide(p)) * s), LINE)


@part
def head_places(room, s, d, e):
    """Where lie, of a head: panels of keys for scores, of values, of keys for gq; sums of gk, of
    gv; and what follows."""
    values = offset(room, panels_size(s, d, room))
    columns = offset(values, panels_size(s, e, room))
    gk = offset(columns, panels_size(s, d, room))
    gv = offset(gk, whole(s, ROWS) * line(d, room))
    return room, values, columns, gk, gv, offset(gv, whole(s, ROWS) * line(e, room))


@part
def block_places(room, t, s, d, e):
    """Where lie, of a block of queries: queries and g, as rows and as panels; weights and gradients
    of scores; sums of gq; products of g and out."""
    rows = min(whole(t, ROWS), QUERIES)
    g = offset(room, rows * line(d, room))
    columns = offset(g, rows * line(e, room))
    g_columns = offset(columns, panels_size(rows, d, room))
    weights = offset(g_columns, panels_size(rows, e, room))
    slopes = offset(weights, rows * score_line(s, room))
    gq = offset(slopes, rows * score_line(s, room))
    return room, g, columns, g_columns, weights, slopes, gq, offset(gq, rows * line(d, room))


# ---- pieces

@part
def slope(weights, slopes, count, log, share):
    """A row of scores becomes weights, and a row of gp gradients of scores; zeros behind them, as
    far as a tile of keys reaches."""
    w = lanes(weights)
    low, share = splat(weights, log * LOG2E), splat(weights, share)
    for j in range(0, count, w):
        weight = power(load(weights, j) - low)
        store(weight, weights, j)
        store(weight * (load(slopes, j) - share), slopes, j)
    for j in range(count, count + ROWS, w):
        store(splat(weights, 0), weights, j)
        store(splat(weights, 0), slopes, j)


@native
def slope_rows(weights, slopes, lds, rows, count, first, step, logs, shares):
    """Weights and gradients of the scores of the keys that each row sees."""
    for r in range(rows):
        seen = min(count, first + r * step)
        if seen > 0:
            slope(offset(weights, r * lds), offset(slopes, r * lds), seen, logs[r], shares[r])


@native
def mix_back(weights, ldw, panels, rows, count, e, first, sums):
    """Each key's weights times lines of panels, added to ``sums``, a tile at a time: ``mix`` with
    queries and keys exchanged."""
    w, ldo = wide(sums), line(e, sums)
    for c in range(0, e, w):
        for n in range(0, count, ROWS):
            start = max(0, n - first + 1)
            if start < rows:
                tile = run(zero(sums), offset(weights, start * ldw + n), 1, ldw,
                           offset(panels, c * rows + start * w), w, rows - start)
                add(tile, offset(sums, n * ldo + c), ldo)


# ---- one head

@native
def prepare(k, ldk, v, ldv, s, d, e, room):
    """Keys and values as panels, and nothing summed."""
    keys, values, columns, gk, gv, _ = head_places(room, s, d, e)
    pack(k, ldk, 1, s, d, wide(k), keys)
    pack(v, ldv, 1, s, e, wide(k), values)
    copy_panels(k, ldk, s, d, columns)
    clear(gk, whole(s, ROWS) * line(d, room))
    clear(gv, whole(s, ROWS) * line(e, room))


@native
def descend(g, ldg, q, ldq, out, ldo, logs, t, s, d, e, causal, room, to):
    """All queries of a head whose keys and values are prepared: gq, and its part of gk and gv."""
    keys, values, key_columns, gk, gv, rest = head_places(room, s, d, e)
    rows_q, rows_g, columns, g_columns, weights, slopes, gq, shares = block_places(
        rest, t, s, d, e)
    lds, step, scale = score_line(s, room), 1 if causal else 0, 1 / math.sqrt(d)
    for i in range(0, t, QUERIES):
        rows, seen = min(QUERIES, t - i), i + s - t + 1 if causal else s
        copy_scaled(offset(q, i * ldq), ldq, rows, d, LOG2E * scale, rows_q)
        copy_scaled(offset(g, i * ldg), ldg, rows, e, 1.0, rows_g)
        copy_panels(offset(q, i * ldq), ldq, rows, d, columns)
        copy_panels(offset(g, i * ldg), ldg, rows, e, g_columns)
        clear(gq, whole(rows, ROWS) * line(d, room))
        for r in range(rows):
            shares[r] = block_products(offset(g, (i + r) * ldg), offset(out, (i + r) * ldo), e)
        for j in range(0, min(s, seen + (rows - 1) * step), KEYS):
            count, first = min(KEYS, s - j), seen - j
            score(rows_q, offset(keys, j * d), rows, count, d, first, weights, lds)
            score(rows_g, offset(values, j * e), rows, count, e, first, slopes, lds)
            slope_rows(weights, slopes, lds, rows, count, first, step, offset(logs, i), shares)
            mix(slopes, lds, offset(key_columns, j * wide(room)), s, rows, count, d, first, step,
                gq)
            mix_back(slopes, lds, columns, rows, count, d, first, offset(gk, j * line(d, room)))
            mix_back(weights, lds, g_columns, rows, count, e, first, offset(
                gv, j * line(e, room)))
        lay_rows(gq, rows, d, scale, offset(to, i * d))


@part
def lay_rows(sums, rows, count, factor, to):
    """Rows of sums times a factor, close together."""
    for r in range(rows):
        scaled_line(offset(sums, r * line(count, sums)), count, splat(sums, factor),
                    offset(to, r * count))


@native
def finish(s, d, e, room, gk, gv):
    """The gradients of a head's keys and values, summed over its queries."""
    _, _, _, sums_k, sums_v, _ = head_places(room, s, d, e)
    lay_rows(sums_k, s, d, 1 / math.sqrt(d), gk)
    lay_rows(sums_v, s, e, 1.0, gv)


# ---- all heads

@native
def room_size(t, s, d, e, p):
    """Numbers of working memory."""
    return (2 * panels_size(s, d, p) + panels_size(s, e, p)
            + whole(s, ROWS) * (line(d, p) + line(e, p)) + block_room(t, s, d, e, p))


@part
def block_room(t, s, d, e, p):
    """Numbers of working memory for a block of queries."""
    rows = min(whole(t, ROWS), QUERIES)
    return (rows * (2 * line(d, p) + line(e, p) + 2 * score_line(s, p) + 1)
            + panels_size(rows, d, p) + panels_size(rows, e, p))


@part
def place(g, q, k, v, out, logs, causal, gq, gk, gv, first, last):
    """Heads ``first`` to ``last`` - 1 of k and v, counted over the batch, with all queries."""
    (_, many, t, d), (_, heads, s, e) = q.shape, v.shape
    room, group = aligned(room_size(t, s, d, e, pointer(q)), q), many // heads
    for unit in range(first, last):
        b, h = unit // heads, unit % heads
        prepare(head_of(k, b, h), apart(k), head_of(v, b, h), apart(v), s, d, e, pointer(room))
        for i in range(h * group, (h + 1) * group):
            descend(head_of(g, b, i), apart(g), head_of(q, b, i), apart(q), head_of(out, b, i),
                    apart(out), offset(pointer(logs), (b * many + i) * t), t, s, d, e, causal,
                    pointer(room), head_of(gq, b, i))
        finish(s, d, e, pointer(room), head_of(gk, b, h), head_of(gv, b, h))
    keep(room)


@entry
def into(g, q, k, v, out, logs, causal, gq, gk, gv):
    """gq, gk, gv of 4-d arrays."""
    place(g, q, k, v, out, logs, causal, gq, gk, gv, 0, k.shape[0] * k.shape[1])


@entry(parallel=True)
def into_parts(g, q, k, v, out, logs, causal, gq, gk, gv, parts):
    """The same by several threads, each for some heads of k and v."""
    units = k.shape[0] * k.shape[1]
    for p in prange(parts):
        place(g, q, k, v, out, logs, causal, gq, gk, gv, p * units // parts,
              (p + 1) * units // parts)
