"""NumPy as kernels use it: arrays that it makes are counting ones; types and constants are its own.

A kernel moves whole arrays by few functions, which have a row here. Any other function of NumPy's
works on plain values, and says so if it is given a counting array.
"""

import math

import numpy as np

from aisys_lab.kernels.counting.arrays import Array, counting_array, new_array

UNARY = ("abs", "ceil", "cos", "exp", "exp2", "expm1", "fabs", "floor", "log", "log1p", "log2",
         "rint", "sin", "sqrt", "tanh", "trunc")
BINARY = ("maximum", "minimum", "fmax", "fmin", "copysign", "power")
MATH = ("ceil", "cos", "erf", "exp", "fabs", "floor", "log", "sin", "sqrt", "tanh", "copysign",
        "inf", "nan", "pi", "e")
TYPES = ("float32", "float64", "int8", "uint8", "int16", "int32", "int64", "uint64", "intp",
         "bool_", "dtype", "newaxis", "inf", "nan", "pi")


class Numpy:
    """``np`` of a counted module."""

    ndarray = Array

    def __init__(self, machine):
        self.tally, self.other = machine.tally, machine.arithmetic.other
        for name in UNARY + BINARY:
            setattr(self, name, counted(self.other, getattr(np, name)))

    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, shape, dtype=np.float64, order="C"):
        return new_array(self.tally, shape, dtype, order=order)

    def full(self, shape, value, dtype=np.float64):
        out = self.empty(shape, dtype)
        out[...] = value
        return out

    def zeros(self, shape, dtype=np.float64):
        return self.full(shape, 0, dtype)

    def ones(self, shape, dtype=np.float64):
        return self.full(shape, 1, dtype)

    def empty_like(self, x, dtype=None):
        return self.empty(x.shape, dtype or x.dtype)

    def zeros_like(self, x, dtype=None):
        return self.zeros(x.shape, dtype or x.dtype)

    def array(self, values, dtype=None):
        if isinstance(values, Array):
            return values.astype(dtype or values.dtype)
        return counting_array(self.tally, np.array(values, dtype), "")

    def asarray(self, x, dtype=None):
        return x.astype(dtype or x.dtype, copy=False) if isinstance(x, Array) else \
            self.array(x, dtype)

    def ascontiguousarray(self, x):
        return x if x.flags.c_contiguous else x.copy()

    def broadcast_to(self, x, shape):
        return Array(x.block, np.broadcast_to(x.grid, shape))

    def moveaxis(self, x, source, target):
        return Array(x.block, np.moveaxis(x.grid, source, target))

    def expand_dims(self, x, axis):
        return Array(x.block, np.expand_dims(x.grid, axis))

    def shares_memory(self, x, y):
        return x.block is y.block

    def max(self, x):
        return x.max()

    def min(self, x):
        return x.min()

    def sum(self, x):
        return x.sum()


def counted(other, function):
    """A function of numbers or registers, one operation a lane."""
    return lambda *values: other(function, *values)


def math_of(machine):
    """``math`` of a counted module: what students may use of it."""
    return {name: getattr(math, name) if isinstance(getattr(math, name), float) else
            counted(machine.arithmetic.other, getattr(math, name)) for name in MATH}
