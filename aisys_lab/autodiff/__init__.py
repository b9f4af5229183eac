"""Automatic differentiation: tensors, rules, verbs, tracing, and the NumPy-like namespace."""

from aisys_lab.autodiff import forward, numpy, rules  # noqa: F401  (fill MODES, VJP and JVP)
from aisys_lab.autodiff.reverse import no_grad
from aisys_lab.autodiff.tensor import JVP, MODES, VJP, Joint, Mode, Tensor
from aisys_lab.autodiff.trace import apply_graph, trace
from aisys_lab.autodiff.verbs import (
    check_grads,
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

__all__ = ["JVP", "MODES", "VJP", "Joint", "Mode", "Tensor", "apply_graph", "check_grads",
           "elementwise_grad", "grad", "hessian", "hessian_vector_product", "jacobian", "jvp",
           "make_jvp", "make_vjp", "no_grad", "numpy", "trace", "value_and_grad", "vjp"]
