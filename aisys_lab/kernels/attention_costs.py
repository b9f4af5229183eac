"""What a rung of attention costs for one head, by formula: memory, traffic, multiplications."""

from dataclasses import dataclass

import numpy as np

from aisys_lab.core import Table, whole
from aisys_lab.kernels import attention_plain, attention_tiled

COSTS = Table("ATTENTION_COSTS", "cost of a rung of attention, for one head", noun="kernel")


@dataclass(frozen=True)
class AttentionCost:
    """Bytes of working memory besides the arguments; bytes that are read and written if the cache
    holds what is worked on at a time, a query with its scores or a block, and nothing longer;
    multiplications of both products."""

    workspace: int
    traffic: int
    multiplications: int


def attention_cost(kernel, t, s, d, e, causal=False, dtype="float32"):
    """The AttentionCost of a rung for t queries and s keys of d numbers, s values of e numbers."""
    sizes = [whole("attention_cost", name, n, 1) for name, n in zip("tsde", (t, s, d, e),
                                                                    strict=True)]
    return COSTS[kernel](*sizes, causal, np.empty(0, dtype))


def seen_by(i, t, s, causal):
    """How many keys query i of t sees."""
    return max(0, i + s - t + 1) if causal else s


@COSTS.row("naive")
def naive(t, s, d, e, causal, like):
    """Each query reads all keys and values that it sees; the scores of one query are kept."""
    pairs = sum(seen_by(i, t, s, causal) for i in range(t))
    return AttentionCost(s * like.itemsize, (t + pairs) * (d + e) * like.itemsize, pairs * (d + e))


@COSTS.row("materialised")
def materialised(t, s, d, e, causal, like):
    """Scores are written, read and written by softmax, and read; hidden ones like others."""
    room = attention_plain.materialised_room(t, s, d, e, like)
    moved = (t + s) * (d + e) + 4 * t * s
    return AttentionCost(room * like.itemsize, moved * like.itemsize, t * s * (d + e))


@COSTS.row("online")
def online(t, s, d, e, causal, like):
    """As naive, without scores."""
    cost = naive(t, s, d, e, causal, like)
    return AttentionCost(0, cost.traffic, cost.multiplications)


@COSTS.row("tiled")
def tiled(t, s, d, e, causal, like):
    """Each block of queries reads the keys and values that its last query sees."""
    each = attention_tiled.QUERIES
    read = sum(seen_by(min(t, i + each) - 1, t, s, causal) for i in range(0, t, each))
    room = attention_tiled.room(t, s, d, e, like)
    return AttentionCost(room * like.itemsize, (t + read) * (d + e) * like.itemsize,
                         naive(t, s, d, e, causal, like).multiplications)
