"""Sliding windows over images: how many fit, the view of them, and their columns for matmul.

Sizes, strides, dilations and pads are tuples with one entry a spatial axis (a pad is a pair:
before, after), so that one text serves signals, images and volumes.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from aisys_lab.core import LabError

CHUNK = 1 << 17  # elements of the column buffer: small enough to stay in a core's own cache


@dataclass(frozen=True)
class Slide:
    """How a window slides: kernel size, stride, padding and dilation, an entry a spatial axis."""

    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple

    def places(self, size, op):
        """Positions of the window along each axis of an image of this size."""
        if not (len(size) == len(self.kernel) == len(self.stride) == len(self.padding)
                == len(self.dilation)):
            raise LabError(f"{op}: an image with {len(size)} spatial axes and a kernel with "
                           f"{len(self.kernel)} take stride, padding and dilation with as many, "
                           f"got {self.stride}, {self.padding} and {self.dilation}.")
        if min((*self.stride, *self.dilation), default=1) < 1 or min(
                (0, *(end for pair in self.padding for end in pair))) < 0:
            raise LabError(f"{op}: strides and dilations count from 1 and pads from 0, got stride "
                           f"{self.stride}, dilation {self.dilation}, padding {self.padding}.")
        return tuple(self._places(*axis, op) for axis in zip(
            size, self.kernel, self.stride, self.padding, self.dilation, strict=True))

    def _places(self, size, taps, stride, pads, dilation, op):
        if isinstance(size, str) or isinstance(taps, str):
            raise LabError(f"{op}: spatial axis {size if isinstance(size, str) else taps} has only "
                           f"a name; a window slides along axes of known length.")
        room = size + sum(pads) - (dilation * (taps - 1) + 1)
        if room < 0 or taps < 1:
            raise LabError(f"{op}: a kernel of {taps} (dilation {dilation}) does not fit {size} "
                           f"entries with padding {pads}; enlarge the image or the padding.")
        return room // stride + 1

    @property
    def trivial(self):
        """Whether each window is one entry of the image, all in order: a 1x1 convolution."""
        return (prod(self.kernel) == 1 and set(self.stride) <= {1}
                and not any(map(sum, self.padding)))

    def wide(self, size, places):
        """Places, with rows as long as the padded image's where that makes columns contiguous.

        At stride 1 a window may slide on over the end of a row into the next: rows then follow
        each other without a gap, and copying them is several times as fast. What the overhang
        makes is thrown away.
        """
        if len(size) < 2 or self.trivial or set(self.stride[-2:]) != {1}:
            return places
        return (*places[:-1], self.padded(size)[-1])

    def padded(self, size):
        """Size with its pads."""
        return tuple(n + sum(pads) for n, pads in zip(size, self.padding, strict=True))

    def inside(self, size):
        """The slices where the image lies in its padded self."""
        return (..., *(slice(lo, lo + n) for n, (lo, _) in zip(size, self.padding, strict=True)))

    def taps(self, places):
        """For each entry of the kernel, the slices of a padded image that it meets."""
        for tap in np.ndindex(self.kernel):
            yield (..., *(slice(t * d, t * d + s * (p - 1) + 1, s) for t, d, s, p in zip(
                tap, self.dilation, self.stride, places, strict=True)))

    def view(self, padded, places):
        """``[N, C, *kernel, *places]`` of a padded image ``[N, C, *size]``, without a copy."""
        steps = padded.strides[2:]
        within = [step * d for step, d in zip(steps, self.dilation, strict=True)]
        across = [step * s for step, s in zip(steps, self.stride, strict=True)]
        return as_strided(padded, (*padded.shape[:2], *self.kernel, *places),
                          (*padded.strides[:2], *within, *across), writeable=False)


def pad(x, slide, fill=0):
    """An image with its pads, filled with ``fill``; itself where there are none."""
    if not any(map(sum, slide.padding)):
        return x
    out = np.full((*x.shape[:2], *slide.padded(x.shape[2:])), fill, x.dtype)
    out[slide.inside(x.shape[2:])] = x
    return out


def chunks(n, each):
    """Slices of a batch of ``n`` images that take ``each`` entries of a buffer."""
    step = max(1, min(n, CHUNK // max(each, 1)))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def columns(x, slide, places, groups):
    """Pairs ``(images, cols)``: a slice of the batch, and its windows as columns for matmul.

    ``cols`` is ``[images, groups, channels * taps, places]``, the layout called im2col; it lies
    in one buffer that the next chunk overwrites. ``places`` may be wide.
    """
    n, size, rows = len(x), x.shape[2:], x.shape[1] * prod(slide.kernel)
    if slide.trivial:
        yield slice(None), x.reshape(n, groups, rows // groups, prod(places))
        return
    parts = chunks(n, rows * prod(places))
    step = parts[0].stop if parts else 0
    first, *rest = slide.padded(size)
    padded = np.zeros((step, x.shape[1], first + 1, *rest), x.dtype)  # + 1: for the overhang
    windows, inside = slide.view(padded, places), padded[slide.inside(size)]
    cols = np.empty(windows.shape, x.dtype)
    flat = cols.reshape(step, groups, rows // groups, prod(places))
    for images in parts:
        count = images.stop - images.start
        inside[:count] = x[images]
        np.copyto(cols[:count], windows[:count])
        yield images, flat[:count]
