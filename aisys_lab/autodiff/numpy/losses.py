"""Losses: how far predictions are from what they should be, as one number."""

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import astype, logaddexp, square
from aisys_lab.autodiff.numpy.neural import log_softmax, one_hot
from aisys_lab.autodiff.numpy.reductions import mean, sum
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import bind, spec_of


def cross_entropy(logits, labels):
    """Mean negative log-probability of the true class; logits f[..., C], labels i[...]."""
    logits, labels = as_input(logits), as_input(labels)
    whole = spec_of(labels).dtype.kind in "iu" or shape(labels) == (0,)  # as [] is
    if ndim(logits) == 0 or shape(labels) != shape(logits)[:-1] or not whole:
        raise LabError(f"cross_entropy: labels {spec_of(labels)} do not fit logits "
                       f"{spec_of(logits)}; they are whole numbers, one a row.")
    classes = shape(logits)[-1]
    if isinstance(labels, np.ndarray) and labels.size:
        low, high = labels.min(), labels.max()
        if low < 0 or high >= classes:
            raise LabError(f"cross_entropy: a label is {low if low < 0 else high}, but logits "
                           f"{spec_of(logits)} have {classes} classes, counted from 0.")
        plain = type(logits) is not Tensor or type(logits.value) is np.ndarray
        if plain and logits.dtype.kind == "f":
            return bind("cross_entropy", logits, labels)
    return composed_cross_entropy(logits, labels)


def composed_cross_entropy(logits, labels):
    """The same in its parts: what traces, and derivatives of the derivative, see."""
    chosen = one_hot(labels, shape(logits)[-1], logits.dtype)
    return -mean(sum(log_softmax(logits) * chosen, axis=-1))


def binary_cross_entropy(logits, labels):
    """Mean negative log-probability of labels 0 and 1, where sigmoid(logits) is that of a 1."""
    logits, labels = as_input(logits), as_input(labels)
    _need_alike("binary_cross_entropy", logits, labels)
    return mean(logaddexp(logits, 0) - logits * astype(labels, spec_of(logits).dtype))


def mse(predictions, targets):
    """The mean of squared differences."""
    predictions, targets = as_input(predictions), as_input(targets)
    _need_alike("mse", predictions, targets)
    return mean(square(predictions - targets))


def _need_alike(op, x, y):
    """Shapes that only broadcast are refused: that is hardly ever what was meant."""
    if shape(x) != shape(y):
        raise LabError(f"{op}: {spec_of(x)} and {spec_of(y)} should have one shape.")
