"""Order: places from argsort, which has no slope, and the elements taken there, which have."""

from aisys_lab.autodiff.numpy.base import as_input, axis_of, lengths, ndim
from aisys_lab.autodiff.numpy.elementwise import isnan, where
from aisys_lab.autodiff.numpy.indexing import getitem, take_along_axis
from aisys_lab.autodiff.numpy.reductions import mean
from aisys_lab.autodiff.numpy.shapes import ravel
from aisys_lab.core import LabError
from aisys_lab.ir import bind, spec_of


def argsort(x, axis=-1, descending=False):
    """Places along ``axis`` in order of value; equals keep their order, NaN counts as largest."""
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(x, axis, "argsort", ndim(x))
    return bind("argsort", as_input(x), axis=axis, descending=bool(descending))


def sort(x, axis=-1, descending=False):
    """Elements along ``axis`` in order of value."""
    if axis is None:
        x, axis = ravel(x), 0
    return take_along_axis(as_input(x), argsort(x, axis, descending), axis)


def topk(x, k, axis=-1):
    """``(values, places)`` of the ``k`` largest along ``axis``, largest first."""
    axis = axis_of(x, axis, "topk", ndim(x))
    if not 0 <= k <= lengths(x, "topk")[axis]:
        raise LabError(f"topk: {k} elements along axis {axis} of {spec_of(x)}.")
    first = (slice(None),) * axis + (slice(k),)
    places = getitem(argsort(x, axis, descending=True), first)
    return take_along_axis(as_input(x), places, axis), places


def median(x, axis=None, keepdims=False):
    """The middle element along ``axis`` (one, or None: of all), or the mean of the middle two."""
    if axis is None:
        flat = median(ravel(x), 0, keepdims)
        return flat if not keepdims else flat.reshape((1,) * ndim(x))
    axis = axis_of(x, axis, "median", ndim(x))
    n = lengths(x, "median")[axis]
    x, before = sort(x, axis), (slice(None),) * axis
    middle = getitem(x, (*before, slice((n - 1) // 2, n // 2 + 1)))
    last = getitem(x, (*before, slice(-1, None)))
    return mean(where(isnan(last), last, middle), axis, keepdims)  # NaN is sorted last
