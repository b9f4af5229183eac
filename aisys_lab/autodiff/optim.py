"""Optimisers: frozen settings, a state tree, and one pure update."""

from dataclasses import dataclass

import numpy as np

from aisys_lab.core.tree import tree_map


@dataclass(frozen=True)
class SGD:
    """Gradient descent; ``momentum`` keeps a decaying sum of past gradients."""

    lr: float = 0.1
    momentum: float = 0.0

    def init(self, params):
        return tree_map(np.zeros_like, params) if self.momentum else None

    def update(self, params, grads, state):
        """``(params, state)`` after one step."""
        if self.momentum:
            grads = state = tree_map(lambda v, g: self.momentum * v + g, state, grads)
        return tree_map(lambda p, g: p - self.lr * g, params, grads), state


@dataclass(frozen=True)
class Adam:
    """Kingma and Ba 2015 (arXiv:1412.6980): both moments, with bias correction."""

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def init(self, params):
        return (0, tree_map(np.zeros_like, params), tree_map(np.zeros_like, params))

    def update(self, params, grads, state):
        """``(params, state)`` after one step."""
        t, m, v = state
        t += 1
        m = tree_map(lambda m, g: self.beta1 * m + (1 - self.beta1) * g, m, grads)
        v = tree_map(lambda v, g: self.beta2 * v + (1 - self.beta2) * g * g, v, grads)
        scale = self.lr * (1 - self.beta2 ** t) ** 0.5 / (1 - self.beta1 ** t)
        eps = self.eps * (1 - self.beta2 ** t) ** 0.5
        return tree_map(lambda p, m, v: p - scale * m / (np.sqrt(v) + eps), params, m, v), (t, m, v)
