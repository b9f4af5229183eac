"""What is done to a product while it is still in the cache: bias, activation, residual.

The first of them costs a pass over the result otherwise, and each further one another. (cuBLASLt
and CUTLASS call it the epilogue.)
"""

from aisys_lab.kernels.functions import gelu, relu
from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.vector import lanes, load, load_part, offset, store, store_part

NONE, PLAIN, RELU, GELU = range(4)  # NONE: nothing at all
ACTIVATIONS = {None: PLAIN, "relu": RELU, "gelu": GELU}


@part
def activate(v, code):
    """The activation of that number."""
    if code == RELU:
        return relu(v)
    if code == GELU:
        return gelu(v)
    return v


@native
def finish(c, ldc, high, count, code, bias, biased, residual, ldr, added):
    """``activate(c + bias) + residual`` of ``high`` rows of ``count`` numbers; one bias a column.

    Without ``biased`` there is no bias, without ``added`` no residual.
    """
    for i in range(high):
        line, more, w = offset(c, i * ldc), offset(residual, i * ldr), lanes(c)
        full = count - count % w
        for j in range(0, full, w):
            v = load(line, j)
            if biased:
                v = v + load(bias, j)
            v = activate(v, code)
            if added:
                v = v + load(more, j)
            store(v, line, j)
        if full < count:
            finish_part(line, full, count - full, code, bias, biased, more, added)


@part
def finish_part(c, j, some, code, bias, biased, residual, added):
    """The same of the last numbers of a row."""
    v = load_part(c, j, some, 0)
    if biased:
        v = v + load_part(bias, j, some, 0)
    v = activate(v, code)
    if added:
        v = v + load_part(residual, j, some, 0)
    store_part(v, c, j, some)
