"""What every function of the namespace asks of its arguments: arrays, shapes, axes."""

import operator

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir import Spec, Traced, spec_of


_KNOWN = (Traced, np.ndarray, np.generic, int, float, Spec)


def as_input(x):
    return x if isinstance(x, _KNOWN) else np.asarray(x)


def ndim(x):
    return len(shape(x))


def shape(x):
    try:
        return x.shape
    except AttributeError:
        return np.shape(x)


def axes_of(x, axis, op):
    """An axis argument as a tuple of whole numbers from 0 up."""
    rank = len(shape(x))
    if axis is None:
        return tuple(range(rank))
    if type(axis) is int and -rank <= axis < rank:
        return (axis % rank,)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(axis_of(x, a, op, rank) for a in axes))


def axis_of(x, axis, op, rank):
    """One axis as a whole number from 0 up; a sentence if there are not so many."""
    whole = hasattr(axis, "__index__")
    if not whole or not -rank <= operator.index(axis) < rank:
        raise LabError(f"{op}: axis {axis!r} of {spec_of(x)}, where {rank} axes are to choose "
                       f"from.")
    return operator.index(axis) % rank
