"""A NumPy-like namespace that computes, records and differentiates: all of it goes through bind."""

from numpy import arange, asarray, eye, float32, float64, int64, ones, pi, zeros  # noqa: F401

from aisys_lab.autodiff.numpy import linalg  # noqa: F401
from aisys_lab.autodiff.numpy.base import ndim, shape  # noqa: F401
from aisys_lab.autodiff.numpy.contract import matmul  # noqa: F401
from aisys_lab.autodiff.numpy.convolution import (  # noqa: F401
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    global_avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from aisys_lab.autodiff.numpy.creation import ones_like, stop_gradient, zeros_like  # noqa: F401
from aisys_lab.autodiff.numpy.elementwise import (  # noqa: F401
    abs,
    absolute,
    add,
    astype,
    clip,
    cos,
    divide,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    rint,
    sign,
    sin,
    sqrt,
    square,
    subtract,
    tanh,
    true_divide,
    where,
)
from aisys_lab.autodiff.numpy.indexing import getitem  # noqa: F401
from aisys_lab.autodiff.numpy.neural import (  # noqa: F401
    cross_entropy,
    gelu,
    layernorm,
    log_softmax,
    logsumexp,
    one_hot,
    relu,
    sigmoid,
    softmax,
)
from aisys_lab.autodiff.numpy.reductions import argmax, max, mean, min, sum, var  # noqa: F401
from aisys_lab.autodiff.numpy.shapes import (  # noqa: F401
    broadcast_to,
    concatenate,
    expand_dims,
    reshape,
    squeeze,
    stack,
    swapaxes,
    transpose,
)
from aisys_lab.autodiff.tensor import Tensor

Tensor.__getitem__ = getitem
Tensor.sum, Tensor.mean, Tensor.max, Tensor.reshape, Tensor.astype = sum, mean, max, reshape, astype
