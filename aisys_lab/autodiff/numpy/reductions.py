"""Sums, products, extremes and averages over axes, and running ones along an axis."""

import math

from aisys_lab.autodiff.numpy.base import as_input, axes_of, axis_of, ndim, shape
from aisys_lab.autodiff.numpy.creation import fixed
from aisys_lab.autodiff.numpy.elementwise import (
    as_float,
    astype,
    equal,
    exp,
    isfinite,
    isnan,
    log,
    not_equal,
    sqrt,
    square,
    subtract,
    where,
)
from aisys_lab.autodiff.numpy.shapes import broadcast_to, reshape, squeeze
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import bind, short, spec_of


def _reduction(op):
    def function(x, axis=None, keepdims=False):
        x = x if type(x) is Tensor else as_input(x)
        attrs = {"axis": axes_of(x, axis, op), "keepdims": bool(keepdims)}
        return x.mode.bind(op, (x,), attrs) if type(x) is Tensor else bind(op, x, **attrs)
    function.__name__ = op
    function.__doc__ = f"The {op} over ``axis``: None (all axes), a whole number or several."
    return function


sum, prod, max, min = map(_reduction, ("sum", "prod", "max", "min"))
amax, amin = max, min


def count_along(x, axis, op):
    """How many elements a reduction over ``axis`` joins: a number, or the op ``size`` where an
    axis has only a name, in the dtype of x (f64 for whole numbers)."""
    axes, lengths = axes_of(x, axis, op), shape(x)
    sizes = [lengths[a] for a in axes]
    if str not in map(type, sizes):
        return math.prod(sizes)
    dtype = spec_of(x).dtype
    return bind("size", x, axis=axes, dtype=short(dtype) if dtype.kind == "f" else "f64")


def mean(x, axis=None, keepdims=False):
    """The sum divided by the number of elements."""
    return sum(x, axis, keepdims) / count_along(x, axis, "mean")


def var(x, axis=None, keepdims=False, ddof=0):
    """The mean squared distance from the mean; ``ddof`` is taken from the number of elements."""
    distance = square(x - mean(x, axis, keepdims=True))
    if not ddof:
        return mean(distance, axis, keepdims)
    return sum(distance, axis, keepdims) / (count_along(x, axis, "var") - ddof)


def std(x, axis=None, keepdims=False, ddof=0):
    """The root of ``var``; it has no slope where all elements are equal."""
    return sqrt(var(x, axis, keepdims, ddof))


def average(x, axis=None, weights=None, keepdims=False):
    """The mean, weighted where ``weights`` are given: of the shape of x, or one a place along
    ``axis``."""
    if weights is None:
        return mean(x, axis, keepdims)
    x, weights = as_input(x), as_input(weights)
    if shape(weights) != shape(x):
        axes, sizes = axes_of(x, axis, "average"), shape(x)
        if len(axes) != 1 or shape(weights) != (sizes[axes[0]],):
            raise LabError(f"average: weights {spec_of(weights)} should have the shape of "
                           f"{spec_of(x)}, or be as many as there are places along one axis.")
        along = reshape(weights, tuple(n if k in axes else 1 for k, n in enumerate(sizes)))
        weights = broadcast_to(along, sizes)
    return sum(x * weights, axis, keepdims) / sum(weights, axis, keepdims)


def ptp(x, axis=None, keepdims=False):
    """The largest element less the smallest (peak to peak)."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def _place(op):
    def function(x, axis=None, keepdims=False):
        x = as_input(x)
        flat, axis = (reshape(x, -1), 0) if axis is None else (x, axis_of(x, axis, op, ndim(x)))
        out = bind(op, flat, axis=axis)
        if not keepdims:
            return out
        rest = range(ndim(x)) if flat is not x else (axis,)
        return reshape(out, tuple(1 if i in rest else n for i, n in enumerate(shape(x))))
    function.__name__ = op
    function.__doc__ = f"The first place of the {op[3:]}imum along ``axis`` (None: of all)."
    return function


argmax, argmin = map(_place, ("argmax", "argmin"))


def count_nonzero(x, axis=None, keepdims=False):
    """How many elements along ``axis`` are not zero."""
    return sum(not_equal(x, 0), axis, keepdims)


def any(x, axis=None, keepdims=False):
    """Whether an element along ``axis`` is not zero; no slope."""
    return not_equal(count_nonzero(x, axis, keepdims), 0)


def all(x, axis=None, keepdims=False):
    """Whether no element along ``axis`` is zero; no slope."""
    return equal(count_nonzero(equal(x, 0), axis, keepdims), 0)


# ---- leaving NaN out

def nansum(x, axis=None, keepdims=False):
    """``sum`` of what is not NaN."""
    return sum(where(isnan(x), 0, x), axis, keepdims)


def nanmean(x, axis=None, keepdims=False):
    """``mean`` of what is not NaN."""
    known = sum(equal(x, x), axis, keepdims)
    return nansum(x, axis, keepdims) / astype(known, as_float(x))


def nanmax(x, axis=None, keepdims=False):
    """``max`` of what is not NaN."""
    return max(_known(x, -math.inf), axis, keepdims)


def nanmin(x, axis=None, keepdims=False):
    """``min`` of what is not NaN."""
    return min(_known(x, math.inf), axis, keepdims)


def _known(x, other):
    """``x`` with ``other`` in the place of NaN, which only floats have."""
    return where(isnan(x), other, x) if spec_of(x).dtype.kind == "f" else x


# ---- along one axis

def _running(op):
    def function(x, axis=None):
        x = as_input(x)
        x, axis = (reshape(x, -1), 0) if axis is None else (x, axis_of(x, axis, op, ndim(x)))
        return bind(op, x, axis=axis)
    function.__name__ = op
    function.__doc__ = f"The running {op[3:]} along ``axis`` (None: of all elements in order)."
    return function


cumsum, cumprod = map(_running, ("cumsum", "cumprod"))


def logsumexp(x, axis=-1, keepdims=False):
    """log(sum(exp(x))) that does not overflow: the largest entry is taken out first."""
    top = fixed(max(x, axis, keepdims=True))
    top = where(isfinite(top), top, 0)  # inf - inf would be NaN
    out = log(sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, axis)
