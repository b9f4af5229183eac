"""Rules of elementwise ops: the gradient, or the tangent, times a slope."""

import math

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import JVP, VJP, is_float
from aisys_lab.ir import bind


def _both(op, left, right):
    """A binary op: the slopes of both sides; the engine sums a gradient down to its input."""
    VJP.define(op, (left, right))
    JVP.define(op, (left, right))


def _unary(op, slope):
    """A unary op: multiplying by the slope is its own transpose."""
    VJP.define(op, (slope,))
    JVP.define(op, (slope,))


# unary: g times the slope
_unary("neg", lambda g, out, x: -g)
_unary("exp", lambda g, out, x: g * out)
_unary("expm1", lambda g, out, x: g * (out + 1))
_unary("exp2", lambda g, out, x: g * out * math.log(2))
_unary("log", lambda g, out, x: g / x)
_unary("log1p", lambda g, out, x: g / (1 + x))
_unary("log2", lambda g, out, x: g / (x * math.log(2)))
_unary("log10", lambda g, out, x: g / (x * math.log(10)))
_unary("sqrt", lambda g, out, x: g / (2 * out))
_unary("cbrt", lambda g, out, x: g / (3 * out * out))
_unary("abs", lambda g, out, x: g * anp.sign(x))
_unary("sin", lambda g, out, x: g * anp.cos(x))
_unary("cos", lambda g, out, x: -g * anp.sin(x))
_unary("tan", lambda g, out, x: g * (1 + out * out))
_unary("arcsin", lambda g, out, x: g / anp.sqrt(1 - x * x))
_unary("arccos", lambda g, out, x: -g / anp.sqrt(1 - x * x))
_unary("arctan", lambda g, out, x: g / (1 + x * x))
_unary("sinh", lambda g, out, x: g * anp.cosh(x))
_unary("cosh", lambda g, out, x: g * anp.sinh(x))
_unary("tanh", lambda g, out, x: g * (1 - out * out))
_unary("arcsinh", lambda g, out, x: g / anp.sqrt(x * x + 1))
_unary("arccosh", lambda g, out, x: g / anp.sqrt(x * x - 1))
_unary("arctanh", lambda g, out, x: g / (1 - x * x))
_unary("erf", lambda g, out, x: g * (2 / math.sqrt(math.pi)) * anp.exp(-x * x))
_unary("sigmoid", lambda g, out, x: g * out * (1 - out))

# binary: at a tie of maximum and minimum each side gets half
_both("add", lambda g, out, x, y: g, lambda g, out, x, y: g)
_both("sub", lambda g, out, x, y: g, lambda g, out, x, y: -g)
_both("mul", lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
_both("div", lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y)
_both("pow", lambda g, out, x, y: g * y * x ** _less_one(y),
      lambda g, out, x, y: g * out * anp.log(anp.where(anp.equal(x, 0), 1, x)))
_both("maximum", lambda g, out, x, y: _larger(g, x, y), lambda g, out, x, y: _larger(g, y, x))
_both("minimum", lambda g, out, x, y: _larger(g, y, x), lambda g, out, x, y: _larger(g, x, y))
_both("mod", lambda g, out, x, y: g, lambda g, out, x, y: -g * (x // y))
_both("hypot", lambda g, out, x, y: g * x / out, lambda g, out, x, y: g * y / out)
_both("logaddexp", lambda g, out, x, y: g * anp.sigmoid(x - y),
      lambda g, out, x, y: g * anp.sigmoid(y - x))
_both("arctan2", lambda g, out, x, y: g * y / (x * x + y * y),
      lambda g, out, x, y: -g * x / (x * x + y * y))


def _less_one(y):
    """y - 1, but 1 for y = 0, where the slope y x**(y - 1) is 0 at x = 0 too."""
    if isinstance(y, int | float):
        return y - 1 if y else 1
    return anp.where(anp.equal(y, 0), 1, y - 1)


def _larger(g, x, y):
    """``g`` where x > y, half of it where they are equal, 0 elsewhere."""
    return bind("where", x > y, g, bind("where", x < y, 0, g * 0.5))


# steps and comparisons: zero slope wherever there is one
for _op in ("sign", "floor", "ceil", "trunc", "rint", "floor_div", "eq", "ne", "lt", "le", "gt",
            "ge", "logical_and", "logical_or", "logical_not", "stop_gradient"):
    VJP.define(_op, None)
    JVP.define(_op, None)

VJP.define("where", (None, lambda g, out, c, x, y: bind("where", c, g, 0),
                     lambda g, out, c, x, y: bind("where", c, 0, g)))
JVP.define("where", (None, lambda t, out, c, x, y: bind("where", c, t, 0),
                     lambda t, out, c, x, y: bind("where", c, 0, t)))
VJP.define("cast", (lambda g, out, x, dtype: anp.astype(g, x.dtype)
                    if is_float(x) and is_float(out) else anp.zeros_like(x),))
JVP.define("cast", (lambda t, out, x, dtype: anp.astype(t, out.dtype)
                    if is_float(out) else anp.zeros_like(out),))
