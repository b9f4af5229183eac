"""What networks spend their time on, each computed in one go, in few passes over its arrays.

Graphs do not hold these ops: a trace sees what they are composed of, so that compilers need no
further rows. (PyTorch too has native_layer_norm for running, its decomposition for compiling.)
"""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.spec import Spec


def sum_rows(x):
    """Sums along the last axis, which is kept: as a product with ones, several times as fast."""
    return np.matmul(x, np.ones((x.shape[-1], 1), x.dtype))


def _sum(x, axis):
    return sum_rows(x) if axis == (x.ndim - 1,) else np.add.reduce(x, axis, keepdims=True)


def _floats(dtype):
    """The dtype that exp gives."""
    return np.exp.resolve_dtypes((dtype, None))[-1]


def _shifted(x, axis):
    """``x`` less its largest entry along ``axis``: a fresh array of floats."""
    x = np.asarray(x)
    return np.subtract(x, x.max(axis, keepdims=True), dtype=_floats(x.dtype))


# ---- softmax and the loss of a classifier: logits [..., classes], labels [...]

def softmax(x, axis):
    """exp(x), divided by its sum."""
    out = _shifted(x, axis)
    np.exp(out, out=out)
    out /= _sum(out, axis)
    return out


def log_softmax(x, axis):
    """Logarithms of softmax."""
    out = _shifted(x, axis)
    out -= np.log(_sum(np.exp(out), axis))
    return out


def cross_entropy(logits, labels):
    """The mean of -log_softmax at the labels."""
    rows = _shifted(logits.reshape(-1, logits.shape[-1]), -1)
    chosen = rows[np.arange(len(rows)), labels.reshape(-1)]
    np.exp(rows, out=rows)
    return (np.log(sum_rows(rows))[:, 0] - chosen).mean()


def _infer_softmax(op):
    def infer(x, axis):
        if not axis or not all(0 <= a < x.ndim for a in axis):
            raise LabError(f"{op}: axes {list(axis)} of {x}, which has {x.ndim}.")
        return Spec(x.shape, _floats(x.dtype))
    return infer


def _infer_cross_entropy(logits, labels):
    if logits.ndim == 0 or labels.shape != logits.shape[:-1] or labels.dtype.kind not in "iu":
        raise LabError(f"cross_entropy: labels {labels} do not fit logits {logits}.")
    return Spec((), _floats(logits.dtype))


# ---- mean 0 and variance 1 over the last axis

def centred(x, eps):
    """``(x - mean, standard deviation)`` of rows; ``eps`` is added to the variance."""
    out = x - sum_rows(x) / x.shape[-1]
    return out, np.sqrt(np.vecdot(out, out)[..., None] / x.shape[-1] + eps)


def _layernorm(x, gamma, beta, eps):
    out, deviation = centred(np.asarray(x), eps)
    out /= deviation
    out = out * gamma  # may be of a wider dtype
    out += beta
    return out


def _infer_layernorm(x, gamma, beta, eps):
    if x.ndim == 0 or not gamma.shape == beta.shape == x.shape[-1:] or x.dtype.kind != "f":
        raise LabError(f"layernorm: takes floats [..., C] and twice [C], got {x}, {gamma} and "
                       f"{beta}.")
    return Spec(x.shape, np.result_type(x.dtype, gamma.dtype, beta.dtype))


# ---- GELU, its tanh form

ROOT, CUBE = math.sqrt(2 / math.pi), 0.044715


def gelu_tanh(x, squares):
    """tanh(ROOT * (x + CUBE * x**3)), which the function and its slope share."""
    out = squares * CUBE
    out += 1
    out *= x
    out *= ROOT
    return np.tanh(out, out=out)


def _gelu(x):
    x = np.asarray(x)
    out = gelu_tanh(x, x * x)
    out += 1
    out *= x
    out *= 0.5
    return out


def _infer_gelu(x):
    if x.dtype.kind != "f":
        raise LabError(f"gelu: takes floats, got {x}.")
    return x


# ---- the rows; operations an element

for _op, _eval in {"softmax": softmax, "log_softmax": log_softmax}.items():
    define(_op, _eval, _infer_softmax(_op), lambda x, axis: 5 * x.size, "opaque")
define("cross_entropy", cross_entropy, _infer_cross_entropy, lambda x, y: 5 * x.size, "opaque")
define("layernorm", _layernorm, _infer_layernorm, lambda x, *rest, eps: 7 * x.size, "opaque")
define("gelu", _gelu, _infer_gelu, lambda x: 9 * x.size, "opaque")
