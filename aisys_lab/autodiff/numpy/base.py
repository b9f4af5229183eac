"""What every function of the namespace asks of its arguments: arrays, shapes, axes."""

import operator

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir import Spec, Traced, spec_of

_KNOWN = (Traced, np.ndarray, np.generic, int, float, Spec)


def as_input(x):
    """The array, number or traced value itself; a list as an array."""
    if isinstance(x, _KNOWN):
        return x
    try:
        array = np.asarray(x)
        spec_of(array)  # a sentence for text, objects and complex numbers
    except ValueError as error:
        raise LabError(f"{type(x).__name__} is no array: {error}.") from None
    return array


def ndim(x):
    """How many axes x has."""
    return len(shape(x))


def shape(x):
    """The lengths of the axes; a name for one that is open."""
    try:
        return x.shape
    except AttributeError:
        return np.shape(as_input(x))


def lengths(x, op):
    """The shape as numbers; a sentence where an axis has only a name."""
    named = [n for n in shape(x) if isinstance(n, str)]
    if named:
        raise LabError(f"{op}: {spec_of(x)} has axis {named[0]}, whose length is known only when "
                       f"the graph runs; trace with that axis closed.")
    return shape(x)


def axes_of(x, axis, op):
    """An axis argument as a tuple of whole numbers from 0 up."""
    rank = len(shape(x))
    if axis is None:
        return tuple(range(rank))
    if type(axis) is int and -rank <= axis < rank:
        return (axis % rank,)
    if not rank and type(axis) is int and axis in (0, -1):
        return ()  # NumPy, too, lets a number have this axis
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(axis_of(x, a, op, rank) for a in axes))


def axis_of(x, axis, op, rank):
    """One axis as a whole number from 0 up; a sentence if there are not so many."""
    if type(axis) is int and -rank <= axis < rank:
        return axis % rank
    whole = hasattr(axis, "__index__") and not np.ndim(axis)
    if not whole or not -rank <= operator.index(axis) < rank:
        raise LabError(f"{op}: axis {axis!r} of {spec_of(x)}, where {rank} axes are to choose "
                       f"from.")
    return operator.index(axis) % rank
