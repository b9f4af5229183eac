"""Rows and single numbers: softmax, norms, their gradients, elementwise functions and chains."""

import numpy as np

from aisys_lab import kernels
from benchmarks.rows import one_thread, row

SIDE = 1024
IMAGES = (64, 16, 28, 28)


def normal(seed, *shape):
    """Normal numbers f32, [1024,1024] unless told otherwise."""
    shape = shape or (SIDE, SIDE)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def slopes(width):
    """A line of numbers near 1, and one near 0."""
    rng = np.random.default_rng(2)
    return tuple(rng.uniform(middle - 0.5, middle + 0.5, width).astype(np.float32)
                 for middle in (1, 0))


def soft(x):
    """Softmax of rows, in NumPy."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ---- softmax

def softmax_ours():
    x = normal(0)
    return lambda: kernels.softmax(x)


@row("softmax", "torch", softmax_ours, bar=2.0)
def softmax_torch():
    torch = one_thread()
    x = torch.tensor(normal(0))
    return lambda: torch.softmax(x, -1)


def softmax_grad_ours():
    g, y = normal(1), soft(normal(0))
    return lambda: kernels.softmax_grad(g, y)


@row("softmax-grad", "torch", softmax_grad_ours)
def softmax_grad_torch():
    torch = one_thread()
    g, y = torch.tensor(normal(1)), torch.tensor(soft(normal(0)))
    return lambda: torch._softmax_backward_data(g, y, -1, torch.float32)


@row("softmax-grad", "numpy", softmax_grad_ours)
def softmax_grad_numpy():
    g, y = normal(1), soft(normal(0))
    return lambda: y * (g - (g * y).sum(-1, keepdims=True))


# ---- layer norm

def layernorm_ours():
    x, (gamma, beta) = normal(0), slopes(SIDE)
    return lambda: kernels.layernorm(x, gamma, beta)


@row("layernorm", "torch", layernorm_ours, bar=1.7)
def layernorm_torch():
    torch = one_thread()
    x, gamma, beta = map(torch.tensor, (normal(0), *slopes(SIDE)))
    return lambda: torch.nn.functional.layer_norm(x, (SIDE,), gamma, beta)


def layernorm_grad_ours():
    g, x, gamma = normal(1), normal(0), slopes(SIDE)[0]
    return lambda: kernels.layernorm_grad(g, x, gamma)


@row("layernorm-grad", "torch", layernorm_grad_ours)
def layernorm_grad_torch():
    torch = one_thread()
    g, x, gamma, beta = map(torch.tensor, (normal(1), normal(0), *slopes(SIDE)))
    _, mean, scale = torch.native_layer_norm(x, (SIDE,), gamma, beta, 1e-5)
    backward = torch.ops.aten.native_layer_norm_backward
    return lambda: backward(g, x, (SIDE,), mean, scale, gamma, beta, [True] * 3)


@row("layernorm-grad", "numpy", layernorm_grad_ours)
def layernorm_grad_numpy():
    g, x, gamma = normal(1), normal(0), slopes(SIDE)[0]

    def call():
        h = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((h * h).mean(-1, keepdims=True) + np.float32(1e-5))
        h *= scale
        d = g * gamma
        gx = scale * (d - d.mean(-1, keepdims=True) - h * (d * h).mean(-1, keepdims=True))
        return gx, (g * h).sum(0), g.sum(0)
    return call


# ---- batch norm

def batchnorm_train_ours():
    x, (gamma, beta) = normal(0, *IMAGES), slopes(IMAGES[1])
    return lambda: kernels.batchnorm_train(x, gamma, beta)[0]


@row("batchnorm-train", "torch", batchnorm_train_ours)
def batchnorm_train_torch():
    torch = one_thread()
    x, gamma, beta = map(torch.tensor, (normal(0, *IMAGES), *slopes(IMAGES[1])))
    return lambda: torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True)


@row("batchnorm-train", "numpy", batchnorm_train_ours)
def batchnorm_train_numpy():
    x, (gamma, beta) = normal(0, *IMAGES), slopes(IMAGES[1])

    def call():
        h = x - x.mean((0, 2, 3), keepdims=True)
        scale = gamma / np.sqrt((h * h).mean((0, 2, 3)) + np.float32(1e-5))
        return h * scale[:, None, None] + beta[:, None, None]
    return call


# ---- single numbers

def exp_ours():
    x = normal(0)
    return lambda: kernels.exp(x)


@row("exp", "numpy", exp_ours)
def exp_numpy():
    x = normal(0)
    return lambda: np.exp(x)


def gelu_ours():
    x = normal(0)
    return lambda: kernels.gelu(x)


@row("gelu", "torch", gelu_ours)
def gelu_torch():
    torch = one_thread()
    x = torch.tensor(normal(0))
    return lambda: torch.nn.functional.gelu(x, approximate="tanh")


# ---- a chain: tanh(x * w + b), with a line of w and of b

def chain_ours():
    x, (w, b) = normal(0), slopes(SIDE)
    return lambda: kernels.fused(["mul", "add", "tanh"], x, w, b)


@row("chain", "numpy", chain_ours)
def chain_numpy():
    x, (w, b) = normal(0), slopes(SIDE)
    return lambda: np.tanh(x * w + b)


@row("chain", "numexpr", chain_ours)
def chain_numexpr():
    import numexpr

    numexpr.set_num_threads(1)
    x, (w, b) = normal(0), slopes(SIDE)
    return lambda: numexpr.evaluate("tanh(x * w + b)", {"x": x, "w": w, "b": b})
