"""Rules of linear algebra, written as products of matrices, batch axes leading.

Sources: M. Giles, «Collected matrix derivative results for forward and reverse mode algorithmic
differentiation», 2008, doi:10.1007/978-3-540-68942-3_4 (inv, solve, det, eigh, cholesky);
M. Seeger et al., «Auto-differentiating linear algebra», 2017, arXiv:1710.08717 (cholesky, qr,
svd); G. Golub and V. Pereyra, «The differentiation of pseudo-inverses…», 1973,
doi:10.1137/0710036.

``cholesky`` and ``eigh`` stand for functions of symmetric matrices: they read the lower triangle
as NumPy does, their gradients come out symmetric, and of a tangent the symmetric part counts.
Eigenvectors have no derivative where eigenvalues repeat, nor have singular vectors; the terms that
would be infinite count as zero there, so that functions of the values alone keep theirs.
"""

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.rules.broadcasting import unbroadcast
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


def _t(a):
    """Transposed matrices."""
    return anp.swapaxes(a, -1, -2)


def _inv(a):
    return bind("inv", a)


def _solve(a, b):
    return bind("solve", a, b)


def _divide(b, a):
    """``b`` times the inverse of ``a``."""
    return _t(_solve(_t(a), _t(b)))


def _wide(number):
    """A number a matrix, shaped to multiply the matrices."""
    return anp.reshape(number, (*anp.shape(number), 1, 1))


def _row(v):
    """Vectors as rows: ``a * _row(v)`` scales columns."""
    return anp.expand_dims(v, -2)


def _column(v):
    """Vectors as columns: ``a * _column(v)`` scales rows."""
    return anp.expand_dims(v, -1)


def _eye(a):
    return np.eye(anp.shape(a)[-1], dtype=a.dtype)


def _diagonal(a):
    """The diagonals of square matrices."""
    return anp.sum(a * _eye(a), -1)


def _lower(a, k=0):
    """The lower triangle, up to diagonal ``k``."""
    return a * np.tri(anp.shape(a)[-1], k=k, dtype=a.dtype)


def _symmetric(a):
    return (a + _t(a)) / 2


def _inner(a, b):
    """The sum of products of entries, a number a matrix."""
    return anp.sum(a * b, (-2, -1))


# inverse, systems, determinants
VJP.define("inv", (lambda g, out, a: -_t(out) @ g @ _t(out),))
JVP.define("inv", (lambda t, out, a: -out @ t @ out,))
VJP.define("solve", (lambda g, out, a, b: unbroadcast(-_solve(_t(a), g) @ _t(out), a),
                     lambda g, out, a, b: unbroadcast(_solve(_t(a), g), b)))
JVP.define("solve", (lambda t, out, a, b: -_solve(a, t @ out),
                     lambda t, out, a, b: _solve(a, t)))
VJP.define("det", (lambda g, out, a: _wide(g) * bind("cofactor", a),))
JVP.define("det", (lambda t, out, a: _inner(bind("cofactor", a), t),))


def _cofactor(g, out, a):
    """The second derivative of det, which is symmetric: its own transpose."""
    inverse = _t(_inv(a))
    return _wide(_inner(inverse, g)) * out - out @ _t(g) @ inverse


VJP.define("cofactor", (_cofactor,))
JVP.define("cofactor", (_cofactor,))
VJP.define("slogdet", (lambda g, out, a: _wide(g[1]) * _t(_inv(a)),))
JVP.define("slogdet", (lambda t, out, a: (anp.zeros_like(out[0]), _inner(_t(_inv(a)), t)),))


# cholesky: a = low low^T
def _half(a):
    """The lower triangle with half of the diagonal."""
    return _lower(a) - a * _eye(a) / 2


VJP.define("cholesky", (lambda g, low, a: _symmetric(
    _divide(_solve(_t(low), _half(_t(low) @ g)), low)),))
JVP.define("cholesky", (lambda t, low, a: low @ _half(
    _solve(low, _t(_solve(low, _symmetric(t))))),))


