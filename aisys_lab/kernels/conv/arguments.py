"""What depthwise kernels and pooling ask of their arguments, and know of shapes."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.checks import floats, told
from aisys_lab.kernels.conv.geometry import Geometry, _frozen, geometry
from aisys_lab.kernels.conv.planes import planes, way_back
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.products import Packed

F32 = np.dtype(np.float32)
AXES = {"NHWC": ("N, H, W, C", "KH, KW, C", "C, O"), "NCHW": ("N, C, H, W", "C, KH, KW", "O, C")}


def arrays_of(op, **given):
    """Those arrays that are given, of one dtype and with numbers that lie together; what is None or
    packed stays that."""
    there = {name: x for name, x in given.items() if x is not None and type(x) is not Packed}
    if all(type(x) is np.ndarray and x.dtype is F32 and x.flags.c_contiguous
           for x in there.values()):
        return list(given.values())
    for name, x in zip(there, floats(op, **there), strict=True):
        given[name] = np.ascontiguousarray(x).reshape(x.shape)  # a scalar keeps its rank
    return list(given.values())


def sized(op, name, bias, count):
    """A sentence unless a bias that is given has one number for each channel."""
    if bias is not None and bias.shape != (count,):
        raise LabError(f"{op}: {name} has one number for each of {count} channels, got "
                       f"{told(bias)}.")


@dataclass(frozen=True)
class Plan:
    """Windows that slide over each of ``channels`` by themselves: ``g`` is the Geometry of one of
    them, ``lane`` the numbers of a vector."""

    g: Geometry
    channels: int
    lane: int

    @cached_property
    def result(self):
        """The shape of results."""
        return self.shape(self.g.places, self.channels)

    @cached_property
    def image(self):
        """The shape of images."""
        return self.shape(self.g.image, self.channels)

    def shape(self, size, channels):
        """That of images or results with so many channels."""
        if self.g.layout == "NCHW":
            return (self.g.batch, channels, *size)
        return (self.g.batch, *size, channels)

    @cached_property
    def work(self):
        """Operations."""
        return 2 * self.g.macs * self.channels

    @cached_property
    def planes(self):
        """Of an image: ``conv.planes``."""
        return planes(self.g, self.lane)

    @cached_property
    def windows(self):
        """Of an image, channels last: the numbers of its planes, then those of the window."""
        return np.array([*self.planes.numbers, *self.g.window])

    @cached_property
    def way(self):
        """From results back to images: ``conv.planes``."""
        return way_back(self.g, self.lane)


@lru_cache(4096)
def _plan(op, x, w, stride, padding, dilation, layout, lane):
    for name, shape, axes in (("x", x, 4), ("w", w, 3)):
        if len(shape) != axes:
            raise LabError(f"{op}: {name} has {axes} axes, got {list(shape)}.")
    first = layout == "NCHW"
    channels, image = (x[1], (x[0], 1, *x[2:])) if first else (x[3], (*x[:3], 1))
    each, window = (w[0], (1, 1, *w[1:])) if first else (w[2], (*w[:2], 1, 1))
    g = geometry(op, image, window, stride, padding, dilation, 1, layout)
    if channels != each:
        raise LabError(f"{op}: x {list(x)} has {channels} channels and w {list(w)} {each}; in "
                       f"{layout} x is [{AXES[layout][0]}] and w [{AXES[layout][1]}].")
    return Plan(g, channels, lane)


def plan(op, x, w, dtype, stride=1, padding=0, dilation=1, layout="NCHW"):
    """The Plan of images and windows of these shapes; a sentence if they do not fit."""
    lane = host().lanes(dtype)
    try:
        return _plan(op, x, w, stride, padding, dilation, layout, lane)
    except TypeError:  # lists have no hash
        return _plan(op, x, w, *map(_frozen, (stride, padding, dilation)), layout, lane)


def channels_first(x, layout):
    """Images as f[N,C,H,W], whose numbers lie together."""
    return x if layout == "NCHW" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def in_layout(out, layout):
    """A result f[N,C,H,W] in a layout."""
    return out if layout == "NCHW" else np.ascontiguousarray(out.transpose(0, 2, 3, 1))


def same_shape(op, name, x, shape):
    """A sentence unless an array has this shape."""
    if x.shape != tuple(shape):
        raise LabError(f"{op}: {name} should be {list(shape)}, got {told(x)}.")
