"""Rules of the ops that run in one go: their first derivative in few passes over plain arrays.

For everything further (a derivative of the derivative, forward mode) the parts of the function
have rules of their own.
"""

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.numpy.fused import PARTS
from aisys_lab.autodiff.tensor import JVP, VJP, Joint, Tensor
from aisys_lab.ir.neural import CUBE, ROOT, centred, gelu_tanh, softmax, sum_rows


def _rules(op, pull):
    """``pull(g, out, *inputs, **attrs)`` gives all gradients where everything is an array."""
    def back(g, out, *inputs, **attrs):
        if not any(type(x) is Tensor for x in (g, *inputs)):
            return pull(g, out, *inputs, **attrs)
        from aisys_lab.autodiff.verbs import vjp
        return vjp(lambda *xs: PARTS[op](*xs, **attrs), *inputs)[1](g)

    def ahead(tangents, out, *inputs, **attrs):
        from aisys_lab.autodiff.verbs import jvp
        moves = tuple(anp.zeros_like(x) if t is None else t
                      for x, t in zip(inputs, tangents, strict=True))
        return jvp(lambda *xs: PARTS[op](*xs, **attrs), inputs, moves)[1]

    VJP.define(op, Joint(back))
    JVP.define(op, Joint(ahead))


def _softmax(g, out, x, axis):
    dot = np.vecdot(g, out)[..., None] if axis == (out.ndim - 1,) else np.sum(
        g * out, axis, keepdims=True)
    gx = g - dot
    gx *= out
    return (gx,)


def _log_softmax(g, out, x, axis):
    gx = np.exp(out)
    gx *= np.sum(g, axis, keepdims=True)
    return (np.subtract(g, gx, out=gx),)


def _cross_entropy(g, out, logits, labels):
    """(softmax - one_hot) / rows."""
    gx = softmax(logits.reshape(-1, logits.shape[-1]), (1,))
    gx[np.arange(len(gx)), labels.reshape(-1)] -= 1
    gx *= g / len(gx)
    return gx.reshape(logits.shape), None


def _layernorm(g, out, x, gamma, beta, eps):
    n = x.shape[-1]
    unit, deviation = centred(x, eps)
    unit /= deviation
    wide, rows = g * gamma, g.reshape(-1, n)
    g_gamma = np.einsum("ij,ij->j", rows, unit.reshape(-1, n))
    slide, scale = sum_rows(wide) / n, np.vecdot(wide, unit)[..., None] / n
    unit *= scale
    wide -= unit
    wide -= slide
    wide /= deviation
    return wide, g_gamma, rows.sum(0)


def _gelu(g, out, x):
    squares = x * x
    bent = gelu_tanh(x, squares)
    slope = 1 - bent * bent
    squares *= 3 * CUBE
    squares += 1
    squares *= x
    squares *= ROOT
    slope *= squares
    slope += bent
    slope += 1
    slope *= 0.5
    slope *= g
    return (slope,)


for _op, _pull in {"softmax": _softmax, "log_softmax": _log_softmax, "layernorm": _layernorm,
                   "cross_entropy": _cross_entropy, "gelu": _gelu}.items():
    _rules(_op, _pull)
