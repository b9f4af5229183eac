"""Convolution of bytes, exact in 32 bits."""

from functools import lru_cache

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels import int8 as products
from aisys_lab.kernels.checks import told
from aisys_lab.kernels.conv import definitions, int8_columns
from aisys_lab.kernels.conv.algorithm import launch
from aisys_lab.kernels.conv.geometry import geometry
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.products import BYTES, PART
from aisys_lab.kernels.threads import threads


def conv2d_int8(x, w, zero=0, stride=1, padding=0, dilation=1, groups=1, layout="NHWC",
                kernel="columns"):
    """``conv2d(x - zero, w)`` in int32, exact (modulo 2**32), of images x u8 or s8 and w s8.

    ``zero`` is the whole number that stands for 0 in x, and pads hold it. Shapes as ``conv2d``
    takes them.
    """
    x, w = np.asarray(x), np.asarray(w)
    if x.dtype not in BYTES or w.dtype != np.int8:
        raise LabError(f"conv2d_int8: takes x of uint8 or int8 and w of int8, got {told(x)} and "
                       f"{told(w)}.")
    ends = np.iinfo(x.dtype)
    if not isinstance(zero, int | np.integer) or not ends.min <= zero <= ends.max:
        raise LabError(f"conv2d_int8: zero={zero!r}; it is a whole number that {x.dtype} can hold, "
                       f"{ends.min} to {ends.max}.")
    return KERNELS["conv2d_int8"][kernel](x, w, int(zero), stride, padding, dilation, groups,
                                          layout)


# ---- f[N,H,W,C] inside, whatever the layout outside

def last(x, layout):
    """Images or results of a layout as [N,H,W,C], whose numbers lie together."""
    return np.ascontiguousarray(x if layout == "NHWC" else x.transpose(0, 2, 3, 1))


def back(out, layout):
    """Results [N,H,W,C] in a layout."""
    return out if layout == "NHWC" else np.ascontiguousarray(out.transpose(0, 3, 1, 2))


@lru_cache(256)
def numbers_of(g):
    """Sizes as ``int8_columns.sizes`` takes them apart."""
    return np.array([*g.image, g.channels, *g.places, *g.window, *g.stride, g.pads[0][0],
                     g.pads[1][0], *g.dilation])


def panels_of(w, groups):
    """``(panels, sums)`` of w[taps · C / groups, O], group by group."""
    each = w.shape[1] // groups
    both = [products.panels_of(w[:, k * each:(k + 1) * each], PART) for k in range(groups)]
    return (np.concatenate(parts) if groups > 1 else parts[0] for parts in zip(*both, strict=True))


def _columns(x, w, zero=0, stride=1, padding=0, dilation=1, groups=1, layout="NHWC"):
    """Columns of a few pixels, times packed words of weights; depthwise: without columns."""
    g = geometry("conv2d_int8", x.shape, w.shape, stride, padding, dilation, groups, layout)
    out, many = np.zeros((g.batch, *g.places, g.out), np.int32), threads(2 * g.macs)
    if not g.macs:
        return back(out, layout)
    x, at, flat = last(x, layout), numbers_of(g), out.reshape(-1, g.out)
    w = np.ascontiguousarray(w if layout == "NHWC" else w.transpose(2, 3, 1, 0))
    if g.groups == g.channels == g.out > 1:
        launch(int8_columns.depthwise, int8_columns.depthwise_parts, many, x, at, zero, w, flat)
    else:
        launch(int8_columns.into, int8_columns.into_parts, many, x, at,
               products.SHIFT if x.dtype == np.int8 else 0, zero, g.groups,
               *panels_of(w.reshape(-1, g.out), g.groups), flat)
    return back(out, layout)


def _naive(x, w, zero=0, stride=1, padding=0, dilation=1, groups=1, layout="NHWC"):
    """Every place, every tap."""
    g = geometry("conv2d_int8", x.shape, w.shape, stride, padding, dilation, groups, layout)
    out = np.empty((g.batch, *g.places, g.out), np.int32)
    definitions.integer(last(x, layout), w if layout == "NHWC" else w.transpose(2, 3, 1, 0), zero,
                        g.stride, g.pads, g.dilation, g.groups, out)
    return back(out, layout)


ladder("conv2d_int8", naive=_naive, columns=_columns)
