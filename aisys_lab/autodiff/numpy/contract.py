"""Products that sum over axes: matmul and its kin."""

from aisys_lab.autodiff.numpy.base import as_input
from aisys_lab.ir import bind


def matmul(a, b):
    return bind("matmul", as_input(a), as_input(b))
