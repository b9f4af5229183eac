"""A small GPT over characters: the transformer that travels through the book."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from aisys_lab.autodiff import nn, random
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError, whole
from aisys_lab.core.tree import tree_map
from aisys_lab.ir import Spec, spec_of
from aisys_lab.models.model import Model

START = 0.02  # standard deviation of first weights, as in GPT-2


@dataclass(frozen=True, repr=False)
class GPT(Model):
    """A decoder with norms before its parts, learned positions, and embeddings tied to the head.

    Radford, Wu, Child, Luan, Amodei and Sutskever 2019 (GPT-2), small. ``apply`` gives logits
    f[N,T,vocabulary] of ids i[N,T] with T up to ``context``; those at t see the ids up to t.
    """

    vocabulary: int
    context: int = 64
    width: int = 64
    depth: int = 2
    heads: int = 4
    seed: int = 0
    dtype: str = "float32"
    params: dict = field(default=None)

    def __post_init__(self):
        for name in ("vocabulary", "context", "width", "depth", "heads"):
            object.__setattr__(self, name, whole("GPT", name, getattr(self, name), 1))
        super().__post_init__()

    @cached_property
    def net(self):
        """Blocks of attention and a two-layer perceptron, each added to the stream; a last norm."""
        blocks = {f"block{i}": self._block() for i in range(1, self.depth + 1)}
        return nn.Sequential({**blocks, "norm": nn.LayerNorm(self.width)})

    def _block(self):
        attention = nn.MultiHeadAttention(self.width, self.heads, start=START)
        norm, wide = nn.LayerNorm(self.width), 4 * self.width
        mlp = {"norm": norm, "up": nn.Linear(self.width, wide, start=START),
               "gelu": nn.Activation("gelu"), "down": nn.Linear(wide, self.width, start=START)}
        return nn.Sequential({
            "attend": nn.Residual(nn.Sequential({"norm": norm, "heads": attention})),
            "think": nn.Residual(nn.Sequential(mlp))})

    def init(self, seed=0):
        """First parameters: ``token`` and ``position`` embeddings, and those of the blocks."""
        rng = random.generator(seed)
        first = tree_map(lambda part: part.make(rng, self.dtype), self._embeddings())
        return {**first, **self.net.init(rng, self.dtype)}

    def _embeddings(self):
        return {name: nn.Embedding(rows, self.width, START).parts()["w"]
                for name, rows in (("token", self.vocabulary), ("position", self.context))}

    def apply(self, params, x):
        """Logits f[N,T,vocabulary] of the next id after each of ids i[N,T]."""
        tokens = self._tokens(x)
        stream = anp.take(params["token"], x, axis=0) + params["position"][:tokens]
        return self.net.apply(params, stream) @ anp.transpose(params["token"])

    def _tokens(self, x):
        """How many ids a row has; a sentence where they do not fit."""
        spec = spec_of(x)
        if spec.ndim != 2 or spec.dtype.kind not in "iu" or not spec.shape[1] <= self.context:
            raise LabError(f"{self!r} takes ids {self.spec} or shorter rows, got {spec}.")
        if isinstance(x, np.ndarray) and x.size and not 0 <= x.min() <= x.max() < self.vocabulary:
            raise LabError(f"{self!r} takes ids from 0 to {self.vocabulary - 1}; one is "
                           f"{x.min() if x.min() < 0 else x.max()}.")
        return spec.shape[1]

    def loss(self, params, x, y):
        """Mean cross-entropy of the next ids y i[N,T]."""
        return anp.cross_entropy(self.apply(params, x), y)

    def sample(self, params, prompt, n, key, temperature=1.0):
        """The prompt i[T] and ``n`` more ids, each drawn from softmax(logits / temperature).

        The largest of logits plus Gumbel noise is such a draw (Gumbel 1954); ``temperature`` 0
        takes the likeliest.
        """
        ids, count = self._prompt(prompt), whole("sample", "n", n)
        if not temperature >= 0:
            raise LabError(f"sample: temperature={temperature!r}; it is 0 or more.")
        for i in range(count):
            logits = self.apply(params, ids[None, -self.context:])[0, -1]
            noise = -np.log(-np.log(random.uniform(random.fold_in(key, i), logits.shape,
                                                   np.float64) + 2.0 ** -54))
            ids = np.append(ids, np.argmax(logits + temperature * noise))
        return ids

    def _prompt(self, prompt):
        ids = np.asarray(prompt)
        if ids.ndim != 1 or not ids.size or ids.dtype.kind not in "iu":
            raise LabError(f"sample: a prompt is one row of ids, at least one, as "
                           f"train.encode('It is') gives; got {spec_of(ids)}.")
        return ids

    @property
    def size(self):
        """How many numbers are trained."""
        return self.net.size + sum(part.size for part in self._embeddings().values())

    @property
    def spec(self):
        """A batch of inputs: i64[N,context]."""
        return Spec(("N", self.context), np.int64)

    def __repr__(self):
        return (f"GPT {self.vocabulary} characters, context {self.context}, {self.depth} blocks, "
                f"width {self.width}, {self.heads} heads, {self.size} parameters, {self.dtype}")
