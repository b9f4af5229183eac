"""Gradients of convolution that training needs: of its images and of its weights, f[N,C,H,W].

A convolution of images x [N,C,H,W] with w [O,C / groups,KH,KW] has a result [N,O,H',W'], and ``g``
is the gradient of that. (cuDNN: backward data and backward filter.)
"""

from functools import lru_cache

import numpy as np

from aisys_lab.core import LabError, whole
from aisys_lab.kernels.conv import definitions, depthwise_planes, weights
from aisys_lab.kernels.conv.algorithm import launch
from aisys_lab.kernels.conv.arguments import arrays_of, plan
from aisys_lab.kernels.conv.geometry import _frozen, geometry, pair
from aisys_lab.kernels.conv.phases import by_phases
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.threads import threads

# ---- the verbs

def conv2d_input(g, w, size, stride=1, padding=0, dilation=1, groups=1, kernel="phases"):
    """The gradient f[N,C,*size] of the images; ``size`` is (H, W). (Transposed convolution.)"""
    g, w = arrays_of("conv2d_input", g=g, w=w)
    return KERNELS["conv2d_input"][kernel](g, w, size, stride, padding, dilation, groups)


def conv2d_weight(x, g, window, stride=1, padding=0, dilation=1, groups=1, kernel="tiles"):
    """The gradient f[O,C / groups,KH,KW] of the weights; ``window`` is (KH, KW)."""
    x, g = arrays_of("conv2d_weight", x=x, g=g)
    return KERNELS["conv2d_weight"][kernel](x, g, window, stride, padding, dilation, groups)


def depthwise_input(g, w, size, stride=1, padding=0, dilation=1, kernel="planes"):
    """The gradient f[N,C,*size] of the images of a depthwise convolution, w f[C,KH,KW]."""
    g, w = arrays_of("depthwise_input", g=g, w=w)
    return KERNELS["depthwise_input"][kernel](g, w, size, stride, padding, dilation)


def depthwise_weight(x, g, window, stride=1, padding=0, dilation=1, kernel="planes"):
    """The gradient f[C,KH,KW] of the weights of a depthwise convolution."""
    x, g = arrays_of("depthwise_weight", x=x, g=g)
    return KERNELS["depthwise_weight"][kernel](x, g, window, stride, padding, dilation)


# ---- arguments

@lru_cache(4096)
def _image(op, g, w, size, stride, padding, dilation, groups):
    axes(op, g=g, w=w)
    groups = whole(op, "groups", groups, 1)
    image = (g[0], w[1] * groups, *pair(op, "size", size, 0))
    it = geometry(op, image, w, stride, padding, dilation, groups, "NCHW")
    fit(op, g, it.shape, f"images {list(image)}")
    return it


