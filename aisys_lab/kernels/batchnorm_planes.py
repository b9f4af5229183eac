"""Batch norm where a channel is a plane of ``size`` numbers in each image (NCHW).

Channel by channel, so that the planes of one stay in the second cache from its statistics to its
result.
"""

import math

from numba import prange

from aisys_lab.kernels.axes import stripe
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.lines import BLOCK, line_moments
from aisys_lab.kernels.vector import (
    fma,
    lanes,
    load,
    load_part,
    offset,
    pointer,
    splat,
    store,
    store_part,
    total,
)


@part
def affine_line(p, n, mean, scale, shift, to):
    """``to = (p - mean) · scale + shift``"""
    w, j = lanes(p), 0
    a, b, c = splat(p, mean), splat(p, scale), splat(p, shift)
    while j + w <= n:
        store(fma(load(p, j) - a, b, c), to, j)
        j += w
    if j < n:
        store_part(fma(load_part(p, j, n - j, 0) - a, b, c), to, j, n - j)


@part
def plane_moments(p, images, apart, size):
    """Mean and variance of planes that lie ``apart``: those of the planes, joined (Chan, Golub and
    LeVeque 1979)."""
    mean = variance = 0.0
    for i in range(images):
        near, off, own = line_moments(offset(p, i * apart), size)
        step = near + off - mean
        mean += step / (i + 1)
        variance += (own - variance) / (i + 1) + step * step * i / (i + 1) / (i + 1)
    return mean, variance


@native
def apply_planes(p, images, channels, size, gamma, beta, mean, var, eps, to):
    """All planes by given statistics, in the order in which they lie."""
    for i in range(images * channels):
        c = i % channels
        affine_line(offset(p, i * size), size, mean[c], gamma[c] / math.sqrt(var[c] + eps), beta[c],
                    offset(to, i * size))


@native
def train_planes(p, images, channels, size, first, last, gamma, beta, eps, to, mean, var):
    """Channels from ``first`` to ``last`` by their own statistics."""
    apart = channels * size
    for c in range(first, last):
        middle, variance = plane_moments(offset(p, c * size), images, apart, size)
        mean[c], var[c], scale = middle, variance, gamma[c] / math.sqrt(variance + eps)
        for i in range(images):
            at = i * apart + c * size
            affine_line(offset(p, at), size, middle, scale, beta[c], offset(to, at))


@part
def line_slopes(g, p, n, mean):
    """The sums of g and of g · (p - mean)."""
    w, j, middle = lanes(g), 0, splat(g, mean)
    a = splat(g, 0)
    b, c, d = a, a, a
    while j + 2 * w <= n:
        u, v = load(g, j), load(g, j + w)
        a, b = a + u, b + v
        c, d = fma(u, load(p, j) - middle, c), fma(v, load(p, j + w) - middle, d)
        j += 2 * w
    a, c = a + b, c + d
    while j + w <= n:
        u = load(g, j)
        a, c = a + u, fma(u, load(p, j) - middle, c)
        j += w
    if j < n:
        u = load_part(g, j, n - j, 0)
        a, c = a + u, fma(u, load_part(p, j, n - j, mean) - middle, c)
    return total(a), total(c)


@part
def blend_line(g, p, n, mean, scale, slope, shift, to):
    """``to = g · scale + (p - mean) · slope + shift``"""
    w, j = lanes(g), 0
    a, b, c, d = splat(g, mean), splat(g, scale), splat(g, slope), splat(g, shift)
    while j + w <= n:
        store(fma(load(g, j), b, fma(load(p, j) - a, c, d)), to, j)
        j += w
    if j < n:
        left = n - j
        store_part(fma(load_part(g, j, left, 0), b, fma(load_part(p, j, left, 0) - a, c, d)), to, j,
                   left)


@part
def plane_slopes(g, p, images, apart, size, mean):
    """The sums of g and of g · (p - mean) over planes, in double precision."""
    first = second = 0.0
    for i in range(images):
        for start in range(i * apart, i * apart + size, BLOCK):
            left = min(BLOCK, i * apart + size - start)
            a, b = line_slopes(offset(g, start), offset(p, start), left, mean)
            first, second = first + a, second + b
    return first, second


@native
def grad_planes(g, p, images, channels, size, first, last, gamma, mean, var, eps, to, ggamma,
                gbeta):
    """Gradients of channels from ``first`` to ``last``, whose statistics depend on p."""
    apart, count = channels * size, images * size
    for c in range(first, last):
        a, b = plane_slopes(offset(g, c * size), offset(p, c * size), images, apart, size, mean[c])
        root = 1 / math.sqrt(var[c] + eps)
        ggamma[c], gbeta[c], scale = b * root, a, gamma[c] * root
        slope, shift = -scale * root * root * b / count, -scale * a / count
        for i in range(images):
            at = i * apart + c * size
            blend_line(offset(g, at), offset(p, at), size, mean[c], scale, slope, shift,
                       offset(to, at))


# ---- entries: x [images, channels, size]

@entry
def apply(x, gamma, beta, mean, var, eps, out):
    """By given statistics, on one thread."""
    apply_planes(pointer(x), x.shape[0], x.shape[1], x.shape[2], pointer(gamma), pointer(beta),
                 pointer(mean), pointer(var), eps, pointer(out))


@entry(parallel=True)
def apply_parts(x, gamma, beta, mean, var, eps, out, parts):
    """The same by several threads, each for some images."""
    for p in prange(parts):
        some = stripe(len(x), p, parts)
        apply_planes(pointer(x[some]), len(x[some]), x.shape[1], x.shape[2], pointer(gamma),
                     pointer(beta), pointer(mean), pointer(var), eps, pointer(out[some]))


@entry
def train(x, gamma, beta, eps, out, mean, var):
    """By statistics of its own, on one thread."""
    train_planes(pointer(x), x.shape[0], x.shape[1], x.shape[2], 0, x.shape[1], pointer(gamma),
                 pointer(beta), eps, pointer(out), pointer(mean), pointer(var))


@entry(parallel=True)
def train_parts(x, gamma, beta, eps, out, mean, var, parts):
    """The same by several threads, each for some channels."""
    for p in prange(parts):
        first, last = p * x.shape[1] // parts, (p + 1) * x.shape[1] // parts
        train_planes(pointer(x), x.shape[0], x.shape[1], x.shape[2], first, last, pointer(gamma),
                     pointer(beta), eps, pointer(out), pointer(mean), pointer(var))


@entry
def grad(g, x, gamma, mean, var, eps, gx, ggamma, gbeta):
    """Gradients, on one thread."""
    grad_planes(pointer(g), pointer(x), x.shape[0], x.shape[1], x.shape[2], 0, x.shape[1],
                pointer(gamma), pointer(mean), pointer(var), eps, pointer(gx), pointer(ggamma),
                pointer(gbeta))


@entry(parallel=True)
def grad_parts(g, x, gamma, mean, var, eps, gx, ggamma, gbeta, parts):
    """The same by several threads, each for some channels."""
    for p in prange(parts):
        first, last = p * x.shape[1] // parts, (p + 1) * x.shape[1] // parts
        grad_planes(pointer(g), pointer(x), x.shape[0], x.shape[1], x.shape[2], first, last,
                    pointer(gamma), pointer(mean), pointer(var), eps, pointer(gx), pointer(ggamma),
                    pointer(gbeta))
