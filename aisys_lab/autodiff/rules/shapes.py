"""Rules of ops that only move elements: each one's transpose moves them back."""

import functools

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.rules.broadcasting import unbroadcast
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


@functools.cache
def _inverse(axes):
    """The order that undoes this one."""
    return tuple(axes.index(k) for k in range(len(axes)))


VJP.define("reshape", (lambda g, out, x, shape: bind("reshape", g, shape=x.shape),))
JVP.define("reshape", (lambda t, out, x, shape: bind("reshape", t, shape=shape),))
VJP.define("transpose", (lambda g, out, x, axes: bind("transpose", g, axes=_inverse(axes)),))
JVP.define("transpose", (lambda t, out, x, axes: bind("transpose", t, axes=axes),))
VJP.define("broadcast_to", (lambda g, out, x, shape: unbroadcast(g, x),))
JVP.define("broadcast_to", (lambda t, out, x, shape: anp.broadcast_to(t, shape),))
VJP.define("slice", (lambda g, out, x, **at: bind("unslice", g, shape=x.shape, **at),))
JVP.define("slice", (lambda t, out, x, **at: bind("slice", t, **at),))
VJP.define("unslice", (lambda g, out, x, shape, **at: bind("slice", g, **at),))
JVP.define("unslice", (lambda t, out, x, shape, **at: bind("unslice", t, shape=shape, **at),))


def _piece(k):
    def rule(g, out, *xs, axis):
        start, stop = [0] * len(g.shape), list(xs[k].shape)
        start[axis] = sum(x.shape[axis] for x in xs[:k])
        stop[axis] += start[axis]
        return bind("slice", g, start=tuple(start), stop=tuple(stop), step=(1,) * len(start))
    return rule


def _placed(k):
    def rule(t, out, *xs, axis):
        return anp.concatenate([t if i == k else anp.zeros_like(x) for i, x in enumerate(xs)],
                               axis)
    return rule


VJP.define("concatenate", _piece)
JVP.define("concatenate", _placed)
