"""What lab IV.5 asks of Winograd's transforms: exact, for any sizes."""

from fractions import Fraction

import numpy as np

from aisys_lab.exercises.declare import Case, edits, exercise

BY_LAGRANGE = '''
from fractions import Fraction

def coefficients(roots):
    out = [Fraction(1)]
    for root in roots:
        out = [low - root * high for low, high in zip([0] + out, out + [0])]
    return out

def winograd_matrices(m, r):
    n = m + r - 1
    points = [Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3")][:n - 1]
    at = [[p ** i for p in points] + [1 if i == m - 1 else 0] for i in range(m)]
    g, bt = [], []
    for p in points:
        others = [q for q in points if q != p]
        scale = Fraction(1)
        for q in others:
            scale *= p - q
        g.append([p ** j / scale for j in range(r)])
        bt.append(coefficients(others) + [0])
    g.append([0] * (r - 1) + [1])
    bt.append(coefficients(points))
    return at, g, bt
'''
BY_INVERSE = '''
from fractions import Fraction

def inverse(matrix):
    n = len(matrix)
    rows = [[Fraction(x) for x in row] + [Fraction(i == j) for j in range(n)]
            for i, row in enumerate(matrix)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k])]
    return [row[n:] for row in rows]

def values(points, size):
    """Powers of the points, and of infinity the highest alone."""
    return [[p ** j for j in range(size)] for p in points] + [[0] * (size - 1) + [1]]

def winograd_matrices(m, r):
    n = m + r - 1
    points = [Fraction((i + 1) // 2 * (-1) ** i) for i in range(n - 1)]
    transposed = [list(column) for column in zip(*values(points, m))]
    return transposed, values(points, r), list(zip(*inverse(values(points, n))))
'''
ALL_FINITE = '''
from fractions import Fraction

def winograd_matrices(m, r):
    n = m + r - 1
    points = np.array([Fraction(i - n // 2) for i in range(n)], dtype=object)
    at = np.array([points ** i for i in range(m)])
    g = np.array([points ** j for j in range(r)]).T
    bt = np.full((n, n), Fraction(0), dtype=object)
    for i, p in enumerate(points):
        row = [Fraction(1)]
        for q in np.delete(points, i):
            row = [(a - q * b) / (p - q) for a, b in zip([0] + row, row + [0])]
        bt[i] = row
    return at, g, bt
'''
WRONG_MATRICES = edits(BY_LAGRANGE, {
    "transposes the transform of the data": ("return at, g, bt",
                                             "return at, g, [list(row) for row in zip(*bt)]"),
    "transposes the transform of the results": ("return at, g, bt",
                                                "return [list(row) for row in zip(*at)], g, bt"),
    "forgets the scale": ("p ** j / scale", "p ** j"),
    "scales twice": ("bt.append(coefficients(others) + [0])",
                     "bt.append([c / scale for c in coefficients(others)] + [0])"),
    "infinity gives every result": ("[1 if i == m - 1 else 0]", "[1]"),
    "infinity gives none": ("[1 if i == m - 1 else 0]", "[0]"),
    "infinity weighs the first tap": ("[0] * (r - 1) + [1]", "[1] + [0] * (r - 1)"),
    "highest coefficient first": ("coefficients(others) + [0]", "coefficients(others)[::-1] + [0]"),
    "takes a point too many": ("[:n - 1]", "[:n]"),
    "turns the taps round": ("for j in range(r)]", "for j in reversed(range(r))]"),
    "points of F(2, 3) only": ("[:n - 1]", "[:3]"),
    "floats": ("return at, g, bt", "return np.array(at, float), np.array(g, float), "
                                   "np.array(bt, float)"),
})
SIZES = ((2, 3), (1, 1), (4, 3), (1, 3), (3, 1), (6, 3), (3, 2), (2, 5), (4, 4))


@exercise("kernels.winograd_matrices", code="IV.5-B", points=6, driver="exact",
          mutants=WRONG_MATRICES,
          different={"by Lagrange": BY_LAGRANGE, "by an inverse": BY_INVERSE,
                     "without infinity": ALL_FINITE},
          hides=("kernels.lessons.winograd:winograd_matrices", "kernels.lessons.winograd:POINTS",
                 "kernels.lessons.winograd:polynomial", "kernels.lessons.winograd:product"))
def winograd_matrices(answer, rng):
    """winograd_matrices(m, r) gives (A^T, G, B^T), matrices of int and Fraction of m × n, r columns
    × n rows for G, and n × n numbers, where n = m + r - 1. For all r numbers g and n numbers d,
    A^T ((G g) * (B^T d)), with * number by number, is the correlation y[i] = sum over j of
    g[j] d[i + j], exactly, with n multiplications in place of m·r. Choose n - 1 points p: column
    p of A^T is 1, p, p², …; row p of G is the same over the product of all p - q, q being the other
    points; row p of B^T holds the coefficients of the product of all x - q, that of x**0 first, and
    a 0. The last column of A^T and the last row of G are 0, but for a 1 at the end; the last row of
    B^T is the product of all x - p. Other matrices that do it are right too."""
    for m, r in SIZES:
        case = shaped(m, r, answer(m, r))
        yield case
        if not case.ok:
            return
        yield from _identity(rng, m, r, *numbers(answer(m, r)))


def shaped(m, r, came):
    """Whether three matrices of pairs came, of the right sizes."""
    n, sizes = m + r - 1, None
    if isinstance(came, list) and len(came) == 3:
        sizes = [(len(matrix), *{len(row) for row in matrix}) for matrix in came]
    want = [(m, n), (n, r), (n, n)]
    return Case(sizes == want, f"winograd_matrices({m}, {r}): expected A^T, G and B^T of sizes "
                               f"{want}, came {sizes}")


def numbers(came):
    """The matrices as arrays of fractions."""
    return [np.array([[Fraction(*pair) for pair in row] for row in matrix], object)
            for matrix in came]


def _identity(rng, m, r, at, g, bt):
    """For all g and d: each product of a number of g and one of d, in each result; then in 2-D."""
    given = f"winograd_matrices({m}, {r})"
    for i, j, k in np.ndindex(m, r, m + r - 1):
        came = sum(at[i] * g[:, j] * bt[:, k])
        if came != (k == i + j):
            yield Case(False, f"{given}: expected y[{i}] to hold {int(k == i + j)} times "
                              f"g[{j}]·d[{k}], came {came} times")
            return
    taps, data = _fractions(rng, (r, r)), _fractions(rng, (m + r - 1, m + r - 1))
    came = at @ ((g @ taps @ g.T) * (bt @ data @ bt.T)) @ at.T
    want = [[sum((taps * data[i:i + r, j:j + r]).flat) for j in range(m)] for i in range(m)]
    yield Case(came.tolist() == want, f"{given}, in two dimensions: expected the correlation")


def _fractions(rng, shape):
    return np.array([Fraction(int(a), int(b)) for a, b in zip(
        rng.integers(-9, 10, shape).flat, rng.integers(1, 10, shape).flat,
        strict=True)], object).reshape(shape)
