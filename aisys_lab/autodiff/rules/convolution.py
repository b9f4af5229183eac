"""Rules of convolution and pooling: each gradient is another op of the same family."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import JVP, VJP
from aisys_lab.ir import bind


def _size(x):
    """Sizes of the spatial axes."""
    return anp.shape(x)[2:]


def _conv(x, w, at):
    return bind("conv", x, w, **at)


def _image(g, w, x, at):
    """The image of a result and a kernel, as large as ``x``."""
    return bind("conv_input", g, w, size=_size(x), **at)


def _kernel(x, g, w, at):
    """The kernel of an image and a result, as large as ``w``."""
    return bind("conv_weight", x, g, kernel=_size(w), **at)


# convolution: <g, conv(x, w)> = <x, conv_input(g, w)> = <w, conv_weight(x, g)>
VJP.define("conv", (lambda g, out, x, w, **at: _image(g, w, x, at),
                    lambda g, out, x, w, **at: _kernel(x, g, w, at)))
VJP.define("conv_input", (lambda g, out, y, w, size, **at: _conv(g, w, at),
                          lambda g, out, y, w, size, **at: _kernel(g, y, w, at)))
VJP.define("conv_weight", (lambda g, out, x, y, kernel, **at: _image(y, g, x, at),
                           lambda g, out, x, y, kernel, **at: _conv(x, g, at)))
for _op in ("conv", "conv_input", "conv_weight"):  # linear in both
    JVP.define(_op, (lambda t, out, x, y, op=_op, **at: bind(op, t, y, **at),
                     lambda t, out, x, y, op=_op, **at: bind(op, x, t, **at)))

# sums over windows
VJP.define("sum_pool", (lambda g, out, x, **at: bind("sum_pool_input", g, size=_size(x), **at),))
JVP.define("sum_pool", (lambda t, out, x, **at: bind("sum_pool", t, **at),))
VJP.define("sum_pool_input", (lambda g, out, y, size, **at: bind("sum_pool", g, **at),))
JVP.define("sum_pool_input", (lambda t, out, y, **at: bind("sum_pool_input", t, **at),))

# the largest of each window; which entry that is changes only in jumps, so x has slope 0 in it
VJP.define("max_pool", (lambda g, out, x, **at: bind("max_pool_input", g, x, **at),))
JVP.define("max_pool", (lambda t, out, x, **at: bind("max_pool_pick", t, x, **at),))
VJP.define("max_pool_pick", (lambda g, out, y, x, **at: bind("max_pool_input", g, x, **at), None))
JVP.define("max_pool_pick", (lambda t, out, y, x, **at: bind("max_pool_pick", t, x, **at), None))
VJP.define("max_pool_input", (lambda g, out, y, x, **at: bind("max_pool_pick", g, x, **at), None))
JVP.define("max_pool_input", (lambda t, out, y, x, **at: bind("max_pool_input", t, x, **at), None))
