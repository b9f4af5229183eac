"""Fits the polynomials of aisys_lab/kernels/functions.py: ``python tools/minimax.py [NAME]``.

Remez's exchange (Remez 1934; Muller, Elementary Functions, chapter 3): the best polynomial is the
one whose weighted error swings between its extremes as often as it has coefficients, plus once.
"""

import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 60
GRID = 2000  # places at which the error is looked at
ROUNDS = 12



def odd_log(z):
    """``(log((1 + s) / (1 - s)) - 2 s) / s³`` of z = s²."""
    s = mp.sqrt(z)
    return (mp.log((1 + s) / (1 - s)) - 2 * s) / s ** 3


# name: function, weight of its error, interval, coefficients in single and double precision
FITS = {
    "exp": (lambda r: (mp.expm1(r) - r) / r ** 2, lambda r: abs(r ** 2 / mp.expm1(r)),
            mp.mpf("-0.3466"), mp.mpf("0.3467"), 5, 10),
    "log": (odd_log, lambda z: z, mp.mpf(0), (3 - 2 * mp.sqrt(2)) ** 2, 3, 7),
    "erf": (lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
            lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)), mp.mpf(0), mp.mpf(1), 7, 12),
    "erfc": (lambda x: -mp.log(mp.erfc(x)), lambda x: mp.erfc(x) / mp.erf(x),
             mp.mpf(1), (mp.mpf(4), mp.mpf(6)), 6, 18),
}


def fit(function, weight, low, high, count):
    """Coefficients, constant first, and the largest weighted error."""
    places = nodes(low, high, count + 1)
    grid = nodes(low, high, GRID)
    values, weights = [function(x) for x in grid], [weight(x) for x in grid]
    for _ in range(ROUNDS):
        coefficients = level(function, weight, places, count)
        errors = [w * (mp.polyval(coefficients[::-1], x) - y)
                  for x, y, w in zip(grid, values, weights, strict=True)]
        places = [grid[i] for i in extremes(errors, count + 1)]
    return coefficients, max(map(abs, errors))


def nodes(low, high, count):
    """Places like Chebyshev's, dense at both ends, which are left out."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * (2 * k + 1) / (2 * count)) for k in range(count)]


def level(function, weight, places, count):
    """Coefficients whose weighted error is the same at all places, with signs in turn."""
    rows = mp.matrix([[x ** k for k in range(count)] + [(-1) ** i / weight(x)]
                      for i, x in enumerate(places)])
    return list(mp.lu_solve(rows, mp.matrix([function(x) for x in places])))[:count]


def extremes(errors, count):
    """Indices of the largest errors of each sign, in turn; the smaller end goes where one is too
    many."""
    best = [0]
    for i, error in enumerate(errors):
        if error * errors[best[-1]] < 0:
            best.append(i)
        elif abs(error) > abs(errors[best[-1]]):
            best[-1] = i
    while len(best) > count:
        best.pop(0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1)
    return best


def main(part=""):
    """Prints the polynomials whose name has ``part``, rounded to their precision."""
    for name, (function, weight, low, high, *counts) in FITS.items():
        highs = high if isinstance(high, tuple) else (high, high)
        for dtype, top, count in zip((np.float32, np.float64), highs, counts, strict=True):
            if part in name:
                coefficients, error = fit(function, weight, low, top, count)
                print(f"# {name}, {dtype.__name__}: error 2^{float(mp.log(error, 2)):.1f}")
                print(", ".join(str(dtype(mp.nstr(c, 25))) for c in coefficients))


if __name__ == "__main__":
    main(*sys.argv[1:])
