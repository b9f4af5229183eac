"""Kernels in the place of NumPy's definitions, for ops on arrays that are large enough.

Each row of OPS keeps its definition, which the oracle interpreter uses.
"""

from dataclasses import replace

import numpy as np

from aisys_lab.ir import OPS

ENOUGH = 1 << 15  # multiply-adds from which on a kernel's call pays
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def fast(op):
    """Decorates what computes an op of the package on arrays, in place of its definition."""
    def decorate(run):
        OPS.define(op, replace(OPS.reference(op), fast=run))
        return run
    return decorate


@fast("matmul")
def matmul(a, b):
    """Our product of matrices, also of stacks of them with one matrix; else NumPy's."""
    if type(a) is type(b) is np.ndarray and b.ndim == 2 <= a.ndim and a.dtype is b.dtype \
            and a.dtype in (F32, F64) and a.size * b.shape[1] >= ENOUGH:
        from aisys_lab.kernels import matmul as product
        if a.shape[-1] == b.shape[0]:
            rows = a if a.ndim == 2 else a.reshape(-1, a.shape[-1])
            out = product(rows, b)
            return out if a.ndim == 2 else out.reshape(*a.shape[:-1], b.shape[1])
    return np.matmul(a, b)
