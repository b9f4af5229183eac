"""The gradient of images as small convolutions: one for each rest of rows and columns modulo the
stride.

Every stride-th row meets the same taps, mirrored; at stride 1 there is one such Phase.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd

import numpy as np

from aisys_lab.kernels.conv.convolution import ALGORITHMS, choose
from aisys_lab.kernels.conv.geometry import Geometry


@dataclass(frozen=True)
class Phase:
    """Rows and columns of images that the same taps meet: their ``entries``, the ``taps``, the part
    of g that is used, and the Geometry of the convolution with these taps, mirrored."""

    entries: tuple
    taps: tuple
    part: tuple
    g: Geometry


@lru_cache(1024)
def phases_of(it):
    """The Phases of a Geometry that have taps."""
    axes = [[_phase(*axis, first) for first in range(min(axis[0], axis[2]))]
            for axis in zip(it.image, it.places, it.stride, it.window, it.dilation, it.pads,
                            strict=True)]
    return [_joined(it, *zip(*both, strict=True)) for both in product(*axes)
            if all(one[3] > 0 and one[4] > 0 for one in both)]


def _phase(size, places, stride, taps, dilation, pads, first):
    """Of one axis: ``(entries first, first + stride, …; their taps, last first; the part of g that
    is used, of which size; how many taps; pads; dilation)``."""
    common = gcd(stride, dilation)
    step, apart = stride // common, dilation // common
    start = next((t for t in range(taps) if (first + pads[0] - t * dilation) % stride == 0), taps)
    count, entries = len(range(start, taps, step)), len(range(first, size, stride))
    shift = (first + pads[0] - start * dilation) // stride
    before, after = apart * (count - 1) - shift, entries - places + shift
    chosen = slice(start + (count - 1) * step, start - 1 if start else None, -step)
    part = slice(max(0, -before), places - max(0, -after))
    return (slice(first, None, stride), chosen, part, part.stop - part.start, count,
            (max(0, before), max(0, after)), apart)


def _joined(it, entries, taps, part, size, window, pads, dilation):
    """The Phase of both axes."""
    g = Geometry("NCHW", it.batch, size, it.out, window, it.channels, (1, 1), pads, dilation,
                 it.groups)
    return Phase((..., *entries), (..., *taps), (..., *part), g)


def by_phases(g, w, it):
    """The gradient f[N,C,H,W] of images of a Geometry."""
    if not it.macs:
        return np.zeros((it.batch, it.channels, *it.image), g.dtype)
    turned = w.reshape(it.groups, it.out // it.groups, *w.shape[1:]).swapaxes(1, 2)
    phases = phases_of(it)
    if it.stride == (1, 1):
        return _convolved(g, turned, phases[0])
    out = np.zeros((it.batch, it.channels, *it.image), g.dtype)
    for phase in phases:
        out[phase.entries] = _convolved(g, turned, phase)
    return out


def _convolved(g, turned, phase):
    """The convolution of one Phase."""
    algorithm, of = ALGORITHMS[choose(phase.g)], phase.g
    w = np.ascontiguousarray(turned[phase.taps]).reshape(of.out, of.channels // of.groups,
                                                         *of.window)
    return algorithm.run(np.ascontiguousarray(g[phase.part]), algorithm.form(w, "NCHW", of.groups),
                         None, None, of)
