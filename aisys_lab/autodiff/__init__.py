"""Automatic differentiation: tensors, rules, verbs, tracing, and the NumPy-like namespace."""

from aisys_lab.autodiff import (  # noqa: F401  (fast, forward, rules: OPS, MODES, VJP, JVP)
    fast,
    forward,
    lessons,
    nn,
    numpy,
    optim,
    random,
    rules,
    views,
)
from aisys_lab.autodiff.backward import Growth, backward
from aisys_lab.autodiff.checking import check_grads
from aisys_lab.autodiff.custom import checkpoint, custom_jvp, custom_vjp
from aisys_lab.autodiff.reverse import pull_back
from aisys_lab.autodiff.tensor import JVP, MODES, VJP, Joint, Mode, Tensor, no_grad, resting
from aisys_lab.autodiff.trace import apply_graph, trace
from aisys_lab.autodiff.verbs import (
    elementwise_grad,
    grad,
    hessian,
    hessian_vector_product,
    jacobian,
    jvp,
    make_jvp,
    make_vjp,
    value_and_grad,
    vjp,
)
from aisys_lab.core.memory import keep_freed_memory

keep_freed_memory()  # each step of a training asks for the arrays that the last one freed

__all__ = ["JVP", "MODES", "VJP", "Growth", "Joint", "Mode", "Tensor", "apply_graph", "backward",
           "check_grads", "checkpoint", "custom_jvp", "custom_vjp", "elementwise_grad", "grad",
           "hessian", "hessian_vector_product", "jacobian", "jvp", "lessons", "make_jvp",
           "make_vjp", "nn", "no_grad", "numpy", "optim", "pull_back", "random", "resting",
           "trace", "value_and_grad", "views", "vjp"]
