"""Attention: every position asks, all earlier ones answer."""

from dataclasses import dataclass

import numpy as np

from aisys_lab import kernels
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.fused import fused, plain, untouched
from aisys_lab.autodiff.nn.layer import Layer
from aisys_lab.autodiff.nn.layers import Linear
from aisys_lab.autodiff.tensor import Joint
from aisys_lab.core import LabError, whole
from aisys_lab.ir import spec_of


def attention(q, k, v, causal=False):
    """softmax(q k' / sqrt(d)) v over the last two axes, tokens and d (Vaswani et al. 2017,
    arXiv:1706.03762); ``causal`` hides from a token those after it."""
    if plain((q, k, v)) and untouched() and q.ndim == k.ndim == v.ndim:
        return _with_logs(q, k, v, causal=bool(causal))[0]
    return anp.matmul(anp.softmax(_scores(q, k, causal)), v)


def _scores(q, k, causal):
    """How much each token asks of each other one."""
    scores = anp.matmul(q, anp.swapaxes(k, -1, -2)) * (anp.shape(q)[-1] ** -0.5)
    if causal:
        rows, columns = (whole("attention", "tokens", n, 0) for n in anp.shape(scores)[-2:])
        scores = anp.where(np.tril(np.ones((rows, columns), bool), columns - rows), scores, -np.inf)
    return scores


def _pull(g, out, q, k, v, causal):
    """The gradients, from the result and its logarithms: no score is kept. None where a gradient
    comes through the logarithms too."""
    if g[1].any():
        return None
    return kernels.attention_backward(g[0], q, k, v, *out, causal)


@fused("attention", lambda q, k, v, causal: kernels.attention_forward(q, k, v, causal),
       Joint(_pull), inputs=3, multi=True)
def _with_logs(q, k, v, causal):
    """``(attention, logarithm of the sum of exponentials of each token's scores)``."""
    scores = _scores(q, k, causal)
    return anp.matmul(anp.softmax(scores), v), anp.logsumexp(scores, -1)


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
