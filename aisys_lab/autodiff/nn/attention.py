"""Attention: every position asks, all earlier ones answer."""

from dataclasses import dataclass

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.nn.layer import Layer
from aisys_lab.autodiff.nn.layers import Linear
from aisys_lab.core import LabError, whole
from aisys_lab.ir import spec_of


def attention(q, k, v, causal=False):
    """softmax(q k' / sqrt(d)) v over the last two axes, tokens and d (Vaswani et al. 2017,
    arXiv:1706.03762); ``causal`` hides from a token those after it."""
    scores = anp.matmul(q, anp.swapaxes(k, -1, -2)) * (anp.shape(q)[-1] ** -0.5)
    if causal:
        rows, columns = (whole("attention", "tokens", n, 0) for n in anp.shape(scores)[-2:])
        scores = anp.where(np.tril(np.ones((rows, columns), bool), columns - rows), scores, -np.inf)
    return anp.matmul(anp.softmax(scores), v)


@dataclass(frozen=True, repr=False)
class MultiHeadAttention(Layer):
    """Self-attention of f[..., tokens, width] in ``heads`` heads of width/heads numbers each."""

    width: int
    heads: int
    causal: bool = True
    bias: bool = True
    start: str | float = "glorot_uniform"
    kind = "attention"

    def __post_init__(self):
        super().__post_init__()
        if self.width % self.heads:
            raise LabError(f"MultiHeadAttention: a width of {self.width} does not divide into "
                           f"{self.heads} heads.")

    def parts(self):
        return {name: layer.parts() for name, layer in self._layers().items()}

    def _layers(self):
        """Queries, keys and values of all heads in one product, and the way out."""
        return {"qkv": Linear(self.width, 3 * self.width, self.bias, self.start),
                "out": Linear(self.width, self.width, self.bias, self.start)}

    def apply(self, params, x):
        layers = self._layers()
        if anp.ndim(x) < 2 or anp.shape(x)[-1] != self.width:
            raise LabError(f"{self} takes f[..., tokens, {self.width}], got {spec_of(x)}.")
        qkv = layers["qkv"].apply(params["qkv"], x)
        q, k, v = (self._heads(qkv[..., i * self.width:(i + 1) * self.width]) for i in range(3))
        y = anp.swapaxes(attention(q, k, v, self.causal), -2, -3)
        return layers["out"].apply(params["out"], anp.reshape(y, anp.shape(x)))

    def _heads(self, x):
        """f[..., tokens, width] -> f[..., heads, tokens, width/heads]."""
        split = (*anp.shape(x)[:-1], self.heads, self.width // self.heads)
        return anp.swapaxes(anp.reshape(x, split), -2, -3)
