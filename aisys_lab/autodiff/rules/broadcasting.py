"""Broadcasting undone: the one thing that rules of many ops need."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import slot
from aisys_lab.ir import bind


@slot("autodiff.unbroadcast")
def unbroadcast(g, x):
    """Sums ``g`` down to the shape of ``x``: the transpose of broadcasting."""
    have, target = g.shape, anp.shape(x)
    if have == target:
        return g
    extra = len(have) - len(target)
    if extra:
        g = bind("sum", g, axis=tuple(range(extra)), keepdims=False)
    if g.shape == target:
        return g
    wide = [i for i, n in enumerate(target) if n == 1 and g.shape[i] != 1]
    return bind("sum", g, axis=tuple(wide), keepdims=True) if wide else g
