"""The three layers that the course builds by hand, behind one slot: linear, conv, layernorm."""

from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError, Table, slot

FORWARD = Table("FORWARD", "what a layer computes: (params, x, **settings) -> result",
                noun="layer")


@slot("nn.forward")
def forward(kind, params, x, **settings):
    """The result of a layer on x, in the namespace's own operations."""
    try:
        return FORWARD[kind](params, x, **settings)
    except KeyError as error:
        raise LabError(f"{kind}: the parameters have no {error}; they have: "
                       f"{', '.join(params) or 'none'}.") from None


@FORWARD.row("linear")
def linear(params, x):
    """``x w + b`` over the last axis."""
    w = params["w"]
    return anp.linear(x, w, params["b"]) if "b" in params else anp.matmul(x, w)


@FORWARD.row("conv")
def conv(params, x, stride=1, padding=0, groups=1, dilation=1):
    """Images f[N,C,H,W] with w f[O,C/groups,h,w]."""
    return anp.conv2d(x, params["w"], stride, padding, dilation, groups, params.get("b"))


@FORWARD.row("layernorm")
def layernorm(params, x, eps=1e-5):
    """Mean 0 and variance 1 over the last axis, then a slope and a shift."""
    return anp.layernorm(x, params["gamma"], params["beta"], eps)
