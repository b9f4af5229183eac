"""Broadcasting undone: the one thing that rules of many ops need."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import slot


@slot("autodiff.unbroadcast")
def unbroadcast(g, x):
    """Sums ``g`` down to the shape of ``x``: the transpose of broadcasting."""
    target, extra = anp.shape(x), anp.ndim(g) - anp.ndim(x)
    if anp.shape(g) == target:
        return g
    g = anp.sum(g, tuple(range(extra))) if extra else g
    wide = tuple(i for i, n in enumerate(target) if n == 1 and anp.shape(g)[i] != 1)
    return anp.sum(g, wide, keepdims=True) if wide else g
