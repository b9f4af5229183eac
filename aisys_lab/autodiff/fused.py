"""Compositions that run as one kernel where nobody looks inside: eager code, first derivatives.

A trace, forward mode, a derivative of a derivative and small arrays see the parts; so does
everything once a row on the way is not the package's own. (PyTorch, too, runs fused operations of
which its compiler sees a decomposition.)
"""

import functools
from dataclasses import replace

import numpy as np

from aisys_lab.autodiff.tensor import JVP, MODES, VJP, Joint, Tensor
from aisys_lab.core import SLOTS
from aisys_lab.ir import OPS, bind, work
from aisys_lab.ir.graph import define

ENOUGH = 1 << 12  # elements of the first array from which on a kernel's call pays
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
SUMMED = "autodiff.unbroadcast"


def fused(name, run, *rules):
    """Decorates a composition of ops on arrays: where it may, it runs as the op ``name``.

    ``run(*inputs, **attrs)`` computes it on arrays; ``rules``, one an input, its gradients:
    ``(g, out, *inputs, **attrs) -> gradient``, also on arrays.
    """
    def decorate(composed):
        define(name, composed, composed, lambda *specs, **attrs: _flops(composed, specs, attrs),
               "opaque")
        OPS.define(name, replace(OPS[name], fast=run))
        VJP.define(name, tuple(_pulled(composed, k, rule) for k, rule in enumerate(rules)))
        JVP.define(name, Joint(functools.partial(_pushed, composed)))

        @functools.wraps(composed)
        def function(*inputs, **attrs):
            run_it = plain(inputs) and untouched()
            return bind(name, *inputs, **attrs) if run_it else composed(*inputs, **attrs)
        return function
    return decorate


def plain(inputs):
    """Whether these are arrays, or hold arrays, of one dtype f32 or f64, the first a large one."""
    dtype = None
    for x in inputs:
        if type(x) is Tensor:
            x = x.value
        if type(x) is not np.ndarray or (dtype is not None and x.dtype is not dtype):
            return False
        if dtype is None and x.size < ENOUGH:
            return False
        dtype = x.dtype
    return dtype in FLOATS


def untouched():
    """Whether ops, rules and modes are the package's own; what a student writes is to be used."""
    return not (any(OPS.sheets[1:]) or any(VJP.sheets[1:]) or any(JVP.sheets[1:])
                or any(MODES.sheets[1:])) and SLOTS[SUMMED] is SLOTS.reference(SUMMED)


def _pulled(composed, k, rule):
    """The rule of input k: on arrays as given; of what is traced, through the composition."""
    def pull(g, out, *inputs, **attrs):
        if any(type(x) is Tensor for x in (g, *inputs)):
            from aisys_lab.autodiff.verbs import vjp
            at = lambda x: composed(*inputs[:k], x, *inputs[k + 1:], **attrs)  # noqa: E731
            return vjp(at, inputs[k])[1](g)[0]
        return rule(g, out, *inputs, **attrs)
    return pull


def _pushed(composed, tangents, out, *inputs, **attrs):
    """The tangent of the composition."""
    from aisys_lab.autodiff.verbs import jvp
    moving = [k for k, t in enumerate(tangents) if t is not None]

    def of_moving(*xs):
        args = list(inputs)
        for k, x in zip(moving, xs, strict=True):
            args[k] = x
        return composed(*args, **attrs)
    return jvp(of_moving, [inputs[k] for k in moving], [tangents[k] for k in moving])[1]


def _flops(composed, specs, attrs):
    """What the parts do."""
    from aisys_lab.autodiff.trace import trace
    return sum(part.flops for part in work(trace(lambda *xs: composed(*xs, **attrs), *specs)))
