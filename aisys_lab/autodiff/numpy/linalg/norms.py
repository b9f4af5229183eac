"""Lengths of vectors and sizes of matrices, under NumPy's names."""

import math

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, axis_of, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import abs, astype, not_equal, sqrt, where
from aisys_lab.autodiff.numpy.linalg.decompositions import choice, inv, svdvals
from aisys_lab.autodiff.numpy.reductions import max, min, sum
from aisys_lab.autodiff.numpy.shapes import reshape, transpose
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of


def _floats(x):
    """An array of floats: whole numbers become float64."""
    x = as_input(x)
    return x if spec_of(x).dtype.kind == "f" else astype(x, np.float64)


def norm(x, ord=None, axis=None, keepdims=False):
    """Length of vectors or size of matrices, as NumPy's: see ``vector_norm``, ``matrix_norm``.

    One axis says vectors, two say matrices; without ``ord`` all of ``x`` is one long vector.
    """
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = tuple(range(ndim(x))) if axis is None else axis if isinstance(
        axis, tuple | list) else (axis,)
    if len(axes) not in (1, 2):
        raise LabError(f"norm: ord={ord!r} of {spec_of(x)} along axes {axes}; it takes one axis "
                       f"(vectors) or two (matrices).")
    if len(axes) == 1:
        return vector_norm(x, axes[0], keepdims, 2 if ord is None else ord)
    return _matrix_norm(x, axes, keepdims, "fro" if ord is None else ord)


def vector_norm(x, axis=None, keepdims=False, ord=2):
    """(sum |x|**ord)**(1/ord); inf and -inf give the extremes, 0 counts. Slope 0 at length 0."""
    x = _floats(x)
    if isinstance(ord, str):
        raise LabError(f"vector_norm: ord={ord!r}; of vectors it is a number, inf or -inf.")
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(abs(x), axis, keepdims)
    if ord == 0:
        return sum(astype(not_equal(x, 0), spec_of(x).dtype), axis, keepdims)
    if ord == 1:
        return sum(abs(x), axis, keepdims)
    total = sum(x * x if ord == 2 else abs(x) ** ord, axis, keepdims)
    none = total == 0
    safe = where(none, 1, total)
    return where(none, 0, sqrt(safe) if ord == 2 else safe ** (1 / ord))


def matrix_norm(x, keepdims=False, ord="fro"):
    """Of the last two axes: 'fro', 'nuc', 2 and -2 (singular values), 1 and inf (sums)."""
    return _matrix_norm(x, (-2, -1), keepdims, ord)


def _matrix_norm(x, axes, keepdims, ord):
    choice("norm of matrices", "ord", ord, ("fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf))
    x, rank = _floats(x), ndim(x)
    axes = tuple(axis_of(x, axis, "norm", rank) for axis in axes)
    if axes[0] == axes[1]:
        raise LabError(f"norm of {spec_of(x)}: axis {axes[0]} is named twice.")
    if ord == "fro":
        return vector_norm(x, axes, keepdims)
    out = _by_columns(transpose(x, (*(k for k in range(rank) if k not in axes), *axes)), ord)
    return reshape(out, tuple(1 if k in axes else n for k, n in enumerate(shape(x)))) \
        if keepdims else out


def _by_columns(x, ord):
    """The norms of matrices in the last two axes that are not Frobenius's."""
    if ord == "nuc":
        return sum(svdvals(x), -1)
    if ord in (2, -2):
        return (max if ord > 0 else min)(svdvals(x), -1)
    return (max if ord > 0 else min)(sum(abs(x), -2 if ord in (1, -1) else -1), -1)


def cond(x, p=None):
    """How much ``x`` amplifies relative errors: its norm times that of its inverse."""
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
