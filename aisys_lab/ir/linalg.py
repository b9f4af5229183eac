"""Linear algebra of matrices [..., M, N], by LAPACK through NumPy: one row a decomposition.

Leading axes are batches. Whole numbers become float64, as in NumPy. Operations are counted after
Golub and Van Loan, Matrix Computations (4th edition, 2013).
"""

from math import prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.spec import Spec, broadcast


def _matrix(op, a, square=True):
    """The dtype of results on these matrices; a sentence if they are none."""
    if len(a.shape) < 2 or (square and a.shape[-1] != a.shape[-2]):
        wanted = "square matrices [..., N, N]" if square else "matrices [..., M, N]"
        raise LabError(f"{op}: takes {wanted}, got {a}.")
    if a.dtype == np.float16:
        raise LabError(f"{op}: {a} is half precision, in which LAPACK does not compute; cast it to "
                       f"f32.")
    return a.dtype if a.dtype.kind == "f" else np.dtype(np.float64)


def _count(shape):
    """How many matrices a batch holds."""
    return prod(shape[:-2])


# ---- of one square matrix

def _infer_square(op):
    return lambda a: Spec(a.shape, _matrix(op, a))


define("inv", np.linalg.inv, _infer_square("inv"),
       lambda a: 2 * _count(a.shape) * a.shape[-1] ** 3, "opaque")
define("cholesky", np.linalg.cholesky, _infer_square("cholesky"),
       lambda a: _count(a.shape) * a.shape[-1] ** 3 // 3, "opaque")


def _lu(a):
    """Operations of a factorisation into triangles."""
    return 2 * _count(a.shape) * a.shape[-1] ** 3 // 3


def _infer_slogdet(a):
    spec = Spec(a.shape[:-2], _matrix("slogdet", a))
    return spec, spec


def _cofactor(a):
    """The gradient of det, det(a) inv(a).T, also where a is singular: by singular values."""
    u, s, vt = np.linalg.svd(a)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return sign[..., None, None] * (u * others[..., None, :]) @ vt


define("det", np.linalg.det, lambda a: Spec(a.shape[:-2], _matrix("det", a)), _lu, "opaque")
define("cofactor", _cofactor, _infer_square("cofactor"),
       lambda a: _flops_svd(a) + 2 * _count(a.shape) * a.shape[-1] ** 3, "opaque")
define("slogdet", lambda a: tuple(np.linalg.slogdet(a)), _infer_slogdet, _lu, "opaque", multi=True)


# ---- systems a x = b with matrices b [..., N, K]

def _infer_solve(a, b):
    dtype = np.result_type(_matrix("solve", a), _matrix("solve", b, square=False))
    if a.shape[-1] != b.shape[-2]:
        raise LabError(f"solve: {a} has {a.shape[-1]} rows, the right side {b} has {b.shape[-2]}.")
    return Spec((*broadcast(a.shape[:-2], b.shape[:-2], op="solve"), *b.shape[-2:]), dtype)


def _solve(a, b):
    if np.ndim(b) < 2:
        raise ValueError("the right side should be a matrix")
    return np.linalg.solve(a, b)


define("solve", _solve, _infer_solve,
       lambda a, b: _lu(a) + 2 * _infer_solve(a, b).size * a.shape[-1], "opaque")


# ---- decompositions: several results

def _infer_eigh(a):
    dtype = _matrix("eigh", a)
    return Spec(a.shape[:-1], dtype), Spec(a.shape, dtype)


def _infer_thin(op, a):
    """Shapes of a thin decomposition: ``(batch, rows, columns, the smaller of them, dtype)``."""
    dtype, (rows, columns) = _matrix(op, a, square=False), a.shape[-2:]
    if isinstance(rows, str) or isinstance(columns, str):
        raise LabError(f"{op}: {a} needs rows and columns of known number.")
    return a.shape[:-2], rows, columns, min(rows, columns), dtype


def _infer_svd(a):
    batch, rows, columns, least, dtype = _infer_thin("svd", a)
    return (Spec((*batch, rows, least), dtype), Spec((*batch, least), dtype),
            Spec((*batch, least, columns), dtype))


def _infer_qr(a):
    batch, rows, columns, _, dtype = _infer_thin("qr", a)
    if rows < columns:
        raise LabError(f"qr: {a} has fewer rows than columns; anp.linalg.qr takes it in two parts.")
    return Spec(a.shape, dtype), Spec((*batch, columns, columns), dtype)


def _infer_pinv(a, rtol=None):
    batch, rows, columns, _, dtype = _infer_thin("pinv", a)
    return Spec((*batch, columns, rows), dtype)


def _qr(a):
    if np.ndim(a) < 2 or np.shape(a)[-2] < np.shape(a)[-1]:
        raise ValueError("not as many rows as columns")
    return tuple(np.linalg.qr(a))


def _pinv(a, rtol=None):
    a = np.asarray(a)
    return np.linalg.pinv(a if a.dtype.kind == "f" else a.astype(np.float64), rtol=rtol)


def _flops_svd(a):
    long, short = max(a.shape[-2:]), min(a.shape[-2:])
    return _count(a.shape) * (6 * long * short**2 + 20 * short**3)


def _flops_qr(a):
    long, short = max(a.shape[-2:]), min(a.shape[-2:])
    return _count(a.shape) * (4 * long * short**2 - 4 * short**3 // 3)


define("eigh", lambda a: tuple(np.linalg.eigh(a)), _infer_eigh,
       lambda a: 9 * _count(a.shape) * a.shape[-1] ** 3, "opaque", multi=True)
define("svd", lambda a: tuple(np.linalg.svd(a, full_matrices=False)), _infer_svd, _flops_svd,
       "opaque", multi=True)
define("qr", _qr, _infer_qr, _flops_qr, "opaque", multi=True)
define("pinv", _pinv, _infer_pinv,
       lambda a, rtol=None: _flops_svd(a) + 2 * _infer_pinv(a).size * min(a.shape[-2:]), "opaque")
