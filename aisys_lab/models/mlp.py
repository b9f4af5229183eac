"""The multi-layer perceptron: the smallest model that travels through the course."""

from dataclasses import dataclass, field, replace

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.nn import Linear
from aisys_lab.core import LabError, whole
from aisys_lab.ir import Spec, dtype_of


@dataclass(frozen=True)
class MLP:
    """Linear layers with ReLU between; ``params`` is ``{"layer1": {"w": …, "b": …}, …}``."""

    sizes: tuple
    seed: int = 0
    dtype: str = "float32"
    params: dict = field(default=None, repr=False)
    is_leaf = True

    def __post_init__(self):
        if not isinstance(self.sizes, tuple | list) or len(self.sizes) < 2:
            raise LabError(f"MLP takes at least two sizes, as in MLP([64, 128, 10]), got "
                           f"{self.sizes!r}.")
        object.__setattr__(self, "sizes", tuple(whole("MLP", "size", n, 1) for n in self.sizes))
        dtype_of(self.dtype)
        if self.params is None:
            object.__setattr__(self, "params", self.init(self.seed))

    def init(self, seed):
        """First parameters, with He's law for layers before a ReLU."""
        rng = np.random.default_rng(seed)
        return {f"layer{i}": Linear(n, m).init(rng, self.dtype)
                for i, (n, m) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), 1)}

    def apply(self, params, x):
        """Logits f[N, classes] of inputs f[N, features]."""
        *hidden, last = params.values()
        for layer in hidden:
            x = anp.relu(anp.linear(x, layer["w"], layer["b"]))
        return anp.linear(x, last["w"], last["b"])

    def loss(self, params, x, y):
        """Mean cross-entropy of a batch."""
        return anp.cross_entropy(self.apply(params, x), y)

    def __call__(self, x):
        if anp.shape(x)[-1:] != self.sizes[:1]:
            raise LabError(f"{self!r} takes inputs {self.spec}, got {list(anp.shape(x))}.")
        return self.apply(self.params, x)

    @property
    def spec(self):
        """A batch of inputs: f32[N,features]."""
        return Spec(("N", self.sizes[0]), self.dtype)

    def but(self, **changes):
        """The same model with fields replaced."""
        return replace(self, **changes)

    def __repr__(self):
        count = sum(w.size for layer in self.params.values() for w in layer.values())
        return f"MLP {' -> '.join(map(str, self.sizes))}, {count} parameters, {self.dtype}"
