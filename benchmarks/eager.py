"""Eager differentiation: many tiny operations, and a whole training step."""

import numpy as np

import aisys_lab as lab
from aisys_lab.core.tree import flatten
from benchmarks.rows import one_thread, row

# ---- autodiff-op: what one operation costs, forward and backward, when the arrays are tiny

OPERATIONS = 32  # calls and operators in ``chain``


def chain(xp, w, b, g, x):
    """A line of code as models have it; ``xp`` is our namespace or torch, the text is the same."""
    h = xp.tanh(x @ w + b)
    c = h - xp.mean(h, 1, True)
    n = c / xp.sqrt(xp.mean(c * c, 1, True) + 1e-5) * g + b
    e = xp.exp(n * 0.5)
    p = e / xp.sum(e, 1, True)
    t = xp.swapaxes(xp.maximum(p, h), 0, 1) @ h
    r = xp.reshape(t, (16, 4)) * 2.0 - 1.0
    s = xp.log(r * r + 1.0)
    q = xp.where(s > 0.5, s, -s)
    return xp.sum(xp.sum(q, 0) * 0.25) / 4.0


def tiny():
    """Leaves w, b, g and an input x: 4 rows of 8 numbers, f32."""
    rng = np.random.default_rng(0)
    w, b, g, x = (rng.standard_normal(shape, dtype=np.float32)
                  for shape in [(8, 8), (8,), (8,), (4, 8)])
    return (w, b, g), x


def chain_ours():
    leaves, x = tiny()
    anp = lab.autodiff.numpy
    step = lab.value_and_grad(lambda leaves: chain(anp, *leaves, x))
    return lambda: step(leaves)


@row("autodiff-op", "torch", chain_ours, bar=1.3, stretch=2.0)
def chain_torch():
    torch = one_thread()
    arrays, x = tiny()
    leaves, data = [torch.tensor(a, requires_grad=True) for a in arrays], torch.tensor(x)

    def step():
        value = chain(torch, *leaves, data)
        return value.detach(), torch.autograd.grad(value, leaves)

    return step


# ---- the MLP

def mlp():
    """The MLP 784-128-10 with a batch of 64."""
    rng = np.random.default_rng(0)
    model = lab.models.MLP([784, 128, 10])
    return model, rng.standard_normal((64, 784), dtype=np.float32), rng.integers(0, 10, 64)


def by_hand(params, x, y):
    """Loss and gradients of the MLP as one would write them in NumPy."""
    (w1, b1), (w2, b2) = ((layer["w"], layer["b"]) for layer in params.values())
    h = x @ w1
    h += b1
    np.maximum(h, 0, out=h)
    p = h @ w2
    p += b2
    p -= p.max(1, keepdims=True)
    picked, rows = p[np.arange(len(y)), y], np.arange(len(y))
    np.exp(p, out=p)
    total = p.sum(1, keepdims=True)
    loss = np.mean(np.log(total[:, 0]) - picked)
    p /= total
    p[rows, y] -= 1
    p /= np.float32(len(y))
    g = p @ w2.T
    g *= h > 0
    return loss, x.T @ g, g.sum(0), h.T @ p, p.sum(0)


def mlp_eager():
    model, x, y = mlp()
    step = lab.value_and_grad(model.loss)
    return lambda: step(model.params, x, y)


def mlp_compiled():
    model, x, y = mlp()
    run = lab.compile(lab.optimize(lab.trace(lab.value_and_grad(model.loss), model.params, x, y)))
    return lambda: run(model.params, x, y)


@row("mlp-eager", "numpy", mlp_eager)
@row("mlp-compiled", "numpy", mlp_compiled)
def mlp_numpy():
    model, x, y = mlp()
    return lambda: by_hand(model.params, x, y)


@row("mlp-eager", "torch", mlp_eager, bar=1.5)
def mlp_torch():
    torch = one_thread()
    model, x, y = mlp()
    leaves = [torch.tensor(a, requires_grad=True) for a in flatten(model.params)[0]]
    data, labels = torch.tensor(x), torch.tensor(y)

    def step():
        w1, b1, w2, b2 = leaves
        logits = torch.relu(data @ w1 + b1) @ w2 + b2
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return loss.detach(), torch.autograd.grad(loss, leaves)

    return step
