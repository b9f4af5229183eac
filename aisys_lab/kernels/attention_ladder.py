"""Attention under its plain names: forward, backward, and one query a head over a cache.

q f[..., heads, t, d], k f[..., heads of k, s, d] and v f[..., heads of k, s, e] have one dtype, f32
or f64, and any layout; all axes before t are optional. Heads of q are a multiple of those of k, and
neighbours share one (grouped queries: Ainslie and others 2023, arXiv:2305.13245).
"""

import math

import numpy as np

from aisys_lab.core import LabError, whole
from aisys_lab.kernels import attention_cache, attention_gradient, attention_plain, attention_tiled
from aisys_lab.kernels.checks import floats, told
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.threads import threads


def attention(q, k, v, causal=False, kernel="tiled"):
    """softmax(q k' / sqrt(d)) v, f[..., t, e], by a rung of the ladder.

    ``causal`` hides from query i the keys after i + s - t. A query that sees no key has the result
    NaN (0/0). Raises LabError for other dtypes and for sizes that do not fit.
    """
    q, k, v = _operands("attention", q, k, v)
    rung = tiled if kernel == "tiled" else KERNELS["attention"][kernel]
    return rung(q, k, v, causal)


def attention_forward(q, k, v, causal=False):
    """``(out, logs)``: attention, and log(sum over keys of e^score) f[..., t]: what the gradients
    need of it."""
    return _forward(*_operands("attention_forward", q, k, v), causal)


def attention_backward(g, q, k, v, out, logs, causal=False):
    """``(gq, gk, gv)``: gradients of attention where g is that of out; out and logs are from
    ``attention_forward``. Queries that see no key have no part in them."""
    op = "attention_backward"
    q, k, v = _operands(op, q, k, v)
    g, out, logs, _ = floats(op, g=g, out=out, logs=logs, q=q)
    like = (*q.shape[:-1], v.shape[-1])
    for name, x, shape in (("g", g, like), ("out", out, like), ("logs", logs, q.shape[:-1])):
        if x.shape != shape:
            raise LabError(f"{op}: {name} is as large as {list(shape)}, got {told(x)}.")
    return _backward(g, q, k, v, out, logs, causal)


def attention_decode(q, k, v, length=None):
    """Attention of one query a head, q f[..., heads, d], over the first ``length`` of s keys."""
    op = "attention_decode"
    q, k, v = floats(op, q=q, k=k, v=v)
    if q.ndim < 1:
        raise LabError(f"{op}: q has at least 1 axis, got {told(q)}.")
    _check(op, q[..., None, :], k, v)
    length = k.shape[-2] if length is None else whole(op, "length", length, 0)
    if length > k.shape[-2]:
        raise LabError(f"{op}: length is {length}, but the cache has {k.shape[-2]} keys.")
    return _decode(q, k, v, length)


# ---- checks

def _operands(op, q, k, v):
    q, k, v = floats(op, q=q, k=k, v=v)
    _check(op, q, k, v)
    return q, k, v


def _check(op, q, k, v):
    """A sentence unless the sizes fit."""
    if not q.ndim == k.ndim == v.ndim >= 2:
        raise LabError(f"{op}: q, k and v have as many axes, at least tokens and numbers, got "
                       f"{_all(q, k, v)}.")
    if k.shape[:-1] != v.shape[:-1]:
        raise LabError(f"{op}: there is one value for each key, got {_all(q, k, v)}.")
    if q.shape[-1] != k.shape[-1] or not q.shape[-1]:
        raise LabError(f"{op}: queries and keys have as many numbers, at least 1, got "
                       f"{_all(q, k, v)}.")
    if q.shape[:-2] != k.shape[:-2]:
        _check_heads(op, q, k, v)


def _check_heads(op, q, k, v):
    heads, fewer = q.shape[-3], k.shape[-3]
    if q.shape[:-3] != k.shape[:-3] or not fewer or heads % fewer:
        raise LabError(f"{op}: axes before tokens are equal, but heads of q may be a multiple of "
                       f"those of k, got {_all(q, k, v)}.")


def _all(q, k, v):
    return f"q {told(q)}, k {told(k)} and v {told(v)}"


# ---- layouts

def heads_of(x):
    """An array as f[b, heads, tokens, numbers], numbers together: a view wherever one can do."""
    if x.ndim != 4:
        x = x.reshape(math.prod(x.shape[:-3]), *(1, 1, *x.shape)[-3:])
    if x.flags.c_contiguous or x.strides[3] == x.itemsize and not any(
            step % x.itemsize for step in x.strides):
        return x
    return np.ascontiguousarray(x)


def _parts(operations, k):
    """How many threads: none without a head of k of its own."""
    return min(threads(operations), k.shape[0] * k.shape[1])


def _work(q, v, causal):
    """Operations of both products."""
    pairs = q.size // q.shape[3] * v.shape[2]
    return 2 * pairs * (q.shape[3] + v.shape[3]) // (2 if causal else 1)


# ---- rungs

def by_loop(loop):
    """A rung of a loop that writes into its last argument."""
    def rung(q, k, v, causal=False):
        out = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
        if not v.shape[-2]:
            out.fill(np.nan)
        elif out.size:
            loop(*map(np.ascontiguousarray, map(heads_of, (q, k, v))), bool(causal), heads_of(out))
        return out
    rung.__doc__, rung.loop = loop.py_func.__doc__, loop
    return rung


def tiled(q, k, v, causal=False):
    """Tiles of queries and keys; scores stay in the cache (Dao and others 2022)."""
    return _forward(q, k, v, causal)[0]


def _forward(q, k, v, causal):
    out, logs = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype), np.empty(q.shape[:-1], q.dtype)
    lines = logs.reshape(-1)
    q4, k4, v4, out4 = map(heads_of, (q, k, v, out))
    parts = _parts(_work(q4, v4, causal), k4)
    if parts == 1:
        attention_tiled.into(q4, k4, v4, out4, lines, bool(causal))
    elif parts:
        attention_tiled.into_parts(q4, k4, v4, out4, lines, bool(causal), parts)
    return out, logs


def _backward(g, q, k, v, out, logs, causal):
    made = [np.empty(x.shape, x.dtype) for x in (q, k, v)]
    arrays = [heads_of(x) for x in (g, q, k, v, out, *made)]
    parts = _parts(_work(arrays[1], arrays[3], causal) * 5 // 2, arrays[2])
    loop = (*arrays[:5], logs.ravel(), bool(causal), *arrays[5:])
    if parts == 1:
        attention_gradient.into(*loop)
    elif parts:
        attention_gradient.into_parts(*loop, parts)
    return tuple(made)


def _decode(q, k, v, length):
    out = np.empty((*q.shape[:-1], v.shape[-1]), q.dtype)
    q4, out4 = (heads_of(np.ascontiguousarray(x)[..., None, :]) for x in (q, out))
    k4, v4 = heads_of(k), heads_of(v)
    parts = _parts(2 * q.size // q.shape[-1] * length * (q.shape[-1] + v.shape[-1]), k4)
    if parts == 1:
        attention_cache.into(q4, k4, v4, length, out4)
    elif parts:
        attention_cache.into_parts(q4, k4, v4, length, out4, parts)
    return out


ladder("attention", naive=by_loop(attention_plain.naive),
       materialised=by_loop(attention_plain.materialised), online=by_loop(attention_plain.online),
       tiled=tiled)
