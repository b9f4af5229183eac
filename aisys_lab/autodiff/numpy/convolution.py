"""Convolution and pooling of images [N, C, H, W] and signals [N, C, T], under PyTorch's names."""

import math

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.contract import matmul
from aisys_lab.autodiff.numpy.reductions import mean
from aisys_lab.autodiff.numpy.shapes import reshape, swapaxes
from aisys_lab.core import LabError, whole
from aisys_lab.ir import bind, spec_of


def conv1d(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    """Signals [N, C, T] with kernels [O, C / groups, K]; see ``conv2d``."""
    return _conv("conv1d", 1, x, w, stride, padding, dilation, groups, bias)


def conv2d(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    """Images [N, C, H, W] with kernels [O, C / groups, KH, KW]: [N, O, H', W'].

    The kernel is not mirrored (cross-correlation). ``padding`` is a number, one an axis, one pair
    (before, after) an axis, or 'same' (as large as the image, at stride 1); ``bias`` is [O].
    With as many groups as channels it is a depthwise convolution.
    """
    return _conv("conv2d", 2, x, w, stride, padding, dilation, groups, bias)


def conv3d(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    """Volumes [N, C, D, H, W] with kernels [O, C / groups, KD, KH, KW]; see ``conv2d``."""
    return _conv("conv3d", 3, x, w, stride, padding, dilation, groups, bias)


def _conv(op, rank, x, w, stride, padding, dilation, groups, bias):
    x, w = _images(op, rank, x), _images(op, rank, w)
    dilation = _each(op, "dilation", dilation, rank, 1)
    if padding == "same":
        padding = _same(op, shape(w)[2:], stride, dilation)
    out = bind("conv", x, w, stride=_each(op, "stride", stride, rank, 1),
               padding=_pairs(op, padding, rank), dilation=dilation,
               groups=whole(op, "groups", groups, 1))
    return out if bias is None else out + _beside(op, bias, out)


def conv_transpose1d(x, w, stride=1, padding=0, output_padding=0, groups=1, dilation=1, bias=None):
    """Signals [N, C, T] with kernels [C, O / groups, K]; see ``conv_transpose2d``."""
    return _conv_transpose("conv_transpose1d", 1, x, w, stride, padding, output_padding, groups,
                           dilation, bias)


def conv_transpose2d(x, w, stride=1, padding=0, output_padding=0, groups=1, dilation=1, bias=None):
    """The transpose of ``conv2d``: images [N, C, H, W] with kernels [C, O / groups, KH, KW].

    The result is the image that a convolution of this stride and padding turns into one of the
    shape of ``x``; ``output_padding`` chooses among several such. Upsamples by ``stride``.
    """
    return _conv_transpose("conv_transpose2d", 2, x, w, stride, padding, output_padding, groups,
                           dilation, bias)


def _conv_transpose(op, rank, x, w, stride, padding, more, groups, dilation, bias):
    x, w = _images(op, rank, x), _images(op, rank, w)
    stride, dilation = (_each(op, name, value, rank, 1)
                        for name, value in (("stride", stride), ("dilation", dilation)))
    padding, more = _pairs(op, padding, rank), _each(op, "output_padding", more, rank, 0)
    if any(m >= s for m, s in zip(more, stride, strict=True)):
        raise LabError(f"{op}: output_padding {more} should be less than the stride {stride}.")
    size = tuple((n - 1) * s + d * (k - 1) + 1 + m - sum(pads) for n, s, d, k, m, pads in zip(
        shape(x)[2:], stride, dilation, shape(w)[2:], more, padding, strict=True))
    if any(n < 1 for n in size):
        raise LabError(f"{op} of {spec_of(x)} and {spec_of(w)}: padding {padding} leaves an image "
                       f"of {size}; give less.")
    out = bind("conv_input", x, w, size=size, stride=stride, padding=padding, dilation=dilation,
               groups=whole(op, "groups", groups, 1))
    return out if bias is None else out + _beside(op, bias, out)


# ---- arguments

def _images(op, rank, x):
    """The array itself, if it has batch, channels and ``rank`` further axes."""
    x = as_input(x)
    if ndim(x) != rank + 2:
        raise LabError(f"{op}: takes arrays with {rank + 2} axes (batch or channels out, channels, "
                       f"then {rank} in space), got {spec_of(x)}.")
    return x


def _each(op, name, value, rank, least):
    """One whole number an axis."""
    values = value if isinstance(value, tuple | list) else (value,) * rank
    if len(values) != rank:
        raise LabError(f"{op}: {name}={value!r}; give one whole number, or {rank}.")
    return tuple(whole(op, name, n, least) for n in values)


def _pairs(op, padding, rank):
    """One pair (before, after) an axis."""
    if isinstance(padding, str):
        raise LabError(f"{op}: padding={padding!r}; it is a number, {rank} numbers, {rank} pairs, "
                       f"or for a convolution 'same'.")
    if isinstance(padding, tuple | list) and len(padding) == rank and all(
            isinstance(pair, tuple | list) for pair in padding):
        return tuple(_each(op, "padding", pair, 2, 0) for pair in padding)
    return tuple((n, n) for n in _each(op, "padding", padding, rank, 0))


def _same(op, kernel, stride, dilation):
    """Pads that keep the size; an odd one goes to the end."""
    if stride not in (1, (1,) * len(kernel)):
        raise LabError(f"{op}: padding='same' keeps the size at stride 1, not at {stride}.")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def _beside(op, bias, out):
    """A bias [O], shaped to be added to the result."""
    if shape(bias) != shape(out)[1:2]:
        raise LabError(f"{op}: the bias should have one number for each of the {shape(out)[1]} "
                       f"channels out, got {spec_of(bias)}.")
    return reshape(bias, (-1,) + (1,) * (ndim(out) - 2))


# ---- pooling

def max_pool1d(x, kernel, stride=None, padding=0):
    """The largest entry of each window of signals; see ``max_pool2d``."""
    return bind("max_pool", _images("max_pool1d", 1, x), **_window("max_pool1d", 1, kernel, stride,
                                                                   padding))


def max_pool2d(x, kernel, stride=None, padding=0):
    """The largest entry of each window; the windows lie side by side where no stride is given.

    Pads never win. Of equal entries the first in the window gets the gradient.
    """
    return bind("max_pool", _images("max_pool2d", 2, x), **_window("max_pool2d", 2, kernel, stride,
                                                                   padding))


def avg_pool1d(x, kernel, stride=None, padding=0, count_include_pad=True):
    """The mean of each window of signals; see ``avg_pool2d``."""
    return _avg_pool("avg_pool1d", 1, x, kernel, stride, padding, count_include_pad)


def avg_pool2d(x, kernel, stride=None, padding=0, count_include_pad=True):
    """The mean of each window; pads count as zeros, or not at all."""
    return _avg_pool("avg_pool2d", 2, x, kernel, stride, padding, count_include_pad)


def _avg_pool(op, rank, x, kernel, stride, padding, count_include_pad):
    x, at = _images(op, rank, x), _window(op, rank, kernel, stride, padding)
    total = bind("sum_pool", x, **at)
    if count_include_pad or not any(map(any, at["padding"])):
        return total / math.prod(at["kernel"])
    ones = np.ones((1, 1, *shape(x)[2:]), spec_of(x).dtype)
    return total / bind("sum_pool", ones, **at)


def _window(op, rank, kernel, stride, padding):
    """The attributes of a pooling op."""
    kernel = _each(op, "kernel", kernel, rank, 1)
    return {"kernel": kernel, "padding": _pairs(op, padding, rank),
            "stride": kernel if stride is None else _each(op, "stride", stride, rank, 1)}


def global_avg_pool2d(x):
    """The mean of each channel: [N, C, H, W] to [N, C]."""
    return mean(_images("global_avg_pool2d", 2, x), (2, 3))


def adaptive_avg_pool2d(x, size):
    """Means of windows that share an image out into ``size`` places, whatever size it has.

    Place i of m along an axis of n entries covers those from floor(i n / m) to ceil((i + 1) n / m).
    """
    x = _images("adaptive_avg_pool2d", 2, x)
    size, image = _each("adaptive_avg_pool2d", "size", size, 2, 1), shape(x)[2:]
    if not any(n % m for n, m in zip(image, size, strict=True)):
        return avg_pool2d(x, tuple(n // m for n, m in zip(image, size, strict=True)))
    down, across = (_shares(n, m, spec_of(x).dtype) for n, m in zip(image, size, strict=True))
    return swapaxes(matmul(across, swapaxes(matmul(down, x), 2, 3)), 2, 3)


def _shares(n, m, dtype):
    """A matrix [m, n] that averages n entries into m places."""
    places, entries = np.arange(m)[:, None], np.arange(n)
    covered = (entries >= places * n // m) & (entries < -(-(places + 1) * n // m))
    return (covered / covered.sum(1, keepdims=True)).astype(dtype)
