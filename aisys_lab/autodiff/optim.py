"""Optimisers: frozen settings, a state tree, and one pure update.

``state`` is a dict: ``step``, the updates done so far, and a tree like the parameters for every
slot. ``lr`` is a number or a function of the step, counted from 0 (see ``schedules``).
"""

from dataclasses import dataclass

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.schedules import Constant, Cosine, Staircase, WarmupLinear
from aisys_lab.autodiff.steps import RULES, beside, number, steps
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError, has
from aisys_lab.core.text import listing
from aisys_lab.core.tree import flatten, names, tree_map, unflatten

__all__ = ["RULES", "SGD", "Adam", "AdamW", "Clipped", "Constant", "Cosine", "RMSProp",
           "Staircase", "WarmupLinear", "clip_by_norm", "steps"]


REAL = int | float | np.floating
SHARES = {"momentum", "beta1", "beta2", "alpha"}  # fields that lie below 1


class Optimizer:
    """What all have in common: trees outside, a rule for one array at a time inside."""

    rule, slots = "sgd", ()  # a row of RULES, and the names of what it keeps for an array
    learnt = True  # whether the rule is one of the exercise optim.steps

    def __post_init__(self):
        name = type(self).__name__
        if not callable(self.lr) and not (isinstance(self.lr, REAL) and self.lr >= 0):
            raise LabError(f"{name}: lr={self.lr!r}; it is a number of 0 or more, or a function "
                           f"of the step.")
        for field in SHARES & vars(self).keys():
            value = getattr(self, field)
            if not isinstance(value, REAL) or not 0 <= value < 1:
                raise LabError(f"{name}: {field}={value!r}; it lies between 0 and 1, 1 left out.")

    def init(self, params):
        """The state before the first step."""
        return {"step": 0} | {name: tree_map(np.zeros_like, params) for name in self.slots}

    def update(self, params, grads, state):
        """``(params, state)`` after one step; nothing given is changed."""
        leaves, tree = flatten(params)
        missing = [name for name in ("step", *self.slots) if name not in state]
        if missing:
            raise LabError(f"update: the state has no {missing[0]!r}; the first one is "
                           f"{type(self).__name__}(…).init(params).")
        columns = [_leaves(name, column, tree, params) for name, column in
                   (("gradients", grads), *((name, state[name]) for name in self.slots))]
        step, run = state["step"], steps if self.learnt else _unlearnt
        lr = number(self.lr(step) if callable(self.lr) else self.lr)
        rows = [run(self.rule, p, self.gradient(p, g), tuple(kept), step + 1, lr,
                    **self.settings(p)) for p, g, *kept in zip(leaves, *columns, strict=True)]
        kept = list(zip(*(row[1] for row in rows), strict=True)) or [()] * len(self.slots)
        after = {name: unflatten(tree, column)
                 for name, column in zip(self.slots, kept, strict=True)}
        return unflatten(tree, [row[0] for row in rows]), {"step": step + 1, **after}

    def gradient(self, p, g):
        """What the rule gets as the gradient of an array."""
        return g

    def settings(self, p):
        """What the rule gets besides: the fields but the rate."""
        return {}


def _unlearnt(rule, *args, **settings):
    return RULES[rule](*args, **settings)


def _leaves(name, tree, shape, params):
    """The leaves of a tree that should be like the parameters."""
    leaves, found = flatten(tree)
    if found != shape:
        raise LabError(f"update: the {name} are {listing(names(tree))}; the parameters are "
                       f"{listing(names(params))}.")
    for path, x, p in zip(names(params), leaves, flatten(params)[0], strict=True):
        if anp.shape(x) != anp.shape(p):
            raise LabError(f"update: {path} is {list(anp.shape(x))} in the {name}, "
                           f"{list(anp.shape(p))} in the parameters.")
    return leaves


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent; ``momentum`` keeps a decaying sum of past gradients, ``nesterov`` looks
    ahead along it, ``weight_decay`` times the parameter is added to the gradient."""

    lr: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise LabError("SGD: nesterov=True looks ahead along the momentum; give "
                           "momentum=0.9 or so.")

    rule = property(lambda self: "nesterov" if self.nesterov else "sgd")
    slots = property(lambda self: ("v",) if self.momentum else ())
    learnt = property(lambda self: not self.nesterov)

    def gradient(self, p, g):
        return g + self.weight_decay * p if self.weight_decay else g

    def settings(self, p):
        return {"momentum": self.momentum}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Two running means, of gradients and of their squares, both with bias correction.

    ``eps`` is added to the root of the corrected mean of squares, as in algorithm 1 of Kingma and
    Ba 2015 and in PyTorch (not before the correction, as in the paper's shorter form).
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    rule, slots = "adam", ("m", "v")

    def settings(self, p):
        return {"beta1": self.beta1, "beta2": self.beta2, "eps": self.eps}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: beside the step, parameters shrink by
    ``lr * weight_decay``. ``rank=2`` leaves arrays of fewer axes, such as biases, alone."""

    weight_decay: float = 0.01
    rank: int = 0
    rule = "adamw"

    def settings(self, p):
        decay = self.weight_decay if p.ndim >= self.rank else 0.0
        return super().settings(p) | {"weight_decay": decay}


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """Gradients over a running root of their squares."""

    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    rule, slots, learnt = "rmsprop", ("v",), False

    def settings(self, p):
        return {"alpha": self.alpha, "eps": self.eps}


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
    """The sum of all squares of an array, of f16 in f32: it would overflow at 65504."""
    g = anp.astype(g, np.float32) if g.dtype == np.float16 else g
    return float(np.vdot(g, g)) if type(g) is np.ndarray else anp.sum(anp.square(g))