# eigh: a = v diag(w) v^T
def _gaps(w):
    """1 / (w[j] - w[i]), and 0 where that is no number."""
    gap = _row(w) - _column(w)
    same = anp.equal(gap, 0)
    return anp.where(same, 0, 1 / anp.where(same, 1, gap))


def _eigh_vjp(g, out, a):
    (gw, gv), (w, v) = g, out
    middle = _eye(v) * _row(gw) + _gaps(w) * (_t(v) @ gv)
    return _symmetric(v @ middle @ _t(v))


def _eigh_jvp(t, out, a):
    w, v = out
    turned = _t(v) @ _symmetric(t) @ v
    return _diagonal(turned), v @ (_gaps(w) * turned)


VJP.define("eigh", (_eigh_vjp,))
JVP.define("eigh", (_eigh_jvp,))


# svd, thin: a = u diag(s) vt
def _inverse(s):
    """1 / s, and 0 where s is 0."""
    return anp.where(anp.equal(s, 0), 0, 1 / anp.where(anp.equal(s, 0), 1, s))


def _svd_vjp(g, out, a):
    (gu, gs, gvt), (u, s, vt) = g, out
    gaps, uu, vv = _gaps(s * s), _t(u) @ gu, vt @ _t(gvt)
    middle = (gaps * (uu - _t(uu)) * _row(s) + _column(s) * gaps * (vv - _t(vv))
              + _eye(uu) * _row(gs))
    ga = u @ middle @ vt
    (rows, columns), least = anp.shape(a)[-2:], anp.shape(s)[-1]
    if rows > least:
        ga = ga + (gu - u @ uu) * _row(_inverse(s)) @ vt
    if columns > least:
        ga = ga + u * _row(_inverse(s)) @ (gvt - _t(vv) @ vt)
    return ga


def _svd_jvp(t, out, a):
    u, s, vt = out
    gaps, turned = _gaps(s * s), _t(u) @ t @ _t(vt)
    du = u @ (gaps * (turned * _row(s) + _column(s) * _t(turned)))
    dvt = _t(gaps * (_column(s) * turned + _t(turned) * _row(s))) @ vt
    (rows, columns), least = anp.shape(a)[-2:], anp.shape(s)[-1]
    if rows > least:
        du = du + (t @ _t(vt) - u @ turned) * _row(_inverse(s))
    if columns > least:
        dvt = dvt + _column(_inverse(s)) * (_t(u) @ t - turned @ vt)
    return du, _diagonal(turned), dvt


VJP.define("svd", (_svd_vjp,))
JVP.define("svd", (_svd_jvp,))


# qr of at least as many rows as columns: a = q r
def _qr_vjp(g, out, a):
    (gq, gr), (q, r) = g, out
    lower = _half(r @ _t(gr) - _t(gq) @ q)
    return _divide(gq + q @ (lower + _t(lower)), _t(r))


def _qr_jvp(t, out, a):
    q, r = out
    x = _divide(t, r)
    inside = _t(q) @ x
    turn = _lower(inside, -1) - _t(_lower(inside, -1))
    return q @ turn + x - q @ inside, (inside - turn) @ r


VJP.define("qr", (_qr_vjp,))
JVP.define("qr", (_qr_jvp,))


# pseudo-inverse, where the rank does not change
def _pinv_vjp(g, p, a, rtol=None):
    gt, pt = _t(g), _t(p)
    return (-pt @ g @ pt + (gt - a @ (p @ gt)) @ p @ pt
            + pt @ p @ (gt - (gt @ p) @ a))


def _pinv_jvp(t, p, a, rtol=None):
    tt, pt = _t(t), _t(p)
    return (-p @ t @ p + p @ pt @ (tt - (tt @ a) @ p)
            + (tt - p @ (a @ tt)) @ pt @ p)


VJP.define("pinv", (_pinv_vjp,))
JVP.define("pinv", (_pinv_jvp,))
