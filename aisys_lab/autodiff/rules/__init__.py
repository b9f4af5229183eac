"""The derivative rules and nothing else: one row an op in VJP, one in JVP.

``g`` is the incoming gradient, ``t`` a tangent, ``out`` the result of the op. A rule is written
in the namespace's own operations, so that it can be traced and differentiated again.
"""

from aisys_lab.autodiff.rules import (  # noqa: F401  (each fills VJP and JVP)
    contract,
    control,
    convolution,
    elementwise,
    indexing,
    linalg,
    neural,
    reductions,
    scans,
    shapes,
)
from aisys_lab.autodiff.rules.broadcasting import unbroadcast

__all__ = ["unbroadcast"]
