"""Functions that run in one go on arrays, and show their parts to whoever looks on."""

import numpy as np

from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import Table
from aisys_lab.ir import bind

PARTS = Table("PARTS", "what an op that runs in one go is composed of", noun="composition")


def fused(op, *inputs, **attrs):
    """The op, on arrays and under one run of reverse mode; else the parts, as in a trace."""
    for x in inputs:
        if type(x) is Tensor and type(x.value) is not np.ndarray:
            return PARTS[op](*inputs, **attrs)
    return bind(op, *inputs, **attrs)
