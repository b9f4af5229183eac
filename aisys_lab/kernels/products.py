"""Matrix products under their plain names."""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels import gemm, packed
from aisys_lab.kernels.checks import floats, rank, told
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.threads import threads

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def matmul(a, b, kernel="packed"):
    """Product of matrices f32 or f64 [m,k] and [k,n], in any layout, by a rung of the ladder.

    Raises LabError for other dtypes, ranks and sizes that do not fit.
    """
    try:
        fits = a.dtype is b.dtype is F32 and a.shape[1] == b.shape[0] and a.ndim == b.ndim == 2
    except (AttributeError, IndexError):
        fits = False
    if not fits:
        a, b = _matrices(a, b)
    return _best(a, b) if kernel == "packed" else KERNELS["matmul"][kernel](a, b)


def _matrices(a, b):
    a, b = floats("matmul", a=a, b=b)
    rank("matmul", "a", a, 2)
    rank("matmul", "b", b, 2)
    if a.shape[1] != b.shape[0]:
        raise LabError(f"matmul: inner sizes differ, {told(a)} and {told(b)}.")
    return a, b


def _best(a, b):
    (m, k), n = a.shape, b.shape[1]
    out = np.empty((m, n), a.dtype)
    many = threads(2 * m * n * k)
    if many == 1:
        packed.into(a, b, out)
    else:
        packed.into_parts(a, b, out, many)
    return out


def by_loop(loop):
    """A rung of a loop that writes into its last argument."""
    def rung(a, b):
        out = np.empty((a.shape[0], b.shape[1]), a.dtype)
        loop(a, b, out)
        return out
    rung.__doc__, rung.loop = loop.py_func.__doc__, loop
    return rung


ladder("matmul", naive=by_loop(gemm.naive), reordered=by_loop(gemm.reordered),
       blocked=by_loop(gemm.blocked), packed=_best)
