"""Products and diagonals of matrices, under NumPy's names."""

import numpy as np

from aisys_lab.autodiff.numpy import indexing
from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.contract import matmul
from aisys_lab.autodiff.numpy.linalg.decompositions import inv, sides
from aisys_lab.autodiff.numpy.reductions import sum
from aisys_lab.autodiff.numpy.shapes import broadcast_to
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of


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


# ---- diagonals of the last two axes

def diagonal(x, offset=0):
    """The diagonals of matrices, ``offset`` places right of the main one."""
    sides("diagonal", x)
    return indexing.diagonal(x, offset, -2, -1)


def trace(x, offset=0):
    """The sum of the diagonals of matrices."""
    return sum(diagonal(x, offset), -1)
