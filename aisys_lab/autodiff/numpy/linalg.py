"""Linear algebra under NumPy's names: matrices are the last two axes, leading axes are batches."""

import math
from typing import NamedTuple

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, axis_of, ndim, shape
from aisys_lab.autodiff.numpy.contract import matmul
from aisys_lab.autodiff.numpy.elementwise import abs, astype, not_equal, sqrt, where
from aisys_lab.autodiff.numpy.indexing import getitem
from aisys_lab.autodiff.numpy.reductions import max, min, sum
from aisys_lab.autodiff.numpy.shapes import broadcast_to, concatenate, reshape, swapaxes, transpose
from aisys_lab.core import LabError
from aisys_lab.ir import bind, spec_of


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the size of a determinant."""

    sign: object
    logabsdet: object


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: object
    eigenvectors: object


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values, right singular vectors as rows."""

    U: object
    S: object
    Vh: object


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: object
    R: object


def _floats(x):
    """An array of floats: whole numbers become float64."""
    x = as_input(x)
    return x if spec_of(x).dtype.kind == "f" else astype(x, np.float64)


def _choice(op, name, value, known):
    if value not in known:
        raise LabError(f"{op}: {name}={value!r}; it is one of {', '.join(map(repr, known))}.")
    return value


# ---- inverse, systems, determinants

def inv(a):
    """The inverse of square matrices; LabError for a singular one."""
    return bind("inv", as_input(a))


def solve(a, b):
    """``x`` with ``a @ x = b``; ``b`` is a vector if it has one axis, else matrices."""
    b = as_input(b)
    if ndim(b) != 1:
        return bind("solve", as_input(a), b)
    return reshape(bind("solve", as_input(a), reshape(b, (-1, 1))), (*shape(a)[:-2], -1))


def det(a):
    """The determinant; its gradient holds for singular matrices too, the second one does not."""
    return bind("det", as_input(a))


def slogdet(a):
    """Sign and logarithm of the size of the determinant, safe from overflow."""
    return SlogdetResult(*bind("slogdet", as_input(a)))


def pinv(a, rcond=None):
    """The Moore-Penrose inverse; singular values up to ``rcond`` times the largest count as 0.

    By default the larger side times the dtype's epsilon. The derivative is that at fixed rank.
    """
    return bind("pinv", as_input(a), rtol=None if rcond is None else float(rcond))


# ---- decompositions

def cholesky(a, upper=False):
    """The lower triangle ``l`` with ``l @ l.T = a``, or the upper one ``l.T``.

    The lower triangle of ``a`` is read; the gradient comes out symmetric, as that of a function
    of symmetric matrices. LabError where ``a`` is not positive definite.
    """
    low = bind("cholesky", as_input(a))
    return swapaxes(low, -1, -2) if upper else low


