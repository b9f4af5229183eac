"""Attention by tiles: a block of queries meets the keys block by block; scores stay in the cache.

    for a block of queries, for a block of keys that they see
        scores: rows of queries times panels of keys, a tile at a time
        softmax: each row goes on from the blocks before (online)
        out: rows of weights times panels of values, a tile at a time, added

Dao et al. 2022, FlashAttention (arXiv:2205.14135). Working memory grows with the keys, not with
queries times keys: keys and values of one head as panels, and one block of everything else.
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
from aisys_lab.kernels.attention_softmax import hide, lowest, peak, soften
from aisys_lab.kernels.block import ROWS, add, run, write, zero
from aisys_lab.kernels.functions import log
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import LINE, aligned, pack
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.vector import (
    fma,
    keep,
    lanes,
    load,
    offset,
    pointer,
    splat,
    store,
    store_part,
    total,
)

QUERIES = 96 // ROWS * ROWS  # rows of a block
KEYS = {6: 240, 14: 224, 4: 256}[ROWS]  # of a block: a multiple of the tile's rows and columns
LN2 = math.log(2)


@part
def first_row(first, n):
    """The tile row from which on a key is seen: row r sees ``first + r`` keys, thus key n."""
    r = max(0, n - first + 1)
    return r - r % ROWS


@native
def score(queries, panels, rows, count, d, first, scores, lds):
    """Queries times the keys that they see, a tile at a time."""
    ldq = line(d, scores)
    for n in range(0, count, wide(scores)):
        panel = offset(panels, n * d)
        for r in range(first_row(first, n), rows, ROWS):
            tile = run(zero(panel), offset(queries, r * ldq), ldq, 1, panel, wide(scores), d)
            write(tile, offset(scores, r * lds + n), lds)


@native
def mix(weights, ldw, panels, s, rows, count, e, first, step, sums):
    """Weights times values, added to ``sums``; row r has min(count, first + r · step) weights."""
    w, ldo = wide(sums), line(e, sums)
    for c in range(0, e, w):
        panel = offset(panels, c * s)
        for r in range(0, rows, ROWS):
            if first + (r + ROWS - 1) * step > 0:
                depth = max(0, min(count, first + r * step))
                row, to = offset(weights, r * ldw), offset(sums, r * ldo + c)
                add(run(zero(row), row, ldw, 1, panel, w, depth), to, ldo)
                if step > 0 and depth < count:
                    mix_corner(row, ldw, panel, depth, min(ROWS, rows - r), count, first + r, to,
                               ldo)


@part
def mix_corner(weights, ldw, panel, depth, rows, count, first, to, ldo):
    """The weights that a row has and the first row of its tile has not."""
    for r in range(1, rows):
        for c in range(0, wide(to), lanes(to)):
            sums = load(to, r * ldo + c)
            for j in range(depth, min(count, first + r)):
                weight = splat(to, weights[r * ldw + j])
                sums = fma(weight, load(panel, j * wide(to) + c), sums)
            store(sums, to, r * ldo + c)


# ---- working memory

@part
def head_size(s, d, e, p):
    """Numbers for the panels of keys, and of values, of a head."""
    return whole(whole(s, wide(p)) * d, LINE), whole(whole(e, wide(p)) * s, LINE)


@part
def score_line(s, p):
    """Numbers from row to row of a block of scores, with room behind them for ``hide``."""
    return line(min(s, KEYS) + whole(ROWS, lanes(p)), p)


@part
def block_size(t, s, d, e, p):
    """Numbers for a block of queries."""
    rows = min(whole(t, ROWS), QUERIES)
    return rows * (line(d, p) + score_line(s, p) + line(e, p) + lanes(p)) + 2 * whole(rows, LINE)


@native
def room_size(t, s, d, e, p):
    """Numbers of working memory for a head and a block of queries."""
    return sum(head_size(s, d, e, p)) + block_size(t, s, d, e, p)


@part
def block_places(room, t, s, d, e):
    """Where a block's queries, scores, sums, totals (lane by lane), whole totals and largest scores
    lie."""
    rows = min(whole(t, ROWS), QUERIES)
    scores = offset(room, rows * line(d, room))
    sums = offset(scores, rows * score_line(s, room))
    totals = offset(sums, rows * line(e, room))
    ends = offset(totals, rows * lanes(room))
    return room, scores, sums, totals, ends, offset(ends, whole(rows, LINE))


# ---- one head

@native
def prepare(k, ldk, v, ldv, s, d, e, room):
    """Keys and values as panels."""
    pack(k, ldk, 1, s, d, wide(k), room)
    copy_panels(v, ldv, s, e, offset(room, head_size(s, d, e, room)[0]))


@native
def attend(q, ldq, t, s, d, e, causal, room, out, ldo, logs):
    """All queries of a head whose keys and values are prepared; ``logs``: logsumexp of scores."""
    of_keys, of_values = head_size(s, d, e, room)
    values, lds, step = offset(room, of_keys), score_line(s, room), 1 if causal else 0
    queries, scores, sums, totals, ends, highs = block_places(
        offset(values, of_values), t, s, d, e)
    for i in range(0, t, QUERIES):
        rows, seen = min(QUERIES, t - i), i + s - t + 1 if causal else s
        copy_scaled(offset(q, i * ldq), ldq, rows, d, LOG2E / math.sqrt(d), queries)
        begin(rows, e, sums, totals, highs)
        for j in range(0, min(s, seen + (rows - 1) * step), KEYS):
            count, first = min(KEYS, s - j), seen - j
            score(queries, offset(room, j * d), rows, count, d, first, scores, lds)
            hide(scores, lds, rows, count, first, step)
            soften_rows(scores, lds, rows, count, e, first, step, j > 0, sums, totals, highs,
                        ends)
            mix(scores, lds, offset(values, j * wide(room)), s, rows, count, e, first, step, sums)
        finish(rows, e, sums, totals, ends, offset(out, i * ldo), ldo)
        log_totals(rows, ends, highs, offset(logs, i))


@part
def begin(rows, e, sums, totals, highs):
    """Nothing summed, and no score seen."""
    clear(sums, whole(rows, ROWS) * line(e, sums))
    clear(totals, rows * lanes(totals))
    for r in range(rows):
        highs[r] = lowest(highs)


@native
def soften_rows(scores, lds, rows, count, e, first, step, more, sums, totals, highs, tops):
    """Scores of the keys that each row sees become weights; all largest scores come first, since
    a row would wait for its own."""
    for r in range(rows):
        tops[r] = peak(offset(scores, r * lds), min(count, first + r * step), highs[r])
    for r in range(rows):
        seen = min(count, first + r * step)
        if seen > 0:
            soften(offset(scores, r * lds), seen, more, highs[r], tops[r],
                   offset(totals, r * lanes(totals)), offset(sums, r * line(e, sums)), e)
            highs[r] = tops[r]


@part
def finish(rows, e, sums, totals, ends, out, ldo):
    """Sums over totals; a row that saw no key is 0/0."""
    for r in range(rows):
        ends[r] = total(load(totals, r * lanes(totals)))
        share = splat(sums, 1) / splat(sums, ends[r])
        scaled_line(offset(sums, r * line(e, sums)), e, share, offset(out, r * ldo))


@part
def log_totals(rows, ends, highs, logs):
    """Logarithms of the sums of e**score: highs and totals in powers of two."""
    for r in range(0, rows, lanes(logs)):
        some = min(lanes(logs), rows - r)
        store_part(fma(load(highs, r), splat(logs, LN2), log(load(ends, r))), logs, r, some)


# ---- all heads

@part
def place(q, k, v, out, logs, causal, first, last):
    """Heads ``first`` to ``last`` - 1 of k and v, counted over the batch, with all queries."""
    (_, many, t, d), (_, heads, s, e) = q.shape, v.shape
    room, group = aligned(room_size(t, s, d, e, pointer(q)), q), many // heads
    for unit in range(first, last):
        b, h = unit // heads, unit % heads
        prepare(head_of(k, b, h), apart(k), head_of(v, b, h), apart(v), s, d, e, pointer(room))
        for i in range(h * group, (h + 1) * group):
            attend(head_of(q, b, i), apart(q), t, s, d, e, causal, pointer(room),
                   head_of(out, b, i), e, offset(pointer(logs), (b * many + i) * t))
    keep(room)


@entry
def room(t, s, d, e, like):
    """Numbers of working memory of ``into`` for arrays like this one."""
    return room_size(t, s, d, e, pointer(like))


@entry
def into(q, k, v, out, logs, causal):
    """out, logs = attention of 4-d arrays."""
    place(q, k, v, out, logs, causal, 0, k.shape[0] * k.shape[1])


@entry(parallel=True)
def into_parts(q, k, v, out, logs, causal, parts):
    """The same by several threads, each for some heads of k and v."""
    units = k.shape[0] * k.shape[1]
    for p in prange(parts):
        place(q, k, v, out, logs, causal, p * units // parts, (p + 1) * units // parts)
