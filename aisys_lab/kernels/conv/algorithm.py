"""What every way to convolve says of itself, and what the ways share: bias and activation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from aisys_lab.core import Table
from aisys_lab.kernels.block import VECTORS
from aisys_lab.kernels.isa import host

ACTIVATIONS = Table("ACTIVATIONS", "ends that results of a convolution are clamped to",
                    noun="activation")
ACTIVATIONS.define(None, (-np.inf, np.inf))
ACTIVATIONS.define("relu", (0, np.inf))
ACTIVATIONS.define("relu6", (0, 6))


@dataclass(frozen=True)
class Algorithm:
    """A way to convolve, for a Geometry ``g``.

    ``form(w, layout, groups)`` is what it makes of the weights, once;
    ``run(x, form, bias, activation, g)`` the result, of contiguous x;
    ``room(g, dtype)`` the numbers of working memory that one thread takes;
    ``multiplications(g)`` those of two numbers that depend on the input;
    ``refuses(g)`` why it cannot serve, or ''.
    """

    form: Callable
    run: Callable
    room: Callable
    multiplications: Callable = lambda g: g.macs
    refuses: Callable = lambda g: ""


@cache
def ends_of(activation, dtype):
    """The ends (low, high) of an activation."""
    return np.array(ACTIVATIONS[activation], dtype)


@cache
def zeros(count, dtype):
    """Zeros in place of a bias that was not given; never written to."""
    return np.zeros(count, dtype)


def launch(alone, parts, many, *args):
    """One call by one thread, or by many."""
    if many == 1:
        alone(*args)
    else:
        parts(*args, many)


def panel_bias(bias, g, dtype):
    """The bias [O], each group's filled up to whole panels, a tile wide."""
    wide = VECTORS * host().lanes(dtype)
    return padded_bias(bias, g.groups, g.out, -(-(g.out // g.groups) // wide) * wide, dtype)


def padded_bias(bias, groups, out, each, dtype):
    """The bias [O], each group's filled up to ``each`` numbers."""
    if bias is None:
        return zeros(groups * each, dtype)
    if out == groups * each:
        return np.ascontiguousarray(bias)
    return np.pad(bias.reshape(groups, -1), ((0, 0), (0, each - out // groups))).ravel()


def finish(out, bias, activation, layout):
    """Adds a bias to a result and clamps it, in place; NaN stays what it is."""
    if bias is not None:
        out += bias if layout == "NHWC" else bias[:, None, None]
    return out if activation is None else np.clip(out, *ends_of(activation, out.dtype), out=out)
