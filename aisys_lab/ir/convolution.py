"""Convolution: one trilinear form <g, conv(x, w)>, and the three primitives it holds.

``conv`` gives the result of an image and a kernel, ``conv_input`` an image of a result and a
kernel (the transposed convolution), ``conv_weight`` a kernel of an image and a result. Each is
linear in both of its arguments, and each one's gradients are the other two, so that the three
are closed under differentiation. (cuDNN: forward, backward data, backward filter.)

Images are [N, C, *size], kernels [O, C / groups, *kernel], results [N, O, *places].
"""

from dataclasses import replace
from itertools import product
from math import gcd, prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.spec import Spec
from aisys_lab.ir.windows import Slide, columns, pad

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
    slide, _ = _result(x, w, stride, padding, dilation, groups)
    return _slide_over(x, slide, w, groups)


def _slide_over(x, slide, w, groups):
    """``w[G, O, taps] @ columns[n, G, taps, places]``; depthwise: as many groups as channels."""
    places = slide.places(x.shape[2:], "conv")
    wide = slide.wide(x.shape[2:], places)
    matrix = w.reshape(groups, len(w) // groups, prod(w.shape[1:]))
    out = np.empty((len(x), len(w), *places), np.result_type(x, w))
    for images, cols in columns(x, slide, wide, groups):
        made = np.matmul(matrix, cols)
        made = made.reshape(len(made), len(w), *wide)
        if made.shape == out.shape:
            return made
        out[images] = made[..., :places[-1]]
    return out


def _conv_weight(x, g, kernel, stride, padding, dilation, groups):
    """The sum over images of ``g[G, O, places] @ columns[G, taps, places].T``."""
    x, g = np.asarray(x), np.asarray(g)
    slide, shape = _kernel(x, g, kernel, stride, padding, dilation, groups)
    wide = slide.wide(x.shape[2:], g.shape[2:])
    out = np.zeros((groups, g.shape[1] // groups, prod(shape[1:])), np.result_type(x, g))
    for images, cols in columns(x, slide, wide, groups):
        part = _widened(g[images], wide).reshape(len(cols), *out.shape[:2], prod(wide))
        out += np.matmul(part, cols.swapaxes(2, 3)).sum(0)
    return out.reshape(shape)


def _widened(g, wide):
    """The result with zeros where the overhang of wide rows would be."""
    if g.shape[2:] == wide:
        return g
    out = np.zeros((*g.shape[:2], *wide), g.dtype)
    out[..., :g.shape[-1]] = g
    return out


def _conv_input(g, w, size, stride, padding, dilation, groups):
    """Stride by stride: every stride-th entry of the image is a small convolution of ``g``.

    Its kernel holds the taps that fall on these entries, mirrored.
    """
    g, w = np.asarray(g), np.asarray(w)
    slide, shape = _image(g, w, size, stride, padding, dilation, groups)
    taps = w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
    out = np.zeros(shape, np.result_type(g, w))
    axes = [[_phase(*axis, first) for first in range(min(axis[0], axis[2]))]
            for axis in zip(size, g.shape[2:], stride, slide.kernel, dilation, padding,
                            strict=True)]
    for phases in product(*axes):
        places, chosen, ends, spread = zip(*phases, strict=True)
        part = np.ascontiguousarray(taps[(..., *chosen)])
        if part.size:
            small = Slide(part.shape[3:], (1,) * len(size), ends, spread)
            kernel = part.reshape(shape[1], -1, *small.kernel)
            out[(..., *places)] = _slide_over(*_cropped(g, small), kernel, groups)
    return out


def _cropped(g, slide):
    """Both, so that no pad is negative: what is too much is cut off ``g``."""
    if min(map(min, slide.padding)) >= 0:
        return g, slide
    least = tuple((max(lo, 0), max(hi, 0)) for lo, hi in slide.padding)
    ends = ((-min(lo, 0), min(hi, 0) or None) for lo, hi in slide.padding)
    g = pad(g, replace(slide, padding=least))[(..., *(slice(*end) for end in ends))]
    return g, replace(slide, padding=((0, 0),) * len(least))


def _phase(size, places, stride, taps, dilation, pads, first):
    """Entries ``first``, ``first + stride``, … of one axis of an image, and what makes them:
    ``(their slice, the slice of their taps, pads of the result, dilation)``."""
    common = gcd(stride, dilation)
    step, spread = stride // common, dilation // common
    start = next((t for t in range(taps) if (first + pads[0] - t * dilation) % stride == 0), taps)
    count = len(range(start, taps, step))
    shift = (first + pads[0] - start * dilation) // stride
    chosen = slice(start + (count - 1) * step, start - 1 if start else None, -step) \
        if count else slice(0, 0)
    ends = (spread * (count - 1) - shift, len(range(first, size, stride)) - places + shift)
    return slice(first, None, stride), chosen, ends, spread


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
