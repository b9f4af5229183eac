"""Normalisation: what is averaged over, and whose statistics are kept."""

from dataclasses import dataclass

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.nn.forward import forward
from aisys_lab.autodiff.nn.inits import Part
from aisys_lab.autodiff.nn.layer import Layer
from aisys_lab.autodiff.numpy.reductions import count_along
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of


def _slope_and_shift(width):
    return {"gamma": Part((width,), "ones"), "beta": Part((width,), "zeros")}


def _channels(values):
    """One number a channel, beside f[N,C,H,W]."""
    return anp.reshape(values, (*anp.shape(values), 1, 1))


@dataclass(frozen=True, repr=False)
class LayerNorm(Layer):
    """Mean 0 and variance 1 over the last axis (Ba, Kiros and Hinton 2016, arXiv:1607.06450)."""

    width: int
    eps: float = 1e-5
    kind = "norm"

    def parts(self):
        return _slope_and_shift(self.width)

    def apply(self, params, x):
        return forward("layernorm", params, x, eps=self.eps)


@dataclass(frozen=True, repr=False)
class RMSNorm(Layer):
    """Mean square 1 over the last axis (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    width: int
    eps: float = 1e-5
    kind = "norm"

    def parts(self):
        return {"gamma": Part((self.width,), "ones")}

    def apply(self, params, x):
        size = anp.sqrt(anp.mean(anp.square(x), -1, keepdims=True) + self.eps)
        return x / size * params["gamma"]


@dataclass(frozen=True, repr=False)
class GroupNorm(Layer):
    """Mean 0 and variance 1 over groups of channels of f[N,C,H,W] (Wu and He 2018,
    arXiv:1803.08494)."""

    groups: int
    width: int
    eps: float = 1e-5
    kind = "norm"

    def __post_init__(self):
        super().__post_init__()
        if self.width % self.groups:
            raise LabError(f"GroupNorm: {self.width} channels do not divide into {self.groups} "
                           f"groups.")

    def parts(self):
        return _slope_and_shift(self.width)

    def apply(self, params, x):
        n, _, high, wide = anp.shape(x)
        y = anp.reshape(x, (n, self.groups, self.width // self.groups, high, wide))
        centred = y - anp.mean(y, (2, 3, 4), keepdims=True)
        y = centred / anp.sqrt(anp.mean(anp.square(centred), (2, 3, 4), keepdims=True) + self.eps)
        return (anp.reshape(y, anp.shape(x)) * _channels(params["gamma"])
                + _channels(params["beta"]))


@dataclass(frozen=True, repr=False)
class BatchNorm2d(Layer):
    """Mean 0 and variance 1 of every channel of f[N,C,H,W] (Ioffe and Szegedy 2015,
    arXiv:1502.03167).

    Training uses the batch and moves the running ``mean`` and ``var`` by ``momentum`` towards it
    (the variance without bias, as PyTorch has it); ``apply`` uses the running ones, which are
    leaves of the parameters that have no slope.
    """

    width: int
    eps: float = 1e-5
    momentum: float = 0.1
    kind = "norm"

    def parts(self):
        return _slope_and_shift(self.width) | {
            "mean": Part((self.width,), "zeros", trained=False),
            "var": Part((self.width,), "ones", trained=False)}

    def apply(self, params, x):
        mean, var = (anp.stop_gradient(params[name]) for name in ("mean", "var"))
        return self._scaled(params, x - _channels(mean), var)

    def train(self, params, x, key=None):
        mean = anp.mean(x, (0, 2, 3))
        centred = x - _channels(mean)
        var = anp.mean(anp.square(centred), (0, 2, 3))
        return self._scaled(params, centred, var), self._moved(params, x, mean, var)

    def _scaled(self, params, centred, var):
        scale = params["gamma"] / anp.sqrt(var + self.eps)
        return centred * _channels(scale) + _channels(params["beta"])

    def _moved(self, params, x, mean, var):
        """Running statistics, a step closer to those of the batch."""
        n = count_along(x, (0, 2, 3), "BatchNorm2d")
        if isinstance(n, int) and n < 2:
            raise LabError(f"{self}: the variance of one number a channel, {spec_of(x)}, is "
                           f"nothing to learn from; take a larger batch.")
        new = {"mean": mean, "var": var * (n / (n - 1))}
        return {name: anp.stop_gradient((1 - self.momentum) * params[name]
                                        + self.momentum * value) for name, value in new.items()}
