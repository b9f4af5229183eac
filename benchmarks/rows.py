"""What is compared: each row makes two calls that compute the same, ours and the peer's."""

import numpy as np

import aisys_lab as lab
from aisys_lab.core.tree import flatten

ROWS = {}  # name, peer -> (bar or None, maker of (ours, peer))


def row(name, peer, bar=None):
    """Adds a row; its ``bar`` is the ratio that must be reached, None where it is only shown."""
    return lambda make: ROWS.setdefault((name, peer), (bar, make))


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


@row("mlp-eager", "numpy")
def eager_and_numpy():
    model, x, y = mlp()
    step = lab.value_and_grad(model.loss)
    return lambda: step(model.params, x, y), lambda: by_hand(model.params, x, y)


@row("mlp-compiled", "numpy")
def compiled_and_numpy():
    model, x, y = mlp()
    run = lab.compile(lab.optimize(lab.trace(lab.value_and_grad(model.loss), model.params, x, y)))
    return lambda: run(model.params, x, y), lambda: by_hand(model.params, x, y)


@row("mlp-eager", "torch")
def eager_and_torch():
    import torch

    torch.set_num_threads(1)
    model, x, y = mlp()
    step = lab.value_and_grad(model.loss)
    leaves = [torch.tensor(a, requires_grad=True) for a in flatten(model.params)[0]]
    data, labels = torch.tensor(x), torch.tensor(y)

    def theirs():
        w1, b1, w2, b2 = leaves
        logits = torch.relu(data @ w1 + b1) @ w2 + b2
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return loss.detach(), torch.autograd.grad(loss, leaves)

    return lambda: step(model.params, x, y), theirs
