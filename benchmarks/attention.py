"""Attention beside torch's scaled_dot_product_attention, which goes by tiles too."""

import numpy as np

from aisys_lab import kernels
from benchmarks.rows import one_thread, row

LONG = (1, 8, 1024, 64)  # batch, heads, tokens, numbers
TRAIN = (32, 4, 64, 16)  # a training step of the course's GPT
CACHE = 4096


def arrays(shape, count=4):
    """``count`` arrays f32: q, k, v and the gradient of the result."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, dtype=np.float32) for _ in range(count)]


def operations(shape, causal):
    """A multiplication and an addition for each number of both products."""
    batch, heads, t, d = shape
    return 4.0 * batch * heads * d * (t * (t + 1) // 2 if causal else t * t)


# ---- forward

def ours(causal):
    q, k, v = arrays(LONG, 3)
    return lambda: kernels.attention(q, k, v, causal)


def theirs(causal):
    torch = one_thread()
    q, k, v = map(torch.tensor, arrays(LONG, 3))
    run = torch.nn.functional.scaled_dot_product_attention

    def call():
        with torch.no_grad():
            return run(q, k, v, is_causal=causal)

    return call


for _name, _causal in (("attention-1024", False), ("attention-1024-causal", True)):
    row(_name, "torch", lambda c=_causal: ours(c), bar=2.0,
        work=operations(LONG, _causal))(lambda c=_causal: theirs(c))


# ---- backward

def backward_ours():
    q, k, v, g = arrays(LONG)
    out, logs = kernels.attention_forward(q, k, v, causal=True)
    return lambda: kernels.attention_backward(g, q, k, v, out, logs, causal=True)


@row("attention-backward-1024", "torch", backward_ours, work=2.5 * operations(LONG, True))
def backward_theirs():
    torch = one_thread()
    *leaves, g = (torch.tensor(x, requires_grad=True) for x in arrays(LONG))
    g = g.detach()
    out = torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=True)
    return lambda: torch.autograd.grad(out, leaves, g, retain_graph=True)


def train_ours():
    q, k, v, g = arrays(TRAIN)

    def step():
        out, logs = kernels.attention_forward(q, k, v, causal=True)
        return out, *kernels.attention_backward(g, q, k, v, out, logs, causal=True)

    return step


@row("attention-train-64", "torch", train_ours, work=3.5 * operations(TRAIN, True))
def train_theirs():
    torch = one_thread()
    *leaves, g = (torch.tensor(x, requires_grad=True) for x in arrays(TRAIN))
    g = g.detach()

    def step():
        out = torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=True)
        return out.detach(), *torch.autograd.grad(out, leaves, g)

    return step


# ---- one query over a cache

def cached():
    """A query for each of 8 heads, and the cache."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((1, 8, n, 64), dtype=np.float32) for n in (1, CACHE, CACHE)]


def decode_ours():
    q, k, v = cached()
    q = q[:, :, 0]
    return lambda: kernels.attention_decode(q, k, v)[:, :, None]


@row("attention-decode-4096", "torch", decode_ours)
def decode_theirs():
    torch = one_thread()
    q, k, v = map(torch.tensor, cached())
    run = torch.nn.functional.scaled_dot_product_attention

    def call():
        with torch.no_grad():
            return run(q, k, v)

    return call
