"""Layers of one operation: linear, convolution, embedding, dropout, pooling, activations."""

from dataclasses import dataclass
from math import prod

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff import random
from aisys_lab.autodiff.nn.forward import FORWARD, forward
from aisys_lab.autodiff.nn.inits import Part, bias, known
from aisys_lab.autodiff.nn.layer import Layer, need_key
from aisys_lab.core import LabError, Table, whole
from aisys_lab.ir import spec_of


@dataclass(frozen=True, repr=False)
class Linear(Layer):
    """``x @ w + b`` over the last axis; w f[inputs, outputs]."""

    inputs: int
    outputs: int
    bias: bool = True
    start: str | float = "he_normal"
    kind = "linear"

    def parts(self):
        fans = (self.inputs, self.outputs)
        parts = {"w": Part(fans, known("Linear", self.start), fans)}
        return parts | ({"b": bias(self.outputs, self.start, self.inputs)} if self.bias else {})

    def apply(self, params, x):
        return forward("linear", params, x)


@dataclass(frozen=True, repr=False)
class Conv2d(Layer):
    """Cross-correlation of images f[N,C,H,W] with w f[outputs, inputs/groups, kernel, kernel]."""

    inputs: int
    outputs: int
    kernel: int | tuple
    stride: int | tuple = 1
    padding: int | tuple = 0
    dilation: int | tuple = 1
    groups: int = 1
    bias: bool = True
    start: str | float = "he_normal"
    kind = "conv"

    def __post_init__(self):
        super().__post_init__()
        for name, least in {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1}.items():
            value = getattr(self, name)
            pair = value if isinstance(value, tuple | list) else (value,)
            pair = tuple(whole("Conv2d", name, n, least) for n in pair)
            object.__setattr__(self, name, pair[0] if len(set(pair)) == 1 else pair)
        if self.inputs % self.groups or self.outputs % self.groups:
            raise LabError(f"Conv2d: {self.inputs} inputs and {self.outputs} outputs do not divide "
                           f"into {self.groups} groups.")

    def parts(self):
        window = self.kernel if isinstance(self.kernel, tuple) else (self.kernel, self.kernel)
        shape = (self.outputs, self.inputs // self.groups, *window)
        fans = prod(shape[1:]), self.outputs // self.groups * prod(window)
        parts = {"w": Part(shape, known("Conv2d", self.start), fans)}
        return parts | ({"b": bias(self.outputs, self.start, fans[0])} if self.bias else {})

    def apply(self, params, x):
        settings = {"stride": self.stride, "padding": self.padding, "groups": self.groups}
        if self.dilation == 1 and all(type(value) is int for value in settings.values()):
            return forward("conv", params, x, **settings)
        return FORWARD["conv"](params, x, **settings, dilation=self.dilation)


@dataclass(frozen=True, repr=False)
class Embedding(Layer):
    """A row of w f[count, width] for every whole number."""

    count: int
    width: int
    start: str | float = "normal"
    kind = "embed"

    def parts(self):
        return {"w": Part((self.count, self.width), known("Embedding", self.start),
                          (self.count, self.width))}

    def apply(self, params, x):
        x = x if hasattr(x, "dtype") else np.asarray(x)
        if x.dtype.kind not in "iu":
            raise LabError(f"{self} takes whole numbers from 0 to {self.count - 1}, got "
                           f"{spec_of(x)}.")
        known = isinstance(x, np.ndarray | np.generic) and x.size
        if known and not 0 <= x.min() <= x.max() < self.count:
            raise LabError(f"{self} takes whole numbers from 0 to {self.count - 1}; one is "
                           f"{x.min() if x.min() < 0 else x.max()}.")
        return anp.take(params["w"], x, axis=0)


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    """While training: zero with probability ``rate``, the others scaled up to the same mean.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014 (JMLR 15:1929), with the
    scaling done while training. The mask is a function of the key.
    """

    rate: float
    kind, draws = "dropout", True

    def __post_init__(self):
        if not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise LabError(f"Dropout: rate={self.rate!r}; it lies between 0 and 1, 1 left out.")

    def apply(self, params, x):
        return x

    def train(self, params, x, key=None):
        if not self.rate:
            return x, {}
        keep = random.bernoulli(need_key(self, key), 1 - self.rate, anp.shape(x))
        return x * (anp.astype(keep, x.dtype) * (1 / (1 - self.rate))), {}


ACTIVATIONS = Table("ACTIVATIONS", "elementwise functions between layers", noun="activation")
for _name in ("relu", "tanh", "sigmoid", "gelu"):
    ACTIVATIONS.define(_name, getattr(anp, _name))
ACTIVATIONS.define("silu", lambda x: x * anp.sigmoid(x))
ACTIVATIONS.define("relu6", lambda x: anp.clip(x, 0, 6))
ACTIVATIONS.define("hardswish", lambda x: x * anp.clip(x + 3, 0, 6) / 6)


@dataclass(frozen=True, repr=False)
class Activation(Layer):
    """The function of that name in ACTIVATIONS."""

    name: str = "relu"

    def __post_init__(self):
        ACTIVATIONS[self.name]

    @property
    def kind(self):
        return self.name

    def apply(self, params, x):
        return ACTIVATIONS[self.name](x)

    def __str__(self):
        return self.name


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    """All axes but the first in one."""

    kind = "flatten"

    def apply(self, params, x):
        if not anp.ndim(x):
            raise LabError(f"Flatten takes arrays with axes, got {spec_of(x)}.")
        return anp.reshape(x, (anp.shape(x)[0], prod(anp.shape(x)[1:])))


@dataclass(frozen=True, repr=False)
class MaxPool2d(Layer):
    """The largest number of every window of f[N,C,H,W]; windows side by side by default."""

    window: int
    stride: int | None = None
    padding: int = 0
    kind, least = "pool", {"padding": 0}

    def apply(self, params, x):
        return anp.max_pool2d(x, self.window, self.stride or self.window, self.padding)


@dataclass(frozen=True, repr=False)
class AvgPool2d(Layer):
    """The mean of every window of f[N,C,H,W]; zeros of the padding count."""

    window: int
    stride: int | None = None
    padding: int = 0
    kind, least = "pool", {"padding": 0}

    def apply(self, params, x):
        return anp.avg_pool2d(x, self.window, self.stride or self.window, self.padding)


@dataclass(frozen=True, repr=False)
class GlobalAvgPool(Layer):
    """The mean of every channel: f[N,C,H,W] -> f[N,C]."""

    kind = "pool"

    def apply(self, params, x):
        return anp.mean(x, (2, 3))
