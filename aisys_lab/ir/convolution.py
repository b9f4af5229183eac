"""Convolution: one trilinear form <g, conv(x, w)>, and the three primitives it holds.

``conv`` gives the result of an image and a kernel, ``conv_input`` an image of a result and a
kernel (the transposed convolution), ``conv_weight`` a kernel of an image and a result. Each is
linear in both of its arguments, and each one's gradients are the other two, so that the three
are closed under differentiation. (cuDNN: forward, backward data, backward filter.)

Images are [N, C, *size], kernels [O, C / groups, *kernel], results [N, O, *places].
"""

from math import prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.spec import Spec
from aisys_lab.ir.windows import Slide, columns

# ---- shapes: each check serves infer (specs) and eval (arrays)

def _result(x, w, stride, padding, dilation, groups, op="conv"):
    """``(slide, places)`` of an image and a kernel that fit; a sentence if they do not."""
    if len(x.shape) < 3 or len(x.shape) != len(w.shape):
        raise _misfit(op, x, w, "images are [N, C, *size] and kernels [O, C / groups, *kernel], "
                                "with one spatial axis or more")
    _check_groups(op, x.shape[1], w.shape[0], groups)
    if x.shape[1] != w.shape[1] * groups:
        raise _misfit(op, x, w, f"the image has {x.shape[1]} channels, the kernel takes "
                                f"{w.shape[1]} in each of {groups} groups")
    slide = Slide(tuple(w.shape[2:]), stride, padding, dilation)
    return slide, slide.places(x.shape[2:], op)


def _check_groups(op, channels, out, groups):
    if groups < 1 or channels % groups or out % groups:
        raise LabError(f"{op}: {channels} channels in and {out} out do not divide into {groups} "
                       f"groups.")


def _misfit(op, x, w, why):
    return LabError(f"{op}: {Spec(x.shape, x.dtype)} and {Spec(w.shape, w.dtype)} do not fit: "
                    f"{why}.")


def _image(g, w, size, stride, padding, dilation, groups):
    """``(slide, shape)`` of the image that has ``g`` as result; a sentence if none has."""
    if len(g.shape) < 3 or len(g.shape) != len(w.shape) or len(size) != len(g.shape) - 2:
        raise _misfit("conv_input", g, w, f"a result and a kernel of the same rank make an image "
                                          f"with as many spatial axes, not {size}")
    image = Spec((g.shape[0], w.shape[1] * groups, *size), g.dtype)
    slide, places = _result(image, w, stride, padding, dilation, groups, "conv_input")
    if (w.shape[0], *places) != tuple(g.shape[1:]):
        raise _misfit("conv_input", g, w, f"an image of {size} gives {[w.shape[0], *places]}")
    return slide, image.shape


