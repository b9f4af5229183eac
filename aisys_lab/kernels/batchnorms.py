"""Batch norm under its plain names, in two layouts (Ioffe and Szegedy 2015, arXiv:1502.03167)."""

import math

import numpy as np

from aisys_lab.core import Table
from aisys_lab.kernels import batchnorm_columns as columns
from aisys_lab.kernels import batchnorm_planes as planes
from aisys_lab.kernels.axes import alike, in_parts, number, per_place
from aisys_lab.kernels.jit import entry
from aisys_lab.kernels.ladders import KERNELS, ladder

COST = 8  # operations a number, about
CHANNELS = Table("CHANNELS", "layouts of images: which axis is the channels'", noun="layout")
CHANNELS.define("NCHW", 1)
CHANNELS.define("NHWC", -1)


# ---- naive: x [images, channels, size], of which NHWC is the case of size 1

@entry(fastmath=False)
def naive(x, gamma, beta, mean, var, eps, out):
    """out[n,c,s] = (x[n,c,s] - mean[c]) / sqrt(var[c] + eps) * gamma[c] + beta[c]"""
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for s in range(x.shape[2]):
                centred = np.float64(x[n, c, s]) - mean[c]
                out[n, c, s] = centred / math.sqrt(var[c] + eps) * gamma[c] + beta[c]


@entry(fastmath=False)
def statistics(x, mean, var):
    """mean[c] and var[c] over all n and s"""
    count = x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        sum, squares = 0.0, 0.0
        for n in range(x.shape[0]):
            for s in range(x.shape[2]):
                sum += x[n, c, s]
        for n in range(x.shape[0]):
            for s in range(x.shape[2]):
                squares += (x[n, c, s] - sum / count) ** 2
        mean[c], var[c] = sum / count, squares / count


def naive_train(x, gamma, beta, eps, out, mean, var):
    """By the statistics of x."""
    statistics(x, mean, var)
    naive(x, gamma, beta, mean, var, eps, out)


@entry(fastmath=False)
def naive_grad(g, x, gamma, mean, var, eps, gx, ggamma, gbeta):
    """With h = (x - mean) / sqrt(var + eps), and means over n and s:
    gx = gamma / sqrt(var + eps) * (g - mean of g - h * mean of g · h)"""
    count = x.shape[0] * x.shape[2]
    for c in range(x.shape[1]):
        root, a, b = math.sqrt(var[c] + eps), 0.0, 0.0
        for n in range(x.shape[0]):
            for s in range(x.shape[2]):
                a += g[n, c, s]
                b += g[n, c, s] * (np.float64(x[n, c, s]) - mean[c]) / root
        ggamma[c], gbeta[c] = b, a
        for n in range(x.shape[0]):
            for s in range(x.shape[2]):
                h = (np.float64(x[n, c, s]) - mean[c]) / root
                gx[n, c, s] = gamma[c] / root * (g[n, c, s] - a / count - h * b / count)


# ---- vectors

quiet = np.errstate(all="ignore")  # what is not finite goes through, without a word


@quiet
def columns_apply(x, gamma, beta, mean, var, eps, out):
    """NHWC by given statistics: all that is left is a line of factors."""
    times = columns.repeats(len(mean))
    scale = gamma / np.sqrt(var.astype(np.float64) + eps)
    columns.affine(x.ravel(), *columns.lines(times, x.dtype, mean, scale, beta), out.ravel())


@quiet
def columns_train(x, gamma, beta, eps, out, mean, var):
    """NHWC by the statistics of x: the mean by distances from the first position."""
    times, flat, first, count = columns.repeats(len(mean)), x.ravel(), x.ravel()[:len(mean)], len(x)
    middle = first + columns.sums(0, times, flat, flat, first) / count
    mean[:] = middle
    var[:] = columns.sums(1, times, flat, flat, mean) / count - (middle - mean) ** 2
    columns_apply(x, gamma, beta, mean, var, eps, out)


