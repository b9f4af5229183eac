"""Normalisation: numbers brought to mean 0 and variance 1, or to mean square 1."""

from aisys_lab import kernels
from aisys_lab.autodiff.fused import fused
from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import add, multiply, sqrt, square
from aisys_lab.autodiff.numpy.reductions import mean as average
from aisys_lab.autodiff.numpy.shapes import reshape
from aisys_lab.autodiff.tensor import Joint
from aisys_lab.core import LabError, whole
from aisys_lab.ir import spec_of


def _a_line(x, *lines, eps=0):
    """Whether each of these has a number for every place of a row."""
    return all(line.shape == x.shape[-1:] for line in lines)


@fused("layernorm", lambda *args, **eps: kernels.layernorm(*args, **eps), Joint(
    lambda g, out, x, gamma, beta, **eps: kernels.layernorm_grad(g, x, gamma, **eps)),
    inputs=3, fits=_a_line)
def layernorm(x, gamma, beta, eps=1e-5):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the last axis."""
    return add(multiply(_standard(as_input(x), -1, eps), gamma), beta)


@fused("rmsnorm", lambda *args, **eps: kernels.rmsnorm(*args, **eps), Joint(
    lambda g, out, x, gamma, **eps: kernels.rmsnorm_grad(g, x, gamma, **eps)),
    inputs=2, fits=_a_line)
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
    if mean is None:
        return _by_the_batch(x, gamma, beta, eps=eps)
    return _affine(x - _beside(mean, x), gamma, beta, var, eps), mean, var


def _pull_batch(g, out, x, gamma, beta, **eps):
    """The gradients; None where one comes through the statistics too."""
    if g[1].any() or g[2].any():
        return None
    return kernels.batchnorm_grad(g[0], x, gamma, *out[1:], **eps)


@fused("batchnorm", lambda *args, **eps: kernels.batchnorm_train(*args, **eps), Joint(_pull_batch),
       inputs=3, multi=True)
def _by_the_batch(x, gamma, beta, eps):
    """``(out, mean, var)`` by the batch's own statistics."""
    axis = tuple(k for k in range(ndim(x)) if k != 1)
    mean = average(x, axis)
    centred = x - _beside(mean, x)
    var = average(square(centred), axis)
    return _affine(centred, gamma, beta, var, eps), mean, var


def _affine(centred, gamma, beta, var, eps):
    """Scaled to variance 1, then by each channel's own factors."""
    scale = gamma / sqrt(var + eps)
    return centred * _beside(scale, centred) + _beside(beta, centred)


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
