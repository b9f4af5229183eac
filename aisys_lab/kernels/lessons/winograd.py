"""Winograd's convolution: m results of r taps for m + r - 1 multiplications.

S. Winograd, Arithmetic Complexity of Computations, SIAM 1980; A. Lavin, S. Gray, "Fast Algorithms
for Convolutional Neural Networks", CVPR 2016. The construction: two polynomials are multiplied by
their values at points (Toom and Cook), and a product of polynomials turned round is a correlation.
"""

from fractions import Fraction

import numpy as np

from aisys_lab.core import slot

POINTS = [Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "1/3", "-1/3")]


@slot("kernels.winograd_matrices")
def winograd_matrices(m, r):
    """``(A^T [m,n], G [n,r], B^T [n,n])`` of F(m, r), exact; n = m + r - 1 points, one at infinity.

    ``A^T ((G g) * (B^T d))`` is the correlation of r numbers g with n numbers d.
    """
    points = POINTS[:m + r - 2]
    others = [[q for q in points if q != p] for p in points]
    scales = [product([p], rest)[0] for p, rest in zip(points, others, strict=True)]
    at = [[p**i for p in points] + [Fraction(i == m - 1)] for i in range(m)]
    g = [[p**j / scale for j in range(r)] for p, scale in zip(points, scales, strict=True)]
    bt = [[*polynomial(rest), Fraction(0)] for rest in others]
    return at, [*g, [Fraction(j == r - 1) for j in range(r)]], [*bt, polynomial(points)]


def polynomial(roots):
    """Coefficients of the product of all (x - root), that of x**0 first."""
    out = [Fraction(1)]
    for root in roots:
        out = [low - root * high for low, high in zip([0, *out], [*out, 0], strict=True)]
    return out


def product(points, roots):
    """The values of that polynomial at points."""
    return [sum(c * p**i for i, c in enumerate(polynomial(roots))) for p in points]


@slot("kernels.winograd")
def winograd(x, w, m):
    """x[N,C,H,W] with w[O,C,R,R] -> [N,O,H-R+1,W-R+1], in tiles of m × m results.

    A tile reads m + R - 1 rows and columns, so neighbours overlap by R - 1; the last ones are
    filled up with zeros.
    """
    r = w.shape[-1]
    at, g, bt = (np.array(matrix, x.dtype) for matrix in winograd_matrices(m, r))
    weights = g @ w @ g.T  # [O,C,n,n], once for all tiles
    data = bt @ tiles(x, m, r) @ bt.T  # [N,C,I,J,n,n]
    summed = np.einsum("ocuv,ncijuv->noijuv", weights, data)
    return joined(at @ summed @ at.T)[:, :, :x.shape[2] - r + 1, :x.shape[3] - r + 1]


def tiles(x, m, r):
    """Views [N,C,I,J,n,n] of all tiles, m rows and columns apart."""
    short = [-(size - r + 1) % m for size in x.shape[2:]]
    padded = np.pad(x, ((0, 0), (0, 0), (0, short[0]), (0, short[1])))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (m + r - 1, m + r - 1), (2, 3))
    return windows[:, :, ::m, ::m]


def joined(out):
    """[N,O,I,J,m,m] as [N,O,I·m,J·m]."""
    n, o, i, j, m, _ = out.shape
    return out.transpose(0, 1, 2, 4, 3, 5).reshape(n, o, i * m, j * m)
