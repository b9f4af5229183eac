"""Arrays beside one another: the first number that differs, in a sentence."""

import numpy as np

from aisys_lab.exercises.declare import Case, brief


def alike(given, want, came, atol=0.0):
    """The case that ``came`` is the array ``want``: its shape, its dtype, its numbers to ``atol``.
    """
    expected = f"{given}: expected"
    if not isinstance(came, np.ndarray):
        return Case(False, f"{expected} an array {named(want)}, came {brief(came)}")
    if came.shape != want.shape or came.dtype != want.dtype:
        return Case(False, f"{expected} {named(want)}, came {named(came)}")
    with np.errstate(all="ignore"):
        wrong = ~(np.abs(came.astype(float) - want) <= atol)
    if not wrong.any():
        return Case(True, f"{expected} {named(want)}")
    at = tuple(map(int, np.argwhere(wrong)[0]))
    return Case(False, f"{expected} {want[at]:.9g} at {list(at)}, came {came[at]:.9g}; "
                       f"{int(wrong.sum())} of {want.size} numbers are wrong")


def named(x):
    """``float32[2, 3]``"""
    return f"{x.dtype}{list(x.shape)}"
