"""One array's step of an optimiser: a rule a row, and the slot through which the first go.

Each ``*=`` and ``+=`` is on an array made on the line before: no needless temporaries.
"""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import Table, slot

RULES = Table("RULES", "one array's step: (p, g, state, t, lr, **settings) -> (p, state)",
              noun="rule")


@slot("optim.steps")
def steps(rule, p, g, state, t, lr, **settings):
    """``(p, state)`` of an array after step t = 1, 2, …, given its gradient; nothing is changed.

    ``state`` is a tuple of arrays, zeros at first: none for plain gradient descent, ``(v,)`` with
    momentum, ``(m, v)`` for Adam and AdamW.
    """
    return RULES[rule](p, g, state, t, lr, **settings)


@RULES.row("sgd")
def _sgd(p, g, state, t, lr, momentum=0.0):
    """Polyak 1964 (heavy ball) in the form that PyTorch has: the rate stands outside the sum."""
    if momentum:
        g = _summed(state[0], g, momentum)
        state = (g,)
    return _descended(p, g, lr), state


@RULES.row("nesterov")
def _nesterov(p, g, state, t, lr, momentum):
    """Sutskever, Martens, Dahl and Hinton 2013: one more momentum ahead, as PyTorch has it."""
    v = _summed(state[0], g, momentum)
    return _descended(p, g + momentum * v, lr), (v,)


@RULES.row("adam")
def _adam(p, g, state, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1; its corrections taken out of the arrays,
    ``eps`` with them, so that it stands where the algorithm has it."""
    m, v = state
    root = (1 - beta2 ** t) ** 0.5
    m = beta1 * m
    m += (1 - beta1) * g
    v = _mixed(v, g, beta2)
    below = anp.sqrt(v)
    below += beside(number(eps * root), p)
    u = -beside(number(lr * root / (1 - beta1 ** t)), p) * m
    u /= below
    u += p
    return u, (m, v)


@RULES.row("adamw")
def _adamw(p, g, state, t, lr, weight_decay=0.01, **settings):
    """Loshchilov and Hutter 2019 (arXiv:1711.05101): the decay is beside the step, not in the
    gradient; as PyTorch has it, the rate is a factor of it."""
    if weight_decay:
        p = p * beside(1 - lr * weight_decay, p)
    return _adam(p, g, state, t, lr, **settings)


@RULES.row("rmsprop")
def _rmsprop(p, g, state, t, lr, alpha=0.99, eps=1e-8):
    """Tieleman and Hinton 2012, lecture 6.5; ``eps`` is added to the root, as PyTorch has it."""
    v = _mixed(state[0], g, alpha)
    below = anp.sqrt(v)
    below += eps
    u = g * -beside(lr, p)
    u /= below
    u += p
    return u, (v,)


def _summed(v, g, momentum):
    """A decaying sum of gradients, one further."""
    v = momentum * v
    v += g
    return v


def _mixed(v, g, beta):
    """A running mean of squares, one gradient further."""
    square = (1 - beta) * g
    square *= g
    v = beta * v
    v += square
    return v


def _descended(p, g, lr):
    """``p - lr g``."""
    u = g * -beside(lr, p)
    u += p
    return u


def number(value):
    """A Python number, which leaves the precision of arrays alone; traced values stay traced."""
    return value if type(value) is Tensor else float(value)


def beside(value, array):
    """A number of the step in the precision of an array, where it is traced."""
    return value if type(value) is float else anp.astype(value, array.dtype)
