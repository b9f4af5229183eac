"""Rules of elementwise ops: the gradient, or the tangent, times a slope."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.rules.broadcasting import unbroadcast
from aisys_lab.autodiff.tensor import JVP, VJP, is_float


def _both(op, left, right):
    """A binary op: local slopes of both sides give the vjp (summed down) and the jvp."""
    VJP.define(op, (lambda g, out, x, y: unbroadcast(left(g, out, x, y), x),
                    lambda g, out, x, y: unbroadcast(right(g, out, x, y), y)))
    JVP.define(op, (left, right))


def _unary(op, slope):
    """A unary op: multiplying by the slope is its own transpose."""
    VJP.define(op, (slope,))
    JVP.define(op, (slope,))


# unary: g times the slope
_unary("neg", lambda g, out, x: -g)
_unary("exp", lambda g, out, x: g * out)
_unary("log", lambda g, out, x: g / x)
_unary("sqrt", lambda g, out, x: g / (2 * out))
_unary("tanh", lambda g, out, x: g * (1 - out * out))
_unary("sin", lambda g, out, x: g * anp.cos(x))
_unary("cos", lambda g, out, x: -g * anp.sin(x))
_unary("abs", lambda g, out, x: g * anp.sign(x))

# binary: at a tie of maximum and minimum each side gets half
_both("add", lambda g, out, x, y: g, lambda g, out, x, y: g)
_both("sub", lambda g, out, x, y: g, lambda g, out, x, y: -g)
_both("mul", lambda g, out, x, y: g * y, lambda g, out, x, y: g * x)
_both("div", lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y)
_both("pow", lambda g, out, x, y: g * y * x ** _less_one(y),
      lambda g, out, x, y: g * out * anp.log(anp.where(anp.equal(x, 0), 1, x)))
_both("maximum", lambda g, out, x, y: g * _share(x, out, y),
      lambda g, out, x, y: g * _share(y, out, x))
_both("minimum", lambda g, out, x, y: g * _share(x, out, y),
      lambda g, out, x, y: g * _share(y, out, x))


def _less_one(y):
    """y - 1, but 1 for y = 0, where the slope y x**(y - 1) is 0 at x = 0 too."""
    if isinstance(y, int | float):
        return y - 1 if y else 1
    return anp.where(anp.equal(y, 0), 1, y - 1)


def _share(x, out, other):
    """1 where x was chosen, 1/2 where both were, 0 elsewhere."""
    chosen = anp.astype(anp.equal(x, out), out.dtype)
    return chosen / (chosen + anp.astype(anp.equal(other, out), out.dtype))


# steps and comparisons: zero slope wherever there is one
for _op in ("sign", "floor", "rint", "eq", "ne", "lt", "le", "gt", "ge", "logical_and",
            "logical_or", "logical_not", "argmax"):
    VJP.define(_op, None)
    JVP.define(_op, None)

VJP.define("where", (None, lambda g, out, c, x, y: unbroadcast(anp.where(c, g, 0), x),
                     lambda g, out, c, x, y: unbroadcast(anp.where(c, 0, g), y)))
JVP.define("where", (None, lambda t, out, c, x, y: anp.where(c, t, 0),
                     lambda t, out, c, x, y: anp.where(c, 0, t)))
VJP.define("cast", (lambda g, out, x, dtype: anp.astype(g, x.dtype)
                    if is_float(x) and is_float(out) else anp.zeros_like(x),))
JVP.define("cast", (lambda t, out, x, dtype: anp.astype(t, out.dtype)
                    if is_float(out) else anp.zeros_like(out),))
