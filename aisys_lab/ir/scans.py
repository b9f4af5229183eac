"""Running sums and products, order, and length: what one axis is, seen from along it."""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.ops import define, free
from aisys_lab.ir.spec import Spec, dtype_of


def _running(scan):
    def run(x, axis, reverse=False):
        return np.flip(scan(np.flip(x, axis), axis), axis) if reverse else scan(x, axis)
    return run


def _infer_running(scan):
    def infer(x, axis, reverse=False):
        _one_axis(scan.__name__, x, axis)
        return Spec(x.shape, scan(np.empty((1,), x.dtype), 0).dtype)
    return infer


def _one_axis(op, x, axis):
    if not 0 <= axis < x.ndim:
        raise LabError(f"{op}: axis {axis} of {x}; its axes are 0 to {x.ndim - 1}.")


def _argsort(x, axis, descending=False):
    """Places in order of value; equals keep their order, NaN stands where the largest do."""
    x = np.asarray(x)
    if not descending:
        return np.argsort(x, axis, kind="stable")
    places = np.argsort(np.flip(x, axis), axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(places, axis)


def _infer_argsort(x, axis, descending=False):
    _one_axis("argsort", x, axis)
    return Spec(x.shape, np.int64)


def _flops_argsort(x, axis, descending=False):
    """Comparisons: about n log2 n along the axis."""
    return x.size * max(x.shape[axis] - 1, 0).bit_length()


def _size(x, axis, dtype):
    return np.asarray(math.prod(np.shape(x)[a] for a in axis), dtype_of(dtype))


def _infer_size(x, axis, dtype):
    for a in axis:
        _one_axis("size", x, a)
    return Spec((), dtype)


for _name, _scan in {"cumsum": np.cumsum, "cumprod": np.cumprod}.items():
    define(_name, _running(_scan), _infer_running(_scan), lambda x, **attrs: x.size, "opaque")
define("argsort", _argsort, _infer_argsort, _flops_argsort, "opaque")
define("size", _size, _infer_size, free, "shape")