def eigh(a, UPLO="L"):
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices.

    One triangle of ``a`` is read; the gradient comes out symmetric. Where eigenvalues repeat,
    their own gradients hold and those of the vectors do not exist.
    """
    triangle = _choice("eigh", "UPLO", UPLO, ("L", "U"))
    return EighResult(*bind("eigh", as_input(a) if triangle == "L" else swapaxes(a, -1, -2)))


def eigvalsh(a, UPLO="L"):
    """Eigenvalues of symmetric matrices, ascending."""
    return eigh(a, UPLO).eigenvalues


def svd(a, full_matrices=True, compute_uv=True):
    """``U, S, Vh`` with ``a = U * S @ Vh``; thin, so say ``full_matrices=False`` if not square.

    The further columns of a full ``U`` or ``Vh`` are free to turn and have no derivative.
    """
    if not compute_uv:
        return svdvals(a)
    if full_matrices and len(set(shape(a)[-2:])) > 1:
        raise LabError(f"svd of {spec_of(a)}: the full matrices have columns without derivative; "
                       f"write full_matrices=False.")
    return SVDResult(*bind("svd", as_input(a)))


def svdvals(a):
    """Singular values, descending."""
    return bind("svd", as_input(a))[1]


def qr(a, mode="reduced"):
    """``Q, R`` with ``a = Q @ R``; ``mode`` is 'reduced' or 'r'. Columns should be independent."""
    _choice("qr", "mode", mode, ("reduced", "r"))
    a, rows = as_input(a), shape(a)[-2] if ndim(a) > 1 else 0
    if rows < shape(a)[-1] and rows:
        q, left = bind("qr", getitem(a, (..., slice(rows))))
        right = matmul(swapaxes(q, -1, -2), getitem(a, (..., slice(rows, None))))
        r = concatenate([left, right], -1)
    else:
        q, r = bind("qr", a)
    return QRResult(q, r) if mode == "reduced" else r


# ---- products

def matrix_transpose(a):
    return swapaxes(a, -1, -2)


def outer(x1, x2):
    """Every product of an entry of one vector and an entry of another."""
    return matmul(reshape(x1, (-1, 1)), reshape(x2, (1, -1)))


def matrix_power(a, n):
    """``a @ a @ … @ a``, by repeated squaring; of the inverse for a negative ``n``."""
    if not hasattr(n, "__index__"):
        raise LabError(f"matrix_power: n={n!r}; it is a whole number.")
    if ndim(a) < 2 or shape(a)[-1] != shape(a)[-2]:
        raise LabError(f"matrix_power: takes square matrices [..., N, N], got {spec_of(a)}.")
    if n == 0:
        return broadcast_to(np.eye(shape(a)[-1], dtype=spec_of(a).dtype), shape(a))
    square, out, left = (inv(a) if n < 0 else as_input(a)), None, int(-n if n < 0 else n)
    while left:
        if left % 2:
            out = square if out is None else matmul(out, square)
        left //= 2
        square = matmul(square, square) if left else square
    return out


def multi_dot(arrays):
    """The product of matrices in the cheapest order; the ends may be vectors."""
    arrays = [as_input(x) for x in arrays]
    if len(arrays) < 2 or any(ndim(x) != 2 for x in arrays[1:-1]) or any(
            ndim(x) not in (1, 2) for x in (arrays[0], arrays[-1])):
        raise LabError(f"multi_dot: takes two matrices or more, of which the first and the last "
                       f"may be vectors, got {', '.join(str(spec_of(x)) for x in arrays)}.")
    sides = [shape(x)[0] if ndim(x) == 2 else 1 for x in arrays[:1]]
    sides += [shape(x)[0] for x in arrays[1:]]
    sides += [shape(arrays[-1])[1] if ndim(arrays[-1]) == 2 else 1]
    split = _cheapest(sides)

    def product(i, j):
        if i == j:
            return arrays[i]
        return matmul(product(i, split[i, j]), product(split[i, j] + 1, j))
    return product(0, len(arrays) - 1)


def _cheapest(sides):
    """Where to split each product of matrices i to j, by the multiplications that it takes."""
    cost, split = {(i, i): 0 for i in range(len(sides))}, {}
    for span in range(1, len(sides) - 1):
        for i in range(len(sides) - 1 - span):
            j = i + span
            cost[i, j], split[i, j] = _least(
                (cost[i, k] + cost[k + 1, j] + sides[i] * sides[k + 1] * sides[j + 1], k)
                for k in range(i, j))
    return split


def _least(pairs):
    return sorted(pairs)[0]


# ---- diagonals

def diagonal(x, offset=0):
    """The diagonals of matrices, ``offset`` places right of the main one."""
    rows, columns = _sides("diagonal", x)
    down, right = (-offset, 0) if offset < 0 else (0, offset)
    long = len([*zip(range(down, rows), range(right, columns), strict=False)])
    square = getitem(x, (..., slice(down, down + long), slice(right, right + long)))
    return sum(where(np.eye(long, dtype=bool), square, 0), -1)


def trace(x, offset=0):
    """The sum of the diagonals of matrices."""
    return sum(diagonal(x, offset), -1)


def _sides(op, x):
    if ndim(x) < 2 or any(isinstance(n, str) for n in shape(x)[-2:]):
        raise LabError(f"{op}: takes matrices [..., M, N] of known size, got {spec_of(x)}.")
    return shape(x)[-2:]


# ---- norms

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
    _choice("norm of matrices", "ord", ord, ("fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf))
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
