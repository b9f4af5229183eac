"""The derivative rules and nothing else: one row an op in VJP, one in JVP.

``g`` is the incoming gradient, ``t`` a tangent, ``out`` the result of the op. A rule is written
in the namespace's own operations, so that it can be traced and differentiated again.
"""

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import JVP, VJP, is_float
from aisys_lab.ir import bind


def unbroadcast(g, x):
    """Sums ``g`` down to the shape of ``x``: the transpose of broadcasting."""
    target, extra = anp.shape(x), anp.ndim(g) - anp.ndim(x)
    if anp.shape(g) == target:
        return g
    g = anp.sum(g, tuple(range(extra))) if extra else g
    wide = tuple(i for i, n in enumerate(target) if n == 1 and anp.shape(g)[i] != 1)
    return anp.sum(g, wide, keepdims=True) if wide else g


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


# reductions
def _spread(g, x, axis, keepdims):
    """``g`` with the reduced axes back, at the shape of ``x``."""
    kept = tuple(1 if i in axis else n for i, n in enumerate(anp.shape(x)))
    return anp.broadcast_to(g if keepdims else anp.reshape(g, kept), anp.shape(x))


def _winners(out, x, axis, keepdims):
    """Equal shares for the entries that are the extreme one."""
    hit = anp.astype(anp.equal(x, _spread(out, x, axis, keepdims)), x.dtype)
    return hit / anp.sum(hit, axis, keepdims=True)


VJP.define("sum", (lambda g, out, x, axis, keepdims: _spread(g, x, axis, keepdims),))
JVP.define("sum", (lambda t, out, x, axis, keepdims: anp.sum(t, axis, keepdims),))
for _op in ("max", "min"):
    VJP.define(_op, (lambda g, out, x, axis, keepdims:
                     _spread(g, x, axis, keepdims) * _winners(out, x, axis, keepdims),))
    JVP.define(_op, (lambda t, out, x, axis, keepdims:
                     anp.sum(t * _winners(out, x, axis, keepdims), axis, keepdims),))


# matmul of any rank: vectors become matrices first, batch axes are summed down at the end
def _matrices(g, a, b):
    """``g a b`` as matrices: a vector ``a`` gets a row axis, a vector ``b`` a column axis."""
    if anp.ndim(a) == 1:
        a, g = anp.expand_dims(a, 0), anp.expand_dims(g, -1 if anp.ndim(b) == 1 else -2)
    if anp.ndim(b) == 1:
        b, g = anp.expand_dims(b, 1), anp.expand_dims(g, -1)
    return g, a, b


def _matmul_left(g, out, a, b):
    g, a2, b2 = _matrices(g, a, b)
    ga = unbroadcast(g @ anp.swapaxes(b2, -1, -2), a2)
    return ga if a2 is a else anp.reshape(ga, anp.shape(a))


def _matmul_right(g, out, a, b):
    g, a2, b2 = _matrices(g, a, b)
    gb = unbroadcast(anp.swapaxes(a2, -1, -2) @ g, b2)
    return gb if b2 is b else anp.reshape(gb, anp.shape(b))


VJP.define("matmul", (_matmul_left, _matmul_right))
JVP.define("matmul", (lambda t, out, a, b: t @ b, lambda t, out, a, b: a @ t))


# shape
VJP.define("reshape", (lambda g, out, x, shape: anp.reshape(g, anp.shape(x)),))
JVP.define("reshape", (lambda t, out, x, shape: anp.reshape(t, shape),))
VJP.define("transpose", (lambda g, out, x, axes: anp.transpose(g, np.argsort(axes)),))
JVP.define("transpose", (lambda t, out, x, axes: anp.transpose(t, axes),))
VJP.define("broadcast_to", (lambda g, out, x, shape: unbroadcast(g, x),))
JVP.define("broadcast_to", (lambda t, out, x, shape: anp.broadcast_to(t, shape),))
VJP.define("slice", (lambda g, out, x, **at: bind("unslice", g, shape=anp.shape(x), **at),))
JVP.define("slice", (lambda t, out, x, **at: bind("slice", t, **at),))
VJP.define("unslice", (lambda g, out, x, shape, **at: bind("slice", g, **at),))
JVP.define("unslice", (lambda t, out, x, shape, **at: bind("unslice", t, shape=shape, **at),))


def _piece(k):
    def rule(g, out, *xs, axis):
        start = sum(anp.shape(x)[axis] for x in xs[:k])
        at = [slice(None)] * anp.ndim(g)
        at[axis] = slice(start, start + anp.shape(xs[k])[axis])
        return anp.getitem(g, tuple(at))
    return rule


def _placed(k):
    def rule(t, out, *xs, axis):
        return anp.concatenate([t if i == k else anp.zeros_like(x) for i, x in enumerate(xs)],
                               axis)
    return rule


VJP.define("concatenate", _piece)
JVP.define("concatenate", _placed)
