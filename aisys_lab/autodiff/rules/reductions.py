"""Rules of reductions: a gradient spreads over what was summed."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


def _spread(g, x, axis, keepdims):
    """``g`` with the reduced axes back, at the shape of ``x``."""
    shape = x.shape
    if not keepdims and g.shape:
        g = anp.reshape(g, tuple(1 if i in axis else n for i, n in enumerate(shape)))
    return bind("broadcast_to", g, shape=shape)


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