@lru_cache(4096)
def _window(op, x, g, window, stride, padding, dilation, groups):
    axes(op, x=x, g=g)
    groups = whole(op, "groups", groups, 1)
    w = (g[1], x[1] // groups, *pair(op, "window", window, 1))
    it = geometry(op, x, w, stride, padding, dilation, groups, "NCHW")
    fit(op, g, it.shape, f"images {list(x)} and windows {window}")
    return it


@lru_cache(4096)
def _depthwise(op, g, image, window, dtype, stride, padding, dilation):
    axes(op, g=g, x=image)
    it = plan(op, image, (image[1], *pair(op, "window", window, 1)), dtype, stride, padding,
              dilation)
    fit(op, g, it.result, f"images {list(image)} and windows {window}")
    return it


def axes(op, **shapes):
    """A sentence unless all shapes have four axes."""
    for name, shape in shapes.items():
        if len(shape) != 4:
            raise LabError(f"{op}: {name} has 4 axes, got {list(shape)}.")


def fit(op, g, shape, of):
    """A sentence unless g has the shape of a result."""
    if g != shape:
        raise LabError(f"{op}: {of} have a result {list(shape)}, and g is {list(g)}.")


def hashable(*settings):
    """Settings as keys of a cache."""
    return map(_frozen, settings)


# ---- the gradient of images

def _of_image(run):
    """A rung of the verb's signature from ``run(g, w, it)`` for a Geometry."""
    def rung(g, w, size, stride=1, padding=0, dilation=1, groups=1):
        return run(g, w, _image("conv2d_input", g.shape, w.shape,
                                *hashable(size, stride, padding, dilation, groups)))
    rung.__doc__ = run.__doc__
    return rung


def _input_naive(g, w, it):
    """Every place adds to what it was made of."""
    out = np.empty((it.batch, it.channels, *it.image), g.dtype)
    definitions.conv2d_input(g, w, it.stride, it.pads, it.dilation, it.groups, out)
    return out


def _input_phases(g, w, it):
    """Every stride-th row and column is a small convolution of g."""
    if it.groups == it.channels == it.out > 1:
        return depthwise_input(g, w[:, 0], it.image, it.stride, it.pads, it.dilation)
    return by_phases(g, w, it)


ladder("conv2d_input", naive=_of_image(_input_naive), phases=_of_image(_input_phases))


# ---- the gradient of weights

def _of_window(run):
    """A rung of the verb's signature from ``run(x, g, it, out)`` for a Geometry."""
    def rung(x, g, window, stride=1, padding=0, dilation=1, groups=1):
        it = _window("conv2d_weight", x.shape, g.shape,
                     *hashable(window, stride, padding, dilation, groups))
        out = np.empty((it.out, it.channels // it.groups, *it.window), x.dtype)
        return run(x, g, it, out)
    rung.__doc__ = run.__doc__
    return rung


def _weight_naive(x, g, it, out):
    """Every place adds to all taps."""
    definitions.conv2d_weight(x, g, it.stride, it.pads, it.dilation, it.groups, out)
    return out


def _weight_tiles(x, g, it, out):
    """Register tiles of taps times channels of g; sums of all images."""
    if it.groups == it.channels == it.out > 1:
        return depthwise_weight(x, g, it.window, it.stride, it.pads, it.dilation)[:, None]
    if it.macs:
        launch(weights.into, weights.into_parts, threads(2 * it.macs), x, g,
               *weights.layout_of(it, host().lanes(x.dtype)), out)
    else:
        out[:] = 0
    return out


ladder("conv2d_weight", naive=_of_window(_weight_naive), tiles=_of_window(_weight_tiles))


# ---- of depthwise convolution

def _of_planes(run):
    """A rung of the verb's signature from ``run(g, w, it, out)`` for a Plan."""
    def rung(g, w, size, stride=1, padding=0, dilation=1):
        size, stride, padding, dilation = hashable(size, stride, padding, dilation)
        if w.ndim != 3 or g.ndim != 4 or len(w) != g.shape[1]:
            raise LabError(f"depthwise_input: g is [N, C, H, W] and w [C, KH, KW], got "
                           f"{list(g.shape)} and {list(w.shape)}.")
        it = _depthwise("depthwise_input", g.shape, (*g.shape[:2], *pair(
            "depthwise_input", "size", size, 0)), w.shape[1:], g.dtype, stride, padding, dilation)
        out = np.empty(it.image, g.dtype)
        run(g, w, it, out)
        return out
    rung.__doc__ = run.__doc__
    return rung


def _planes_naive(g, w, it, out):
    """Every place adds to what it was made of."""
    definitions.depthwise_input(g, w, it.g.stride, it.g.pads, it.g.dilation, out)


def _planes_back(g, w, it, out):
    """Plane by plane."""
    way = it.way
    launch(depthwise_planes.back, depthwise_planes.back_parts, threads(it.work), g, w, way.image,
           way.result, way.inner, way.order, way.offsets, way.counts, way.firsts, out)


ladder("depthwise_input", naive=_of_planes(_planes_naive), planes=_of_planes(_planes_back))


def _of_channels(run):
    """A rung of the verb's signature from ``run(x, g, it, out)`` for a Plan."""
    def rung(x, g, window, stride=1, padding=0, dilation=1):
        it = _depthwise("depthwise_weight", g.shape, x.shape,
                        *hashable(window, x.dtype, stride, padding, dilation))
        out = np.empty((it.channels, *it.g.window), x.dtype)
        run(x, g, it, out)
        return out
    rung.__doc__ = run.__doc__
    return rung


def _channels_naive(x, g, it, out):
    """Every place adds to all taps."""
    definitions.depthwise_weight(x, g, it.g.stride, it.g.pads, it.g.dilation, out)


def _channels_planes(x, g, it, out):
    """Plane by plane, image after image into the same sums."""
    launch(depthwise_planes.weights, depthwise_planes.weights_parts, threads(it.work), x, g,
           it.planes.numbers, it.planes.offsets, out)


ladder("depthwise_weight", naive=_of_channels(_channels_naive),
       planes=_of_channels(_channels_planes))
