"""Rules of running sums and products, right also where a factor is zero."""

import functools

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.numpy.creation import fixed
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


def _shift(x, steps, axis, fill, reverse):
    """``x`` moved on by ``steps`` (back, in reverse); what comes in is ``fill``."""
    pieces = anp.split(x, [x.shape[axis] - steps if not reverse else steps], axis)
    kept, gone = pieces if not reverse else pieces[::-1]
    new = anp.full_like(fixed(gone), fill)
    return anp.concatenate([kept, new] if reverse else [new, kept], axis)


def _recurrence(a, b, axis, reverse=False):
    """y with y[i] = a[i] y[i-1] + b[i], from the end in reverse: in log2(n) doubling steps."""
    steps, n = 1, b.shape[axis]
    while steps < n:
        b = b + a * _shift(b, steps, axis, 0, reverse)
        a = a * _shift(a, steps, axis, 1, reverse)
        steps *= 2
    return b


def _before(x, axis, reverse=False):
    """The product of all elements before each one (after it, in reverse)."""
    return bind("cumprod", _shift(x, 1, axis, 1, reverse), axis=axis, reverse=reverse)


def _one(x, axis):
    """``x`` with the axes of a product merged to one, the last; and what puts them back."""
    kept = [i for i in range(anp.ndim(x)) if i not in axis]
    order = kept + list(axis)
    flat = anp.reshape(anp.transpose(x, order), [*(x.shape[i] for i in kept), -1])
    sizes, back = [x.shape[i] for i in order], sorted(range(len(order)), key=order.__getitem__)
    return flat, lambda y: anp.transpose(anp.reshape(y, sizes), back)


def _others(x, axis):
    """For each element the product of all the others that ``prod`` joins with it."""
    if not axis or not all(x.shape):
        return anp.ones_like(x)
    flat, back = _one(x, axis)
    last = anp.ndim(flat) - 1
    return back(_before(flat, last) * _before(flat, last, reverse=True))


def _prod_up(g, out, x, axis, keepdims):
    kept = [1 if i in axis else n for i, n in enumerate(x.shape)]
    return anp.reshape(g, kept) * _others(x, axis)


def _cumprod_up(g, out, x, axis, reverse=False):
    after = _shift(x, 1, axis, 1, not reverse) if x.shape[axis] else x
    return _before(x, axis, reverse) * _recurrence(after, g, axis, not reverse)


def _cumprod_down(t, out, x, axis, reverse=False):
    return _recurrence(x, _before(x, axis, reverse) * t, axis, reverse)


def _whole(rule):
    """The rule, but zeros where there are no elements."""
    @functools.wraps(rule)
    def careful(g, out, x, **attrs):
        return rule(g, out, x, **attrs) if all(x.shape) else anp.zeros_like(x)
    return careful


VJP.define("prod", (_prod_up,))
JVP.define("prod", (lambda t, out, x, axis, keepdims:
                    anp.sum(t * _others(x, axis), axis, keepdims),))
VJP.define("cumsum", (lambda g, out, x, axis, reverse=False:
                      bind("cumsum", g, axis=axis, reverse=not reverse),))
JVP.define("cumsum", (lambda t, out, x, axis, reverse=False:
                      bind("cumsum", t, axis=axis, reverse=reverse),))
VJP.define("cumprod", (_whole(_cumprod_up),))
JVP.define("cumprod", (_whole(_cumprod_down),))
for _op in ("argmax", "argmin", "argsort", "size"):
    VJP.define(_op, None)
    JVP.define(_op, None)
