"""Schedules: the learning rate as a function of the step, counted from 0; usable as ``lr=``.

A step may be traced: the rate is then computed in the graph.
"""

from dataclasses import dataclass

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import whole


@dataclass(frozen=True)
class Constant:
    """Always ``lr``."""

    lr: float

    def __call__(self, step):
        return self.lr


@dataclass(frozen=True)
class Warmup:
    """A linear warm-up to ``lr``, then a way down to ``last`` at ``steps`` and flat after it."""

    lr: float
    steps: int
    warmup: int = 0
    last: float = 0.0

    def __post_init__(self):
        _sound(self)

    def __call__(self, step):
        done = _share(step - self.warmup, self.steps - self.warmup)
        fall = self.last + (self.lr - self.last) * self.left(done)
        return fall * _share(step + 1, self.warmup) if self.warmup else fall


class Cosine(Warmup):
    """After the warm-up half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, without
    restarts)."""

    def left(self, done):
        """What is left of the way, when a share of it is done."""
        return 0.5 * (1 + anp.cos(np.pi * done))


class WarmupLinear(Warmup):
    """After the warm-up (Goyal et al. 2017, arXiv:1706.02677) a straight line."""

    def left(self, done):
        """What is left of the way, when a share of it is done."""
        return 1 - done


@dataclass(frozen=True)
class Staircase:
    """``lr``, times ``factor`` after every ``every`` steps."""

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self):
        whole("Staircase", "every", self.every, 1)

    def __call__(self, step):
        return self.lr * self.factor ** anp.floor(step / self.every)


def _share(done, steps):
    """``done / steps``, held between 0 and 1."""
    return anp.clip(done / steps, 0.0, 1.0)


def _sound(schedule):
    name = type(schedule).__name__
    whole(name, "warmup", schedule.warmup)
    whole(name, "steps", schedule.steps, schedule.warmup + 1)
