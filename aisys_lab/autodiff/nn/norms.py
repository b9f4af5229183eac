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
        return anp.rmsnorm(x, params["gamma"], self.eps)


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
        return anp.groupnorm(x, self.groups, params["gamma"], params["beta"], self.eps)


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
        return anp.batchnorm(x, params["gamma"], params["beta"], mean, var, self.eps)[0]

    def train(self, params, x, key=None):
        y, mean, var = anp.batchnorm(x, params["gamma"], params["beta"], eps=self.eps)
        return y, self._moved(params, x, mean, var)

    def _moved(self, params, x, mean, var):
        """Running statistics, a step closer to those of the batch."""
        n = count_along(x, (0, 2, 3), "BatchNorm2d")
        if isinstance(n, int) and n < 2:
            raise LabError(f"{self}: the variance of one number a channel, {spec_of(x)}, is "
                           f"nothing to learn from; take a larger batch.")
        new = {"mean": mean, "var": var * (n / (n - 1))}
        return {name: anp.stop_gradient((1 - self.momentum) * params[name]
                                        + self.momentum * value) for name, value in new.items()}
