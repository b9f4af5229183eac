"""Compositions that run as one kernel where nobody looks inside: eager code, first derivatives.

A trace, forward mode, a derivative of a derivative and small arrays see the parts; so does
everything once a row on the way is not the package's own. (PyTorch, too, runs fused operations of
which its compiler sees a decomposition.)
"""

import functools
import inspect
from dataclasses import replace

import numpy as np

from aisys_lab.autodiff.tensor import JVP, MODES, VJP, Joint, Tensor
from aisys_lab.core import SLOTS
from aisys_lab.ir import OPS, bind, work
from aisys_lab.ir.graph import define

ENOUGH = 1 << 12  # elements of the first array from which on a kernel's call pays
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
SUMMED = "autodiff.unbroadcast"


def fused(name, run, rules, inputs=None, multi=False, fits=lambda *_, **__: True):
    """Decorates a composition of ops on arrays: where it may, it runs as the op ``name``.

    ``run(*arrays, **attrs)`` computes it; ``rules`` are its gradients, also on arrays: a tuple, one
    an input, of ``(g, out, *arrays, **attrs) -> gradient``, or one Joint for all ``inputs``.
    ``fits`` of the arguments says whether these are what ``run`` is for; a composition of
    broadcasting parts may take more.
    """
    count = len(rules) if inputs is None else inputs

    def decorate(composed):
        define(name, composed, composed, lambda *specs, **attrs: _flops(composed, specs, attrs),
               "opaque", multi)
        OPS.define(name, replace(OPS[name], fast=run))
        VJP.define(name, _reverse(composed, rules))
        JVP.define(name, Joint(functools.partial(_pushed, composed)))
        rest = list(inspect.signature(composed).parameters)[count:]

        @functools.wraps(composed)
        def function(*args, **attrs):
            if len(args) >= count and plain(args[:count]) and untouched():
                settings = dict(zip(rest, args[count:], strict=False)) | attrs
                if not traced(*settings.values()) and fits(*args[:count], **settings):
                    return bind(name, *args[:count], **settings)
            return composed(*args, **attrs)
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


def traced(*values):
    """Whether one of these is a tensor: then the parts are differentiated, not the kernel."""
    return Tensor in map(type, values)


def _reverse(composed, rules):
    """The row of VJP: on arrays as given; of what is traced, through the composition."""
    if type(rules) is Joint:
        return Joint(functools.partial(_pulled_at_once, composed, rules.rule))
    return tuple(functools.partial(_pulled, composed, k, rule) for k, rule in enumerate(rules))


def _pulled(composed, k, rule, g, out, *inputs, **attrs):
    if not traced(g, *inputs):
        return rule(g, out, *inputs, **attrs)
    from aisys_lab.autodiff.verbs import vjp
    at = lambda x: composed(*inputs[:k], x, *inputs[k + 1:], **attrs)  # noqa: E731
    return vjp(at, inputs[k])[1](g)[0]


def _pulled_at_once(composed, rule, g, out, *inputs, **attrs):
    parts = None
    if not traced(*(g if type(g) is tuple else (g,)), *inputs):
        parts = rule(g, out, *inputs, **attrs)
    if parts is None:  # traced, or not for the kernel
        from aisys_lab.autodiff.verbs import vjp
        parts = vjp(lambda *xs: composed(*xs, **attrs), *inputs)[1](g)
    return parts


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
