"""What networks are made of, composed of the rest."""

import math

import numpy as np

from aisys_lab import kernels
from aisys_lab.autodiff.fused import fused
from aisys_lab.autodiff.numpy.base import as_input, shape
from aisys_lab.autodiff.numpy.contract import matmul
from aisys_lab.autodiff.numpy.creation import fixed
from aisys_lab.autodiff.numpy.elementwise import (
    add,
    astype,
    equal,
    erf,
    exp,
    expm1,
    log,
    logaddexp,
    sigmoid,
    tanh,
    where,
)
from aisys_lab.autodiff.numpy.reductions import max, sum
from aisys_lab.autodiff.numpy.shapes import expand_dims
from aisys_lab.core import LabError
from aisys_lab.ir import bind


@fused("relu", lambda x: np.maximum(x, 0), (lambda g, out, x: kernels.relu_grad(g, out),))
def relu(x):
    """Zero where x <= 0 (so its slope at 0 is 0), NaN where x is NaN."""
    x = as_input(x)
    return where(x <= 0, 0, x)


def _columns(x):
    """All axes but the last as one."""
    return x.reshape(-1, x.shape[-1])


def _linear(x, w, b):
    out = bind("matmul", x, w)
    out += b
    return out


@fused("linear", _linear, (lambda g, out, x, w, b: bind("matmul", g, w.T),
                           lambda g, out, x, w, b: bind("matmul", _columns(x).T, _columns(g)),
                           lambda g, out, x, w, b: np.add.reduce(_columns(g), 0)),
       fits=lambda x, w, b: w.ndim == 2 and b.shape == w.shape[1:])
def linear(x, w, b):
    """``x w + b`` over the last axis: x f[..., n], w f[n, m], b f[m]."""
    return add(matmul(x, w), b)


def leaky_relu(x, slope=0.01):
    """``slope * x`` where x <= 0."""
    x = as_input(x)
    return where(x <= 0, slope * x, x)


def elu(x, alpha=1.0):
    """``alpha * (exp(x) - 1)`` where x <= 0 (Clevert and others 2015, arXiv:1511.07289)."""
    x = as_input(x)
    return where(x <= 0, alpha * expm1(where(x <= 0, x, 0)), x)


def silu(x):
    """``x * sigmoid(x)``, also called swish."""
    x = as_input(x)
    return x * sigmoid(x)


def softplus(x):
    """log(1 + exp(x)), without overflow: a relu without the corner."""
    return logaddexp(x, 0)


def log_sigmoid(x):
    """log(sigmoid(x)), without overflow."""
    return -softplus(-as_input(x))


@fused("gelu", lambda x, **at: kernels.gelu(x, **at),
       (lambda g, out, x, **at: kernels.gelu_grad(g, x, **at),))
def gelu(x, approximate="tanh"):
    """GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415): the tanh form, or ``"none"``: the exact
    one, ``x`` times the normal distribution below it."""
    x = as_input(x)
    if approximate == "none":
        return 0.5 * x * (1 + erf(x / math.sqrt(2)))
    if approximate != "tanh":
        raise LabError(f"gelu: approximate={approximate!r}; it is 'tanh' or 'none'.")
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def _along_one(x, axis=-1):
    """Whether this is an axis, not several."""
    return isinstance(axis, int)


@fused("log_softmax", lambda x, **at: kernels.log_softmax(x, **at),
       (lambda g, out, x, **at: kernels.log_softmax_grad(g, out, **at),), fits=_along_one)
def log_softmax(x, axis=-1):
    """log(softmax(x)), without overflow."""
    if 0 in shape(x):
        return as_input(x)
    centred = x - fixed(max(x, axis, keepdims=True))  # exact where it matters, near 0
    return centred - log(sum(exp(centred), axis, keepdims=True))


@fused("softmax", lambda x, **at: kernels.softmax(x, **at),
       (lambda g, out, x, **at: kernels.softmax_grad(g, out, **at),), fits=_along_one)
def softmax(x, axis=-1):
    """exp(x), divided by its sum along ``axis``."""
    if 0 in shape(x):
        return as_input(x)
    e = exp(x - fixed(max(x, axis, keepdims=True)))
    return e / sum(e, axis, keepdims=True)


def one_hot(labels, classes, dtype=np.float32):
    """``[..., classes]``: 1 at each label (whole numbers from 0), 0 elsewhere."""
    return astype(equal(expand_dims(labels, -1), np.arange(classes)), dtype)
