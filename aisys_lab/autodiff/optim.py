"""Optimisers: frozen settings, a state tree, and one pure update.

``state`` is a dict: ``step``, the updates done so far, and a tree like the parameters for every
slot. ``lr`` is a number or a function of the step, counted from 0 (see ``schedules``).
"""

from dataclasses import dataclass

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.schedules import Constant, Cosine, Staircase, WarmupLinear
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError, has
from aisys_lab.core.text import listing
from aisys_lab.core.tree import flatten, names, tree_map, unflatten

__all__ = ["SGD", "Adam", "AdamW", "Clipped", "Constant", "Cosine", "RMSProp", "Staircase",
           "WarmupLinear", "clip_by_norm"]


class Optimizer:
    """What all have in common: trees outside, one array at a time inside."""

    slots = ()  # arrays that are kept for every parameter

    def __post_init__(self):
        if not callable(self.lr) and not (isinstance(self.lr, int | float) and self.lr >= 0):
            raise LabError(f"{type(self).__name__}: lr={self.lr!r}; it is a number of 0 or more, "
                           f"or a function of the step.")

    def init(self, params):
        """The state before the first step."""
        return {"step": 0} | {slot: tree_map(np.zeros_like, params) for slot in self.slots}

    def update(self, params, grads, state):
        """``(params, state)`` after one step; nothing given is changed."""
        leaves, tree = flatten(params)
        columns = [_leaves(name, column, tree, params) for name, column in
                   (("gradients", grads), *((slot, state[slot]) for slot in self.slots))]
        step = state["step"]
        numbers = self.numbers(step, number(self.lr(step) if callable(self.lr) else self.lr))
        rows = [self.leaf(*numbers, *row) for row in zip(leaves, *columns, strict=True)]
        new = [unflatten(tree, column) for column in zip(*rows, strict=True)] or \
            [params] * (1 + len(self.slots))
        return new[0], {"step": step + 1, **dict(zip(self.slots, new[1:], strict=True))}

    def numbers(self, step, rate):
        """What every array of a step needs beside itself."""
        return (rate,)

    def leaf(self, *numbers_and_row):
        """``(new parameter, new slots …)`` of ``(numbers …, parameter, gradient, slots …)``.

        Each ``*=`` and ``+=`` is on an array made on the line before: no needless temporaries.
        """
        raise NotImplementedError


def _leaves(name, tree, shape, params):
    """The leaves of a tree that should be like the parameters."""
    leaves, found = flatten(tree)
    if found != shape:
        raise LabError(f"update: the {name} are {listing(names(tree))}; the parameters are "
                       f"{listing(names(params))}.")
    return leaves


def number(value):
    """A Python number, which leaves the precision of arrays alone; traced values stay traced."""
    return value if type(value) is Tensor else float(value)


def beside(value, array):
    """A number of the step in the precision of an array, where it is traced."""
    return value if type(value) is float else anp.astype(value, array.dtype)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent; ``momentum`` keeps a decaying sum of past gradients (Polyak 1964,
    heavy ball), ``nesterov`` looks ahead along it (Sutskever, Martens, Dahl and Hinton 2013),
    in the form that PyTorch has: the rate stands outside the sum.
    """

    lr: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise LabError("SGD: nesterov=True looks ahead along the momentum; give "
                           "momentum=0.9 or so.")

    @property
    def slots(self):
        return ("v",) if self.momentum else ()

    def leaf(self, rate, p, g, v=None):
        rate = beside(rate, p)
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            v = self.momentum * v
            v += g
            g = g + self.momentum * v if self.nesterov else v
        u = g * -rate
        u += p
        return (u, v) if self.momentum else (u,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Kingma and Ba 2015 (arXiv:1412.6980), algorithm 1: both moments, with bias correction.

    ``eps`` is added to the root of the corrected second moment, as in the algorithm and in
    PyTorch (not as in the paper's shorter form, where it is added before the correction).
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    slots = ("m", "v")

    def numbers(self, step, rate):
        """``(rate, corrected rate, corrected eps)``: the corrections taken out of the arrays."""
        root = (1 - self.beta2 ** (step + 1)) ** 0.5
        return (rate, *map(number, (rate * root / (1 - self.beta1 ** (step + 1)),
                                    self.eps * root)))

    def leaf(self, rate, scale, eps, p, g, m, v):
        scale, eps = beside(scale, p), beside(eps, p)
        m = self.beta1 * m
        m += (1 - self.beta1) * g
        square = (1 - self.beta2) * g
        square *= g
        v = self.beta2 * v
        v += square
        root = anp.sqrt(v)
        root += eps
        u = -scale * m
        u /= root
        u += self.decayed(p, rate)
        return u, m, v

    def decayed(self, p, rate):
        """The parameter that the step starts from."""
        return p


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101): weights
    shrink by ``lr * weight_decay`` beside the step, not through the moments. As in PyTorch the
    decay is scaled by the rate. ``rank=2`` leaves arrays of fewer axes, such as biases, alone.
    """

    weight_decay: float = 0.01
    rank: int = 0

    def decayed(self, p, rate):
        return p * beside(1 - rate * self.weight_decay, p) if p.ndim >= self.rank else p


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Gradients over a running root of their squares (Tieleman and Hinton 2012, lecture 6.5);
    ``eps`` is added to the root, as in PyTorch."""

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    slots = ("v",)

    def leaf(self, rate, p, g, v):
        square = (1 - self.alpha) * g
        square *= g
        v = self.alpha * v
        v += square
        root = anp.sqrt(v)
        root += self.eps
        u = g * -beside(rate, p)
        u /= root
        u += p
        return u, v


@dataclass(frozen=True)
class Clipped:
    """Another optimiser, given gradients of a norm of at most ``most``."""

    optimizer: Optimizer
    most: float = 1.0

    def __post_init__(self):
        has("Clipped", self.optimizer, "an optimizer, as Clipped(Adam(), 1.0)", "init", "update")

    def init(self, params):
        return self.optimizer.init(params)

    def update(self, params, grads, state):
        """``(params, state)`` after one step."""
        return self.optimizer.update(params, clip_by_norm(grads, self.most)[0], state)


def clip_by_norm(grads, most):
    """``(gradients, norm)``: all gradients scaled by one number, so that the norm of all of them
    together is at most ``most`` (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063)."""
    if not isinstance(most, int | float) or not most > 0:
        raise LabError(f"clip_by_norm: most={most!r}; it is a positive number.")
    leaves, tree = flatten(grads)
    norm = number(sum(map(_squares, leaves)) ** 0.5)
    if type(norm) is Tensor:
        scale = anp.where(norm > most, most / norm, 1.0)
    elif norm > most:
        scale = most / norm
    else:
        return grads, norm
    return unflatten(tree, [g * beside(scale, g) for g in leaves]), norm


def _squares(g):
    """The sum of all squares of an array."""
    return float(np.vdot(g, g)) if type(g) is np.ndarray else anp.sum(anp.square(g))
