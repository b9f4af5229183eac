"""Rules of reading and writing by place: gather and scatter_add are each other's transpose."""

from aisys_lab.autodiff.tensor import JVP, VJP, Joint
from aisys_lab.ir import bind


def _only_first(grads, places):
    """Gradients of all arguments, where places carry none."""
    return (grads, *[None] * len(places))


VJP.define("gather", Joint(lambda g, out, x, *places: _only_first(
    bind("scatter_add", g, *places, shape=x.shape), places)))
JVP.define("gather", Joint(lambda ts, out, x, *places:
                           None if ts[0] is None else bind("gather", ts[0], *places)))
VJP.define("scatter_add", Joint(lambda g, out, x, *places, shape: _only_first(
    bind("gather", g, *places), places)))
JVP.define("scatter_add", Joint(lambda ts, out, x, *places, shape: None if ts[0] is None else
                                bind("scatter_add", ts[0], *places, shape=shape)))
