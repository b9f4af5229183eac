"""Attention that sees the keys block by block, and never a matrix of all scores.

M. Milakov, N. Gimelshein, "Online normalizer calculation for softmax", 2018, arXiv:1805.02867;
T. Dao et al., "FlashAttention", NeurIPS 2022, arXiv:2205.14135.
"""

import numpy as np

from aisys_lab.core import slot


@slot("kernels.online_softmax_attention")
def online_softmax_attention(q, k, v, state, start, causal):
    """``(out, state)`` after a block of keys k[B,D] and values v[B,E], keys ``start`` and on.

    out[T,E] is the attention of q[T,D] over all keys so far. The state, None before the first
    block, holds for each query the largest score, the sum of exponentials and that of values,
    both relative to it. With ``causal``, query i sees keys 0 to i.
    """
    scores = q @ k.T / q.shape[1]**0.5
    if causal:
        keys = start + np.arange(len(k))
        scores = np.where(keys <= np.arange(len(q))[:, None], scores, -np.inf)
    if state is None:
        state = np.full((len(q), 1), -np.inf, q.dtype), 0, 0
    top, total, mixed = state
    new = np.maximum(top, scores.max(axis=1, keepdims=True))
    weights, kept = np.exp(scores - new), np.exp(top - new)
    total = total * kept + weights.sum(axis=1, keepdims=True)
    mixed = mixed * kept + weights @ v
    return mixed / total, (new, total, mixed)


def attention(q, k, v, causal=False, block=16):
    """All keys, one block after another: out[T,E] of q[T,D], k[S,D], v[S,E]."""
    out, state = np.zeros((len(q), v.shape[1]), q.dtype), None
    for start in range(0, len(k), block):
        part = slice(start, start + block)
        out, state = online_softmax_attention(q, k[part], v[part], state, start, causal)
    return out