@quiet
def columns_grad(g, x, gamma, mean, var, eps, gx, ggamma, gbeta):
    """NHWC: sums, then each number of its own."""
    times, up, flat = columns.repeats(len(mean)), g.ravel(), x.ravel()
    root = 1 / np.sqrt(var.astype(np.float64) + eps)
    a = columns.sums(0, times, up, up, np.zeros_like(mean))
    b = columns.sums(2, times, up, flat, mean)
    ggamma[:], gbeta[:], scale = b * root, a, gamma * root
    slope, shift = -scale * root * root * b / len(x), -scale * a / len(x)
    columns.blend(up, flat, *columns.lines(times, x.dtype, mean, scale, slope, shift), gx.ravel())


def by_size(one, several, of_columns):
    """The kernel of planes, or that of columns where a plane is one number, as in NHWC."""
    of_planes = in_parts(one, several, COST)

    def kernel(*arrays):
        (of_planes if arrays[0].shape[2] > 1 else of_columns)(*arrays)
    return kernel


def three(x, layout):
    """Images, channels and what lies behind them as three axes, in C order."""
    axis = CHANNELS[layout] % x.ndim
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:axis]), x.shape[axis],
                                           math.prod(x.shape[axis + 1:]))


def apply_by(kernel):
    """A rung of a kernel of three axes."""
    def batchnorm(x, gamma, beta, mean, var, eps, layout):
        out = np.empty(x.shape, x.dtype)
        if out.size:
            kernel(three(x, layout), gamma, beta, mean, var, eps, three(out, layout))
        return out
    return batchnorm


def train_by(kernel):
    """A rung of a kernel of three axes."""
    def batchnorm_train(x, gamma, beta, eps, layout):
        out, (mean, var) = np.empty(x.shape, x.dtype), np.full((2, len(gamma)), np.nan, x.dtype)
        if out.size:
            kernel(three(x, layout), gamma, beta, eps, three(out, layout), mean, var)
        return out, mean, var
    return batchnorm_train


def grad_by(kernel):
    """A rung of a kernel of three axes."""
    def batchnorm_grad(g, x, gamma, mean, var, eps, layout):
        gx, (ggamma, gbeta) = np.empty(x.shape, x.dtype), np.zeros((2, len(gamma)), x.dtype)
        if gx.size:
            kernel(three(g, layout), three(x, layout), gamma, mean, var, eps, three(gx, layout),
                   ggamma, gbeta)
        return gx, ggamma, gbeta
    return batchnorm_grad


ladder("batchnorm", naive=apply_by(naive),
       vectors=apply_by(by_size(planes.apply, planes.apply_parts, columns_apply)))
ladder("batchnorm_train", naive=train_by(naive_train),
       vectors=train_by(by_size(planes.train, planes.train_parts, columns_train)))
ladder("batchnorm_grad", naive=grad_by(naive_grad),
       vectors=grad_by(by_size(planes.grad, planes.grad_parts, columns_grad)))


def batchnorm(x, gamma, beta, mean, var, eps=1e-5, layout="NCHW", kernel="vectors"):
    """``(x - mean) / sqrt(var + eps) · gamma + beta``, each one number a channel of f32 or f64
    [N,C,...] (NCHW) or [...,C] (NHWC)."""
    x, *values = per_place("batchnorm", x, CHANNELS[layout], gamma=gamma, beta=beta, mean=mean,
                           var=var)
    return KERNELS["batchnorm"][kernel](x, *values, number("batchnorm", "eps", eps), layout)


def batchnorm_train(x, gamma, beta, eps=1e-5, layout="NCHW", kernel="vectors"):
    """``(out, mean, var)``: the same by the mean and the (biased) variance of each channel of x."""
    x, gamma, beta = per_place("batchnorm_train", x, CHANNELS[layout], gamma=gamma, beta=beta)
    return KERNELS["batchnorm_train"][kernel](
        x, gamma, beta, number("batchnorm_train", "eps", eps), layout)


def batchnorm_grad(g, x, gamma, mean, var, eps=1e-5, layout="NCHW", kernel="vectors"):
    """``(gx, ggamma, gbeta)`` of batchnorm_train, whose result has gradient g, and which gave mean
    and var."""
    g, x = alike("batchnorm_grad", g=g, x=x)
    x, *values = per_place("batchnorm_grad", x, CHANNELS[layout], gamma=gamma, mean=mean, var=var)
    return KERNELS["batchnorm_grad"][kernel](
        g, x, *values, number("batchnorm_grad", "eps", eps), layout)