def _kernel(x, g, kernel, stride, padding, dilation, groups):
    """``(slide, shape)`` of the kernel that makes ``g`` of ``x``; a sentence if none does."""
    if len(x.shape) < 3 or len(x.shape) != len(g.shape) or len(kernel) != len(x.shape) - 2:
        raise _misfit("conv_weight", x, g, f"an image and a result of the same rank make a kernel "
                                           f"with as many spatial axes, not {kernel}")
    _check_groups("conv_weight", x.shape[1], g.shape[1], groups)
    w = Spec((g.shape[1], x.shape[1] // groups, *kernel), x.dtype)
    slide, places = _result(x, w, stride, padding, dilation, groups, "conv_weight")
    if (x.shape[0], *places) != (g.shape[0], *g.shape[2:]):
        raise _misfit("conv_weight", x, g, f"a kernel of {kernel} makes {[x.shape[0], *places]} "
                                           f"off the channels")
    return slide, w.shape


# ---- eval: windows become columns, one matmul a chunk of images and all groups

def _conv(x, w, stride, padding, dilation, groups):
    x, w = np.asarray(x), np.asarray(w)
    slide, places = _result(x, w, stride, padding, dilation, groups)
    return _slide_over(x, w, slide, places, groups)


def _slide_over(x, w, slide, places, groups):
    """``w[G, O, taps] @ columns[n, G, taps, places]``; depthwise: as many groups as channels."""
    matrix = w.reshape(groups, len(w) // groups, -1)
    out = np.empty((len(x), *matrix.shape[:2], prod(places)), np.result_type(x, w))
    for images, cols in columns(x, slide, places, groups):
        np.matmul(matrix, cols, out=out[images])
    return out.reshape(len(x), len(w), *places)


def _conv_weight(x, g, kernel, stride, padding, dilation, groups):
    """The sum over images of ``g[G, O, places] @ columns[G, taps, places].T``."""
    x, g = np.asarray(x), np.asarray(g)
    slide, shape = _kernel(x, g, kernel, stride, padding, dilation, groups)
    flat = g.reshape(len(g), groups, g.shape[1] // groups, -1)
    out = np.zeros((groups, flat.shape[2], prod(shape) // max(g.shape[1], 1)),
                   np.result_type(x, g))
    for images, cols in columns(x, slide, g.shape[2:], groups):
        out += np.matmul(flat[images], cols.swapaxes(2, 3)).sum(0)
    return out.reshape(shape)


def _conv_input(g, w, size, stride, padding, dilation, groups):
    g, w = np.asarray(g), np.asarray(w)
    slide, shape = _image(g, w, size, stride, padding, dilation, groups)
    around = _mirrored(slide, size, g.shape[2:])
    if around:
        taps = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
        mirror = np.flip(taps, range(3, taps.ndim)).reshape(shape[1], -1, *slide.kernel)
        return _slide_over(g, mirror, around, size, groups)
    return _scatter(g, w, slide, shape, groups)


def _mirrored(slide, size, places):
    """For stride 1, the slide of the mirrored kernel over ``g`` that gives the image; or None."""
    ends = [(d * (k - 1) - lo, n - p + lo) for k, d, (lo, _), n, p in zip(
        slide.kernel, slide.dilation, slide.padding, size, places, strict=True)]
    plain = set(slide.stride) <= {1} and min(map(min, ends)) >= 0
    return Slide(slide.kernel, slide.stride, tuple(ends), slide.dilation) if plain else None


def _scatter(g, w, slide, shape, groups):
    """Every entry of ``g`` lays a copy of the kernel down, one tap after another (col2im)."""
    n, places = len(g), g.shape[2:]
    flat = g.reshape(n, groups, g.shape[1] // groups, -1)
    taps = w.reshape(groups, flat.shape[2], -1).swapaxes(1, 2)
    cols = np.matmul(taps, flat).reshape(n, shape[1], -1, *places)
    out = np.zeros((n, shape[1], *slide.padded(shape[2:])), cols.dtype)
    for tap, at in enumerate(slide.taps(places)):
        out[at] += cols[:, :, tap]
    return out[slide.inside(shape[2:])]


# ---- the rows

def _infer_conv(x, w, stride, padding, dilation, groups):
    _, places = _result(x, w, stride, padding, dilation, groups)
    return Spec((x.shape[0], w.shape[0], *places), np.result_type(x.dtype, w.dtype))


def _infer_conv_input(g, w, **attrs):
    return Spec(_image(g, w, **attrs)[1], np.result_type(g.dtype, w.dtype))


def _infer_conv_weight(x, g, **attrs):
    return Spec(_kernel(x, g, **attrs)[1], np.result_type(x.dtype, g.dtype))


def _products(result, w):
    """Two operations (multiply, add) for each entry of the result and tap that makes it."""
    return 2 * result.size * (w.size // max(w.shape[0], 1))


define("conv", _conv, _infer_conv,
       lambda x, w, **attrs: _products(_infer_conv(x, w, **attrs), w), "matmul")
define("conv_input", _conv_input, _infer_conv_input,
       lambda g, w, **attrs: _products(g, w), "matmul")
define("conv_weight", _conv_weight, _infer_conv_weight,
       lambda x, g, **attrs: _products(g, _infer_conv_weight(x, g, **attrs)), "matmul")
