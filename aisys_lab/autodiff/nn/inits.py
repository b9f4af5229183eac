"""How weights begin: a row a law, of the numbers of inputs and outputs of a unit."""

from dataclasses import dataclass

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.ir import Spec

INITS = Table("INITS", "first values of weights: (rng, shape, fan_in, fan_out) -> array",
              noun="law")


def _normal(deviation):
    return lambda rng, shape, *fans: rng.standard_normal(shape) * deviation(*fans) ** 0.5


def _uniform(most):
    return lambda rng, shape, *fans: rng.uniform(-1, 1, shape) * most(*fans) ** 0.5


INITS.define("zeros", lambda rng, shape, *fans: np.zeros(shape))
INITS.define("ones", lambda rng, shape, *fans: np.ones(shape))
INITS.define("normal", lambda rng, shape, *fans: rng.standard_normal(shape))
# He, Zhang, Ren and Sun 2015 (arXiv:1502.01852): variance 2 / fan_in, for layers before a ReLU
INITS.define("he_normal", _normal(lambda fan_in, fan_out: 2 / fan_in))
INITS.define("he_uniform", _uniform(lambda fan_in, fan_out: 6 / fan_in))
# Glorot and Bengio 2010 (AISTATS, PMLR 9:249): variance 2 / (fan_in + fan_out), for tanh
INITS.define("glorot_normal", _normal(lambda fan_in, fan_out: 2 / (fan_in + fan_out)))
INITS.define("glorot_uniform", _uniform(lambda fan_in, fan_out: 6 / (fan_in + fan_out)))
# LeCun, Bottou, Orr and Mueller 1998, «Efficient BackProp»: variance 1 / fan_in
INITS.define("lecun_normal", _normal(lambda fan_in, fan_out: 1 / fan_in))
# what PyTorch does with Linear and Conv2d: between -1/sqrt(fan_in) and 1/sqrt(fan_in), bias too
INITS.define("torch", _uniform(lambda fan_in, fan_out: 1 / fan_in))


@dataclass(frozen=True)
class Part:
    """One array of a layer: its shape, its first values (a law, or the deviation of a normal
    law), the fans of a unit, and whether it is trained or a running statistic."""

    shape: tuple
    start: str | float
    fans: tuple = (1, 1)
    trained: bool = True
    is_leaf = True

    def make(self, rng, dtype):
        """First values, drawn in float64 and then rounded."""
        if isinstance(self.start, str):
            return INITS[self.start](rng, self.shape, *self.fans).astype(dtype)
        return (rng.standard_normal(self.shape) * self.start).astype(dtype)

    @property
    def size(self):
        return Spec(self.shape, np.float32).size


def known(verb, start):
    """``start`` if it is a law or a positive deviation; else a sentence."""
    if isinstance(start, str):
        INITS[start]
    elif isinstance(start, bool) or not isinstance(start, int | float) or start < 0:
        raise LabError(f"{verb}: start={start!r}; it is the name of a law in INITS, or the "
                       f"standard deviation of a normal law.")
    return start


def bias(size, start, fan_in):
    """The part of a bias: zeros, except with PyTorch's law."""
    return Part((size,), "torch" if start == "torch" else "zeros", (fan_in, size))
