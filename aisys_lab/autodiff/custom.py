"""Functions with derivative rules of their own: custom_vjp, custom_jvp, checkpoint."""

import functools

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import JVP, VJP, Joint, is_float
from aisys_lab.autodiff.verbs import jvp, vjp
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, tree_map, unflatten
from aisys_lab.ir import bind
from aisys_lab.ir.ops import define


def _no_count(*specs, **attrs):
    raise LabError("call has no count of its own; trace the function, and count its nodes.")


define("call", lambda *xs, body, **rules: body(*xs), lambda *xs, body, **rules: body(*xs),
       _no_count, "opaque", multi=True)
VJP.define("call", Joint(lambda g, out, *xs, body, vjp, jvp: vjp(g, out, *xs)))
JVP.define("call", Joint(lambda t, out, *xs, body, vjp, jvp: jvp(t, out, *xs)))


def custom_vjp(f, rule):
    """``f`` with the reverse rule ``rule(g, out, *args) -> a gradient for each argument``.

    ``g`` and the gradients have the trees of the result and of the arguments; None stands for
    zero. The rule is differentiated for higher orders; forward mode differentiates ``f`` itself.
    JAX splits the same into the two halves of ``defvjp``.
    """
    def pull(g, out, *args):
        parts = rule(g, out, *args)
        if not isinstance(parts, tuple | list) or len(parts) != len(args):
            raise LabError(f"custom_vjp: the rule of {_name(f)} should return a tuple of "
                           f"{len(args)} gradients, one an argument.")
        return tuple(parts)
    return _with_rules(f, pull, lambda t, out, *args: jvp(f, args, t)[1])


def custom_jvp(f, rule):
    """``f`` with the forward rule ``rule(tangents, out, *args) -> the tangent of the result``.

    ``tangents`` is a tuple, one an argument. The rule is linear in them, so reverse mode is its
    transpose, which one reverse pass through the rule gives.
    """
    def pull(g, out, *args):
        still = tree_map(lambda x: _zeros(x) if is_float(x) else x, args)
        return vjp(lambda *t: rule(t, out, *args), *still)[1](g)
    return _with_rules(f, pull, rule)


def checkpoint(f):
    """``f`` that saves its arguments alone: the way back runs it once more.

    Chen et al. 2016 (arXiv:1604.06174). Random numbers come out the same, since keys are
    arguments. What ``f`` needs must be passed, not closed over.
    """
    return _with_rules(f, lambda g, out, *args: vjp(f, *args)[1](g),
                       lambda t, out, *args: jvp(f, args, t)[1])


def _with_rules(f, pull, push):
    """``f`` as one op whose rules are ``pull`` and ``push``, both on trees."""
    @functools.wraps(f)
    def wrapped(*args):
        leaves, tree = flatten(args)
        shape = []  # the tree of the result, known after a run

        def body(*xs):
            out, out_tree = flatten(f(*unflatten(tree, xs)))
            shape[:] = [out_tree]
            return tuple(x if hasattr(x, "dtype") else np.asarray(x) for x in out)

        def backward(g, out, *xs):
            parts = pull(_tree(shape, g), _tree(shape, out), *unflatten(tree, xs))
            return [g for part, arg in zip(parts, args, strict=True)
                    for g in _gradients(f, part, len(flatten(arg)[0]))]

        def forward(t, out, *xs):
            moves = [_zeros(x) if m is None else m for x, m in zip(xs, t, strict=True)]
            inputs = unflatten(tree, xs)
            moved = flatten(push(unflatten(tree, moves), _tree(shape, out), *inputs))[0]
            return _as_many("tangents", f, moved, len(out))

        out = bind("call", *leaves, body=body, vjp=backward, jvp=forward)
        return _tree(shape, out)
    return wrapped


def _gradients(f, part, n):
    """Those of the leaves of one argument, from what a rule gave for it."""
    return [None] * n if part is None else _as_many("gradients", f, flatten(part)[0], n)


def _as_many(what, f, leaves, n):
    """Arrays, if they are ``n``; a sentence if a rule gave another tree."""
    if len(leaves) != n:
        raise LabError(f"the rule of {_name(f)} gives {len(leaves)} {what} where {n} are due; "
                       f"they have the tree of what they belong to.")
    return tuple(x if hasattr(x, "dtype") else np.asarray(x) for x in leaves)


def _tree(shape, leaves):
    return unflatten(shape[0], leaves)


def _zeros(x):
    return anp.zeros_like(x if hasattr(x, "dtype") else np.asarray(x))


def _name(f):
    return getattr(f, "__name__", "the function").strip("<>")
