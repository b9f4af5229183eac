"""What every function of the namespace asks of its arguments: arrays, shapes, axes."""

import operator

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir import Spec, Traced, spec_of


def as_input(x):
    known = isinstance(x, Traced | Spec | np.ndarray | np.generic | int | float)
    return x if known else np.asarray(x)


def ndim(x):
    return len(shape(x))


def shape(x):
    return x.shape if hasattr(x, "shape") else np.shape(x)


def axes_of(x, axis, op):
    """An axis argument as a tuple of whole numbers from 0 up."""
    rank = ndim(x)
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(axis_of(x, a, op, rank) for a in axes))


def axis_of(x, axis, op, rank):
    """One axis as a whole number from 0 up; a sentence if there are not so many."""
    whole = hasattr(axis, "__index__")
    if not whole or not -rank <= operator.index(axis) < rank:
        raise LabError(f"{op}: axis {axis!r} of {spec_of(x)}, where {rank} axes are to choose "
                       f"from.")
    return operator.index(axis) % rank
