"""Arithmetic that counts: on data it is written down, on whole numbers of Python it is not.

Python's own whole numbers are indices and sizes. What was loaded from an array, what was made of
it, and every number with a point is data. Integers of arrays are widened to 64 bits, as Numba does.
"""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.counting.arrays import Array, refuse_whole

FLOATS = {float, np.float32, np.float64}
HELD = {np.ndarray, np.bool_, *FLOATS, *(np.dtype(kind).type for kind in "bhilqBHILQ")}
WHOLE_MOST = 1 << 62
VALUES_MOST = 4096


def whole(value):
    """A whole number that 64 bits hold."""
    if -WHOLE_MOST < value < WHOLE_MOST:
        return value
    raise LabError("a whole number does not fit into 64 bits.")


def is_data(value):
    """Whether this is data: a number of an array, a float, or a vector of them."""
    return isinstance(value, float | np.number | np.ndarray)


def ready(x, y):
    """``(x, y, lanes)``: integers of arrays widened; no lanes where neither is data."""
    if type(x) in FLOATS and type(y) in FLOATS:
        return x, y, 1
    if isinstance(x, Array) or isinstance(y, Array):
        refuse_whole()
    lanes = max(np.size(v) if is_data(v) else 0 for v in (x, y))
    if type(x) is np.ndarray or type(y) is np.ndarray:  # a number beside a register is of its dtype
        dtype = (x if type(x) is np.ndarray else y).dtype
        return dtype.type(x), dtype.type(y), lanes
    return widened(x), widened(y), lanes


def widened(value):
    return np.int64(value) if isinstance(value, np.integer) else value


class Arithmetic:
    """The operators, as functions that write on a tally."""

    def __init__(self, tally):
        self.tally = tally

    def add(self, x, y):
        if type(x) is int and type(y) is int:
            return whole(x + y)
        if type(x) is list:  # what += does
            return [*x, *y]
        x, y, lanes = ready(x, y)
        self.tally.additions += lanes
        return x + y if lanes else self.tuple(x + y)

    def subtract(self, x, y):
        if type(x) is int and type(y) is int:
            return whole(x - y)
        x, y, lanes = ready(x, y)
        self.tally.additions += lanes
        return x - y

    def multiply(self, x, y):
        if type(x) is int and type(y) is int:
            return whole(x * y)
        x, y, lanes = ready(x, y)
        self.tally.multiplications += lanes
        for many, times in ((x, y), (y, x)):
            if isinstance(many, tuple):
                few(len(values_in(many)) * times)
        return x * y

    def divide(self, x, y):
        x, y, lanes = ready(x, y)
        self.tally.divisions += lanes
        return np.float64(x) / y if type(x) in (int, float) and type(y) in (int, float) else x / y

    # ---- a product that goes straight into a sum: one multiply-add

    def product_plus(self, x, y, z):
        """``x * y + z``"""
        product = self.product(x, y, z)
        return self.add(self.multiply(x, y), z) if product is None else product + z

    def plus_product(self, z, x, y):
        """``z + x * y``"""
        if type(x) in FLOATS and type(y) in FLOATS and type(z) in FLOATS:  # most of all
            self.tally.fmas += 1
            return z + x * y
        product = self.product(x, y, z)
        return self.add(z, self.multiply(x, y)) if product is None else z + product

    def product_minus(self, x, y, z):
        """``x * y - z``"""
        product = self.product(x, y, z)
        return self.subtract(self.multiply(x, y), z) if product is None else product - z

    def minus_product(self, z, x, y):
        """``z - x * y``"""
        product = self.product(x, y, z)
        return self.subtract(z, self.multiply(x, y)) if product is None else z - product

    def product(self, x, y, z):
        """The product of data, counted as part of a multiply-add; None of whole numbers."""
        if type(x) is int and type(y) is int:
            return None
        x, y, lanes = ready(x, y)
        if not lanes or isinstance(z, Array | tuple):
            return None
        self.tally.fmas += max(lanes, np.size(z)) if type(z) is np.ndarray else lanes
        return x * y

    # ---- the rest: one operation a lane

    def other(self, function, *values):
        """A function of data, counted where it is given data."""
        if any(isinstance(v, Array) for v in values):
            refuse_whole()
        self.tally.others += max((np.size(v) for v in values if is_data(v)), default=0)
        return function(*values)

    def compare(self, function, x, y):
        """``x < y`` and its like."""
        if type(x) is int and type(y) is int:
            return function(x, y)
        return self.other(function, x, y) if is_data(x) or is_data(y) else function(x, y)

    # ---- what a function makes and holds

    def tuple(self, value):
        """A tuple that the text makes, which must not grow without bound, also in its parts."""
        values_in((value,))
        return value

    def leave(self, value, names):
        """The end of a function: how many numbers of data its names hold is written down."""
        self.tally.held = max(self.tally.held, numbers_in(names.values()))
        return value

    def named(self, name, value):
        """Gives an array that the text makes the name that it has there, the last one."""
        if type(value) is Array and not value.block.given:
            value.block.name = name
        return value


def values_in(values):
    """All values, those of tuples among them, in one list."""
    found = list(values)
    for value in found:
        if type(value) is tuple:
            found += value
        few(len(found))
    return found


def few(count):
    """A sentence where there are too many values."""
    if count > VALUES_MOST:
        raise LabError(f"more than {VALUES_MOST} values are held in names and tuples.")


def numbers_in(values):
    """How many registers values need: one for a number or a vector of data, also in tuples."""
    return sum(type(value) in HELD for value in values_in(values))
