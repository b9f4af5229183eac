"""Choosing between two arrays entry by entry, as NumPy's where does, without a jump an entry."""

import numpy as np

LARGE = 1 << 10  # entries from which on the extra passes pay
WORDS = {4: np.int32, 8: np.int64}  # integers as wide as a value


def select(condition, x, y):
    """``x`` where the condition holds, ``y`` elsewhere: what ``np.where`` gives.

    NumPy's own loop jumps at each entry, and a processor guesses half of such jumps wrong where
    the condition is random, as in relu; so large arrays are masked bit by bit.
    """
    if type(condition) is not np.ndarray or condition.size < LARGE or condition.dtype != bool:
        return np.where(condition, x, y)
    dtype, shapes = np.result_type(x, y), ((), condition.shape)
    if dtype.kind not in "fiu" or dtype.itemsize not in WORDS or \
            getattr(x, "shape", ()) not in shapes or getattr(y, "shape", ()) not in shapes:
        return np.where(condition, x, y)
    return _by_bits(condition.view(np.int8), x, y, dtype, WORDS[dtype.itemsize])


def _by_bits(ones, x, y, dtype, words):
    """The bits of ``x`` where ``ones`` is 1, those of ``y`` where it is 0."""
    bits = [np.asarray(value, dtype).view(words) for value in (x, y)]
    if type(x) is int and x == 0:
        out = np.subtract(ones, 1, dtype=words)  # no bit where x is chosen, else all
        out &= bits[1]
    else:
        out = np.negative(ones, dtype=words)
        if type(y) is int and y == 0:
            out &= bits[0]
        else:
            out &= bits[0] ^ bits[1]
            out ^= bits[1]
    return out.view(dtype)
