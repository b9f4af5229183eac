"""Functions of one element, or of one element of each argument."""

import math

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import bind, short, spec_of
from aisys_lab.ir.spec import dtype_of


def _of_one(op):
    def function(x):
        if type(x) is Tensor:  # straight to its mode
            return x.mode.bind(op, (x,), {})
        return bind(op, as_input(x))
    function.__name__, function.__doc__ = op, f"Elementwise {op}: an array of the shape of x."
    return function


def _of_two(op):
    def function(x, y):
        return bind(op, as_input(x), as_input(y))
    function.__name__, function.__doc__ = op, f"Elementwise {op}, as NumPy broadcasts x and y."
    return function


negative, abs, sign = map(_of_one, ("neg", "abs", "sign"))
exp, expm1, exp2, log, log1p, log2, log10, sqrt, cbrt, erf, sigmoid = map(_of_one, (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "erf", "sigmoid"))
sin, cos, tan, arcsin, arccos, arctan = map(_of_one, (
    "sin", "cos", "tan", "arcsin", "arccos", "arctan"))
sinh, cosh, tanh, arcsinh, arccosh, arctanh = map(_of_one, (
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"))
floor, ceil, trunc, rint, logical_not = map(_of_one, (
    "floor", "ceil", "trunc", "rint", "logical_not"))
add, subtract, multiply, divide, power = map(_of_two, ("add", "sub", "mul", "div", "pow"))
remainder, floor_divide, maximum, minimum = map(_of_two, (
    "mod", "floor_div", "maximum", "minimum"))
arctan2, hypot, logaddexp = map(_of_two, ("arctan2", "hypot", "logaddexp"))
equal, not_equal, less = map(_of_two, ("eq", "ne", "lt"))
less_equal, greater, greater_equal = map(_of_two, ("le", "gt", "ge"))
logical_and, logical_or = map(_of_two, ("logical_and", "logical_or"))
absolute = fabs = abs
true_divide, mod, pow, fix = divide, remainder, power, trunc
asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
asinh, acosh, atanh = arcsinh, arccosh, arctanh


def where(condition, x=None, y=None):
    """``x`` where the condition holds, else ``y``; with the condition alone, the places (a tuple
    of arrays of whole numbers, as ``nonzero`` gives them)."""
    if x is None and y is None:
        from aisys_lab.autodiff.numpy.indexing import nonzero
        return nonzero(condition)
    if x is None or y is None:
        raise LabError("where takes the condition alone, or both x and y.")
    return bind("where", as_input(condition), as_input(x), as_input(y))


def astype(x, dtype):
    """The array in another dtype; the gradient comes back in the old one."""
    return bind("cast", as_input(x), dtype=short(dtype_of(dtype)))


def as_float(x):
    """The dtype of x, or float64 where that is no float."""
    dtype = spec_of(x).dtype
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def positive(x):
    """``+x``: x itself."""
    return as_input(x)


def square(x):
    """``x * x``."""
    x = as_input(x)
    return x * x


def reciprocal(x):
    """1 / x, for floats."""
    return 1 / as_input(x)


def divmod(x, y):
    """``(x // y, x % y)``."""
    return floor_divide(x, y), remainder(x, y)


def float_power(x, y):
    """``x ** y`` in float64."""
    return power(astype(x, np.float64), y)


def ldexp(x, exponent):
    """``x * 2**exponent``."""
    return multiply(x, exp2(astype(exponent, as_float(x))))


def copysign(x, y):
    """|x| with the sign of y, that of zero too."""
    return where(less(arctan2(y, -1.0), 0), negative(abs(x)), abs(x))


def logaddexp2(x, y):
    """log2(2**x + 2**y), without overflow."""
    return logaddexp(multiply(x, math.log(2)), multiply(y, math.log(2))) / math.log(2)


def fmod(x, y):
    """The remainder with the sign of x, as in C."""
    x, y = as_input(x), as_input(y).__abs__()  # a number of Python stays one
    return where(less(x, 0), negative(mod(0 - x, y)), mod(x, y))


def clip(x, a_min=None, a_max=None):
    """``x`` kept between two bounds (None: no bound). At a bound, half the slope goes each way."""
    x = as_input(x) if a_min is None else maximum(x, a_min)
    return x if a_max is None else minimum(x, a_max)


def round(x, decimals=0):
    """To the nearest, ties to even."""
    if not decimals:
        return as_input(x) if spec_of(x).dtype.kind in "iu" else rint(x)
    return rint(x * 10.0 ** decimals) / 10.0 ** decimals


around = round


# ---- angles

def deg2rad(x):
    """Degrees as radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return multiply(x, 180 / math.pi)


radians, degrees = deg2rad, rad2deg


def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0; near 0 by its series, so that derivatives are right there."""
    y = multiply(x, math.pi)
    near = less(abs(y), 0.01)
    far, z = where(near, 1.0, y), where(near, square(y), 0.0)
    return where(near, 1 - z / 6 * (1 - z / 20 * (1 - z / 42)), sin(far) / far)


# ---- what is NaN, infinite, close

def isnan(x):
    """True where x is not a number."""
    x = as_input(x)
    return not_equal(x, x)


def isinf(x):
    """True where x is an infinity."""
    return equal(abs(x), math.inf)


def isfinite(x):
    """True where x is a number and no infinity."""
    return less(abs(x), math.inf)


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """NaN becomes ``nan``; infinities the given numbers (None: the largest of the dtype)."""
    x = as_input(x)
    if spec_of(x).dtype.kind != "f":
        return x
    most = np.finfo(as_float(x)).max.item()
    x = where(isnan(x), nan, x)
    x = where(equal(x, math.inf), most if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -most if neginf is None else neginf, x)


def fmax(x, y):
    """The larger, or the one that is not NaN."""
    return where(isnan(x), y, where(isnan(y), x, maximum(x, y)))


def fmin(x, y):
    """The smaller, or the one that is not NaN."""
    return where(isnan(x), y, where(isnan(y), x, minimum(x, y)))


def logical_xor(x, y):
    """True where one of the two is not zero, but not both."""
    return not_equal(not_equal(x, 0), not_equal(y, 0))


def heaviside(x, at_zero):
    """0 below zero, 1 above, and ``at_zero`` at zero."""
    return where(equal(x, 0), at_zero, astype(greater(x, 0), as_float(x)))


def isclose(x, y, rtol=1e-5, atol=1e-8):
    """|x - y| <= atol + rtol |y|, or both the same infinity."""
    near = less_equal(abs(subtract(x, y)), add(atol, multiply(abs(y), rtol)))
    return logical_or(logical_and(near, isfinite(y)), equal(x, y))
