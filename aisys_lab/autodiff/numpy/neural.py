"""What networks are made of, composed of the rest."""

import numpy as np

from aisys_lab.autodiff.numpy.base import shape
from aisys_lab.autodiff.numpy.creation import stop_gradient
from aisys_lab.autodiff.numpy.elementwise import astype, equal, exp, log, sqrt, square, tanh, where
from aisys_lab.autodiff.numpy.reductions import max, mean, sum
from aisys_lab.autodiff.numpy.shapes import expand_dims, squeeze
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of


def relu(x):
    """Zero where x <= 0 (so its slope at 0 is 0), NaN where x is NaN."""
    return where(x <= 0, 0, x)


def sigmoid(x):
    return 0.5 * (tanh(0.5 * x) + 1)


def gelu(x):
    """The tanh form of GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    return 0.5 * x * (1 + tanh(np.sqrt(2 / np.pi).item() * (x + 0.044715 * x * x * x)))


def logsumexp(x, axis=-1, keepdims=False):
    """log(sum(exp(x))) that does not overflow: the largest entry is taken out first."""
    top = stop_gradient(max(x, axis, keepdims=True))
    out = log(sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, axis)


def log_softmax(x, axis=-1):
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x, axis=-1):
    e = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return e / sum(e, axis, keepdims=True)


def one_hot(labels, classes, dtype=np.float32):
    return astype(equal(expand_dims(labels, -1), np.arange(classes)), dtype)


def cross_entropy(logits, labels):
    """Mean negative log-probability of the true class; logits f[N,C], labels i[N]."""
    classes = shape(logits)[-1]
    if shape(labels) != shape(logits)[:-1]:
        raise LabError(f"cross_entropy: labels {spec_of(labels)} do not fit logits "
                       f"{spec_of(logits)}.")
    if isinstance(labels, np.ndarray) and labels.size and not 0 <= labels.max() < classes:
        raise LabError(f"cross_entropy: a label is {labels.max()}, but logits "
                       f"{spec_of(logits)} have {classes} classes, counted from 0.")
    chosen = one_hot(labels, classes, logits.dtype)
    return -mean(sum(log_softmax(logits) * chosen, axis=-1))


def layernorm(x, gamma, beta, eps=1e-5):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the last axis."""
    centred = x - mean(x, -1, keepdims=True)
    return centred / sqrt(mean(square(centred), -1, keepdims=True) + eps) * gamma + beta
