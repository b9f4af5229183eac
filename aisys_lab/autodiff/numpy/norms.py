"""Normalisation: numbers brought to mean 0 and variance 1, or to mean square 1."""

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import add, multiply, sqrt, square
from aisys_lab.autodiff.numpy.reductions import mean as average
from aisys_lab.autodiff.numpy.shapes import reshape
from aisys_lab.core import LabError, whole
from aisys_lab.ir import spec_of


def layernorm(x, gamma, beta, eps=1e-5):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the last axis."""
    return add(multiply(_standard(as_input(x), -1, eps), gamma), beta)


def rmsnorm(x, gamma, eps=1e-5):
    """Zhang and Sennrich 2019 (arXiv:1910.07467), over the last axis."""
    x = as_input(x)
    return multiply(x / sqrt(average(square(x), -1, keepdims=True) + eps), gamma)


def groupnorm(x, groups, gamma, beta, eps=1e-5):
    """Wu and He 2018 (arXiv:1803.08494): over groups of channels of f[N, C, ...]."""
    x, groups = as_input(x), whole("groupnorm", "groups", groups, 1)
    _need_channels("groupnorm", x, gamma, beta)
    n, channels, *size = shape(x)
    if channels % groups:
        raise LabError(f"groupnorm: {channels} channels of {spec_of(x)} do not divide into "
                       f"{groups} groups.")
    parted = reshape(x, (n, groups, channels // groups, *size))
    out = reshape(_standard(parted, tuple(range(2, ndim(parted))), eps), shape(x))
    return out * _beside(gamma, x) + _beside(beta, x)


def batchnorm(x, gamma, beta, mean=None, var=None, eps=1e-5):
    """``(out, mean, var)``: each channel of f[N, C, ...] by these statistics, else the batch's own.

    Ioffe and Szegedy 2015 (arXiv:1502.03167). The statistics [C] come out as they were used, so
    that a training loop can keep running ones; the variance is the biased one.
    """
    x = as_input(x)
    _need_channels("batchnorm", x, gamma, beta, *(s for s in (mean, var) if s is not None))
    if (mean is None) != (var is None):
        raise LabError("batchnorm: takes mean and var together, or neither.")
    axis = tuple(k for k in range(ndim(x)) if k != 1)
    middle = average(x, axis) if mean is None else mean
    centred = x - _beside(middle, x)
    var = average(square(centred), axis) if var is None else var
    scale = gamma / sqrt(var + eps)
    return centred * _beside(scale, x) + _beside(beta, x), middle, var


def _standard(x, axis, eps):
    """Mean 0 and variance 1 along axes."""
    centred = x - average(x, axis, keepdims=True)
    return centred / sqrt(average(square(centred), axis, keepdims=True) + eps)


def _beside(values, x):
    """One number a channel, shaped to stand beside f[N, C, ...]."""
    return reshape(values, (*shape(values), *(1,) * (ndim(x) - 2)))


def _need_channels(op, x, *values):
    """A sentence unless there is one number a channel."""
    if ndim(x) < 2 or any(shape(v) != shape(x)[1:2] for v in values):
        raise LabError(f"{op}: takes f[N, C, ...] and one number for each of C channels, got "
                       f"{spec_of(x)} and {', '.join(str(spec_of(v)) for v in values)}.")
