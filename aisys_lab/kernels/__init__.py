"""Numba kernels: one signature, several speeds; the naive one is the definition."""

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.kernels.gemm import blocked, naive, reordered

KERNELS = Table("KERNELS", "loops by op and rung, slow first", noun="kernel")
KERNELS.define("matmul", {"naive": naive, "reordered": reordered, "blocked": blocked})


def matmul(a, b, kernel="blocked"):
    """Product of two matrices f32 or f64 [m,k] and [k,n] by the rung ``kernel``."""
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise LabError(f"matmul: needs [m,k] and [k,n], got {list(a.shape)} and {list(b.shape)}.")
    if a.dtype != b.dtype or a.dtype.kind != "f":
        raise LabError(f"matmul: needs two float arrays of one dtype, got {a.dtype} and {b.dtype}.")
    rungs = KERNELS["matmul"]
    if kernel not in rungs:
        raise LabError(f"no kernel {kernel!r} for matmul; the rungs are: {', '.join(rungs)}.")
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    rungs[kernel](a, b, out)
    return out


__all__ = ["KERNELS", "matmul"]
