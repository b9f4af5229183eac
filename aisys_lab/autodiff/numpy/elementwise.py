"""Functions of one element, or of one element of each argument."""


from aisys_lab.autodiff.numpy.base import as_input
from aisys_lab.ir import bind, short
from aisys_lab.ir.spec import dtype_of


def _elementwise(op):
    def function(*inputs):
        return bind(op, *map(as_input, inputs))
    function.__name__, function.__doc__ = op, f"Elementwise {op}, as NumPy broadcasts it."
    return function


negative = _elementwise("neg")
exp, log, sqrt, tanh, sin, cos = map(_elementwise, ("exp", "log", "sqrt", "tanh", "sin", "cos"))
abs, sign, floor, rint = map(_elementwise, ("abs", "sign", "floor", "rint"))
add, subtract, multiply = map(_elementwise, ("add", "sub", "mul"))
divide, power = map(_elementwise, ("div", "pow"))
maximum, minimum = map(_elementwise, ("maximum", "minimum"))
equal, not_equal, less = map(_elementwise, ("eq", "ne", "lt"))
less_equal, greater, greater_equal = map(_elementwise, ("le", "gt", "ge"))
logical_and, logical_or = map(_elementwise, ("logical_and", "logical_or"))
logical_not, where = map(_elementwise, ("logical_not", "where"))
absolute, true_divide = abs, divide


def square(x):
    return x * x


def astype(x, dtype):
    return bind("cast", as_input(x), dtype=short(dtype_of(dtype)))


def clip(x, low, high):
    return minimum(maximum(x, low), high)
