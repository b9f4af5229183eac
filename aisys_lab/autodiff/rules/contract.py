"""Rules of matmul, of any rank: vectors become matrices first, batch axes are summed at the end."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.rules.broadcasting import unbroadcast
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


def _matrices(g, a, b):
    """``g a b`` as matrices: a vector ``a`` gets a row axis, a vector ``b`` a column axis."""
    if anp.ndim(a) == 1:
        a, g = anp.expand_dims(a, 0), anp.expand_dims(g, -1 if anp.ndim(b) == 1 else -2)
    if anp.ndim(b) == 1:
        b, g = anp.expand_dims(b, 1), anp.expand_dims(g, -1)
    return g, a, b


def _matmul_left(g, out, a, b):
    if a.ndim == b.ndim == 2:
        return bind("matmul", g, b.T)
    g, a2, b2 = _matrices(g, a, b)
    ga = unbroadcast(g @ anp.swapaxes(b2, -1, -2), a2)
    return ga if a2 is a else anp.reshape(ga, anp.shape(a))


def _matmul_right(g, out, a, b):
    if a.ndim == b.ndim == 2:
        return bind("matmul", a.T, g)
    g, a2, b2 = _matrices(g, a, b)
    gb = unbroadcast(anp.swapaxes(a2, -1, -2) @ g, b2)
    return gb if b2 is b else anp.reshape(gb, anp.shape(b))


VJP.define("matmul", (_matmul_left, _matmul_right))
JVP.define("matmul", (lambda t, out, a, b: t @ b, lambda t, out, a, b: a @ t))
