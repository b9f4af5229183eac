"""Cross entropy of logits [..., classes] and labels [...], with its gradient."""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.axes import array, number, rows_of
from aisys_lab.kernels.checks import told
from aisys_lab.kernels.jit import entry, part
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.lines import line_max, scale_line
from aisys_lab.kernels.softmax_rows import line_power_sum, line_powers
from aisys_lab.kernels.vector import offset, pointer


@entry(fastmath=False)
def naive(x, labels):
    """The mean over rows of log(sum over k of e^x[k]) - x[label]"""
    sum = 0.0
    for i in range(x.shape[0]):
        top, powers = np.max(x[i]), 0.0
        for j in range(x.shape[1]):
            powers += math.exp(x[i, j] - top)
        sum += math.log(powers) + top - x[i, labels[i]]
    return sum / x.shape[0]


@entry(fastmath=False)
def naive_grad(g, x, labels, out):
    """out[i,j] = g / rows * (e^x[i,j] / sum over k of e^x[i,k] - (1 where j is the label, else 0))
    """
    for i in range(x.shape[0]):
        top, powers = np.max(x[i]), 0.0
        for j in range(x.shape[1]):
            powers += math.exp(x[i, j] - top)
        for j in range(x.shape[1]):
            out[i, j] = g / x.shape[0] * (math.exp(x[i, j] - top) / powers - (j == labels[i]))


@part(fastmath=False)
def row_loss(p, n, label):
    """log(sum of e^p) - p[label] for a line."""
    top = line_max(p, n)
    return math.log(line_power_sum(p, n, top)) - (p[label] - top)


@entry
def vectors(x, labels):
    """The same, with vectors."""
    sum, n = 0.0, x.shape[1]
    for i in range(x.shape[0]):
        sum += row_loss(offset(pointer(x), i * n), n, labels[i])
    return sum / x.shape[0]


@entry
def vectors_grad(g, x, labels, out):
    """The same, with vectors."""
    rows, n = x.shape
    share = g / rows
    for i in range(rows):
        line, to = offset(pointer(x), i * n), offset(pointer(out), i * n)
        scale_line(to, n, share / line_powers(line, n, line_max(line, n), to))
        out[i, labels[i]] -= share


def loss_of(loop):
    """A rung of a loop over rows."""
    def cross_entropy(logits, labels):
        return logits.dtype.type(loop(rows_of(logits), labels) if labels.size else np.nan)
    return cross_entropy


def grad_of(loop):
    """A rung of a loop over rows."""
    def cross_entropy_grad(g, logits, labels):
        out = np.empty(logits.shape, logits.dtype)
        if labels.size:
            loop(g, rows_of(logits), labels, rows_of(out))
        return out
    return cross_entropy_grad


ladder("cross_entropy", naive=loss_of(naive), vectors=loss_of(vectors))
ladder("cross_entropy_grad", naive=grad_of(naive_grad), vectors=grad_of(vectors_grad))


def cross_entropy(logits, labels, kernel="vectors"):
    """The mean of -log_softmax(logits) at the labels, whole numbers from 0, one a row."""
    return KERNELS["cross_entropy"][kernel](*_fitting("cross_entropy", logits, labels))


def cross_entropy_grad(g, logits, labels, kernel="vectors"):
    """Gradient of the logits, of the loss's gradient g, a number."""
    logits, labels = _fitting("cross_entropy_grad", logits, labels)
    return KERNELS["cross_entropy_grad"][kernel](number("cross_entropy_grad", "g", g), logits,
                                                 labels)


def _fitting(op, logits, labels):
    """Logits, and labels as one line; a sentence if they do not fit."""
    logits, labels = array(op, logits), np.asarray(labels)
    if not logits.ndim or labels.shape != logits.shape[:-1] or not (
            labels.dtype.kind in "iu" or not labels.size):
        raise LabError(f"{op}: labels {told(labels)} do not fit logits {told(logits)}; they are "
                       f"whole numbers, one a row.")
    low, high = (labels.min(), labels.max()) if labels.size else (0, -1)
    if low < 0 or high >= logits.shape[-1]:
        raise LabError(f"{op}: a label is {low if low < 0 else high}, but logits {told(logits)} "
                       f"have {logits.shape[-1]} classes, counted from 0.")
    return logits, np.ascontiguousarray(labels, np.int64).ravel()
