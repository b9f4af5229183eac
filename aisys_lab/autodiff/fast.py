"""Kernels in the place of NumPy's definitions, for ops on arrays that are large enough.

Each row of OPS keeps its definition, which the oracle interpreter uses.
"""

from dataclasses import replace

import numpy as np

from aisys_lab import kernels
from aisys_lab.ir import OPS

ENOUGH = 1 << 15  # multiply-adds from which on a kernel's call pays
SOME = 1 << 13  # entries of two arrays of images, likewise
ROWS = 1 << 9  # entries of rows of logits, likewise
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def fast(op):
    """Decorates what computes an op of the package on arrays, in place of its definition."""
    def decorate(run):
        OPS.define(op, replace(OPS.reference(op), fast=run))
        return run
    return decorate


def otherwise(op):
    """The definition of an op of the package."""
    return OPS.reference(op).eval


@fast("matmul")
def matmul(a, b):
    """Our product of matrices, also of stacks of them with one matrix; else NumPy's."""
    if not (type(a) is type(b) is np.ndarray and b.ndim == 2 <= a.ndim and a.dtype is b.dtype
            and a.dtype in (F32, F64) and a.size * b.shape[1] >= ENOUGH
            and a.shape[-1] == b.shape[0]):
        return np.matmul(a, b)
    if a.ndim == 2:
        return kernels.matmul(a, b)
    return kernels.matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])


# ---- rows of logits f[..., classes]

def by_kernel(logits):
    """Whether these are logits that a kernel is for."""
    return type(logits) is np.ndarray and logits.size >= ROWS and logits.dtype in (F32, F64)


@fast("cross_entropy")
def cross_entropy(logits, labels):
    """The mean of -log_softmax at the labels."""
    if not by_kernel(logits):
        return otherwise("cross_entropy")(logits, labels)
    return kernels.cross_entropy(logits, labels)


# ---- images f[N, C, H, W]

def images(x, y):
    """Whether both are images, results or weights of the kind that kernels are for."""
    return type(x) is type(y) is np.ndarray and x.ndim == y.ndim == 4 and x.dtype is y.dtype \
        and x.dtype in (F32, F64) and x.size + y.size >= SOME


@fast("conv")
def conv(x, w, stride, padding, dilation, groups):
    """Convolution, by the rung that suits the shape."""
    if not images(x, w):
        return otherwise("conv")(x, w, stride, padding, dilation, groups)
    return kernels.conv2d(x, w, None, stride, padding, dilation, groups, "NCHW")


@fast("conv_input")
def conv_input(g, w, size, stride, padding, dilation, groups):
    """Its gradient by the image; of a depthwise one, where each channel has weights of its own."""
    if not images(g, w):
        return otherwise("conv_input")(g, w, size, stride, padding, dilation, groups)
    if groups == len(w) and w.shape[1] == 1:
        return kernels.depthwise_input(g, w[:, 0], size, stride, padding, dilation)
    return kernels.conv2d_input(g, w, size, stride, padding, dilation, groups)


@fast("conv_weight")
def conv_weight(x, g, kernel, stride, padding, dilation, groups):
    """Its gradient by the weights."""
    if not images(x, g):
        return otherwise("conv_weight")(x, g, kernel, stride, padding, dilation, groups)
    if groups == x.shape[1] == g.shape[1]:
        return kernels.depthwise_weight(x, g, kernel, stride, padding, dilation)[:, None]
    return kernels.conv2d_weight(x, g, kernel, stride, padding, dilation, groups)


@fast("max_pool")
def max_pool(x, kernel, stride, padding):
    """The largest entry of each window."""
    if not images(x, x):
        return otherwise("max_pool")(x, kernel=kernel, stride=stride, padding=padding)
    return kernels.max_pool(x, kernel, stride, padding)


@fast("max_pool_input")
def max_pool_input(g, x, kernel, stride, padding):
    """Its gradient."""
    if not images(g, x):
        return otherwise("max_pool_input")(g, x, kernel=kernel, stride=stride, padding=padding)
    return kernels.max_pool_input(g, x, kernel, stride, padding)


@fast("sum_pool")
def sum_pool(x, kernel, stride, padding):
    """The sum of each window."""
    if not images(x, x):
        return otherwise("sum_pool")(x, kernel=kernel, stride=stride, padding=padding)
    return kernels.sum_pool(x, kernel, stride, padding)


@fast("sum_pool_input")
def sum_pool_input(g, size, kernel, stride, padding):
    """Its gradient."""
    if not images(g, g):
        return otherwise("sum_pool_input")(g, size=size, kernel=kernel, stride=stride,
                                           padding=padding)
    return kernels.sum_pool_input(g, size, kernel, stride, padding)
