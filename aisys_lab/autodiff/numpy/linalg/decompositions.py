"""Inverse, systems, determinants and decompositions, under NumPy's names."""

from typing import NamedTuple

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.contract import matmul
from aisys_lab.autodiff.numpy.indexing import getitem
from aisys_lab.autodiff.numpy.shapes import concatenate, reshape, swapaxes
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


def choice(op, name, value, known):
    if value not in known:
        raise LabError(f"{op}: {name}={value!r}; it is one of {', '.join(map(repr, known))}.")
    return value


def sides(op, x):
    """Rows and columns; a sentence if they are not known."""
    if ndim(x) < 2 or any(isinstance(n, str) for n in shape(x)[-2:]):
        raise LabError(f"{op}: takes matrices [..., M, N] of known size, got {spec_of(x)}.")
    return shape(x)[-2:]


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
    triangle = choice("eigh", "UPLO", UPLO, ("L", "U"))
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
    choice("qr", "mode", mode, ("reduced", "r"))
    a, (rows, columns) = as_input(a), sides("qr", a)
    if rows < columns:
        q, left = bind("qr", getitem(a, (..., slice(rows))))
        right = matmul(swapaxes(q, -1, -2), getitem(a, (..., slice(rows, None))))
        r = concatenate([left, right], -1)
    else:
        q, r = bind("qr", a)
    return QRResult(q, r) if mode == "reduced" else r
