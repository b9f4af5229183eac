"""The verbs: vjp, jvp, grad and what is made of them; they nest to any order."""

import functools
import math
import sys
import zlib

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.tensor import MODES, Tensor, is_float
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, tree_map, unflatten
from aisys_lab.ir import spec_of


def _array(x):
    return x if hasattr(x, "dtype") else np.asarray(x)


def vjp(f, *args):
    """``(out, pull)``: the value, and the function from a gradient of it to gradients of args.

    ``pull(g)`` returns one gradient an argument, in the argument's tree; leaves that are not
    floats get zeros. Raises LabError where an array that the derivative needs is changed in
    place, by ``f`` or before ``pull``.
    """
    run = _Run(f, args)
    before = [_fingerprint(x) for x in run.mode.held]

    def pull(g):
        if before != [_fingerprint(x) for x in run.mode.held]:
            raise LabError(f"pull: an array that the derivative of {_name(f)} needs was changed in "
                           f"place after the value was computed; copy it first.")
        return run.pull(_matched(g, run.out))

    return run.value(), pull


class _Run:
    """One run of ``f`` in reverse mode: its outputs, and the way back from them.

    ``strict`` refuses leaves that are no floats.
    """

    def __init__(self, f, args, strict=False):
        mode = self.mode = MODES["reverse"]()
        leaves, self.tree = flatten(args)
        self.leaves = [x if hasattr(x, "dtype") else np.asarray(x) for x in leaves]
        try:
            self.inputs = [mode.variable(x) if is_float(x) else x for x in self.leaves]
            self.variables = [x for x in self.inputs if _belongs(x, mode)]
            if strict and len(self.variables) < len(leaves):
                needs_floats(f, leaves)
            self.out, self.out_tree = flatten(f(*unflatten(self.tree, self.inputs)))
        except ValueError as error:
            raise _in_place(f, error) from None
        finally:
            mode.close()

    def value(self):
        """What ``f`` returned, without the tape."""
        return unflatten(self.out_tree, [self.mode.lower(x) for x in self.out])

    def pull(self, seeds, once=False):
        """One gradient an argument; ``once`` frees the tape along the way."""
        self.mode.once = once
        grads = self.mode.gradients(zip(self.out, seeds, strict=True), self.variables)
        if len(grads) < len(self.inputs):
            found = iter(grads)
            grads = [next(found) if _belongs(x, self.mode) else None for x in self.inputs]
        grads = [_like(x, g) for x, g in zip(self.leaves, grads, strict=True)]
        return unflatten(self.tree, _apart(grads, seeds))


def _matched(g, out):
    """The leaves of ``g`` as arrays; a sentence if they do not fit the outputs."""
    seeds = [_array(s) for s in flatten(g)[0]]
    out = [_array(x) for x in out]
    if len(seeds) != len(out):
        raise LabError(f"pull: f has {len(out)} outputs, got {len(seeds)} gradients.")
    for x, s in zip(out, seeds, strict=True):
        if x.shape != s.shape or s.dtype.kind not in "fiub":
            got = spec_of(s) if s.dtype.kind in "fiub" else s.dtype
            raise LabError(f"pull: the gradient should be {spec_of(x)} like the output, got "
                           f"{got}.")
    return [s if s.dtype.kind == "f" else _like(x, s) for x, s in zip(out, seeds, strict=True)]


def _like(x, g):
    """The gradient or tangent of a leaf: zeros where nothing came, of the leaf's dtype."""
    if g is None:
        return anp.zeros_like(x)
    return g if g.dtype == x.dtype else anp.astype(g, x.dtype)


def _apart(grads, seeds):
    """Gradients that share no memory with each other or with the seeds: each may be changed."""
    taken = set(map(id, seeds))
    for i, g in enumerate(grads):
        if type(g) is np.ndarray and (id(g) in taken or _lent(g)):
            grads[i] = g.copy()
        taken.add(id(g))
    return grads


def _lent(array):
    """Whether it is a view of memory that something else holds, too, or that is much larger; a
    result of a kernel lies in a block with a little room before it, and is the only one there."""
    block = array.base
    return block is not None and not (
        type(block) is np.ndarray and block.base is None and sys.getrefcount(block) <= 3
        and array.flags.c_contiguous and block.nbytes < array.nbytes + 256)


def _in_place(f, error):
    """NumPy's complaint about a locked array, in words; any other error as it is."""
    if "read-only" not in str(error):
        return error
    return LabError(f"{_name(f)} changes an array in place that a derivative needs; make a new "
                    f"one, as in x = x + 1.")


def _fingerprint(array):
    """A number that changes with the array's bytes (Adler-32)."""
    return zlib.adler32(array if array.flags.c_contiguous else array.tobytes())


def _belongs(x, mode):
    return type(x) is Tensor and x.mode is mode


def jvp(f, args, tangents):
    """``(out, tangent_out)``: the value and its derivative along ``tangents``."""
    mode = MODES["forward"]()
    if not isinstance(args, tuple | list) or not isinstance(tangents, tuple | list):
        raise LabError("jvp(f, args, tangents) takes two tuples, as in jvp(f, (x,), (v,)).")
    leaves, treedef = flatten(tuple(args))
    leaves, moves = [_array(x) for x in leaves], [_array(t) for t in flatten(tuple(tangents))[0]]
    if len(leaves) != len(moves):
        raise LabError(f"jvp: {len(leaves)} arguments but {len(moves)} tangents.")
    for x, t in zip(leaves, moves, strict=True):
        if x.shape != t.shape or t.dtype.kind not in "fiub":
            raise LabError(f"jvp: the tangent of {spec_of(x)} is {spec_of(t)}; it should have "
                           f"the same shape.")
        if not is_float(x) and isinstance(t, np.ndarray | np.generic) and t.any():
            raise LabError(f"jvp: an argument is {spec_of(x)}, which cannot move along a tangent; "
                           f"write 2.0 for 2.")
    inputs = [mode.variable(x, _like(x, t)) if is_float(x) else x
              for x, t in zip(leaves, moves, strict=True)]
    try:
        out, out_tree = flatten(f(*unflatten(treedef, inputs)))
    finally:
        mode.close()
    tangent = [x.note if _belongs(x, mode) else anp.zeros_like(_array(x)) for x in out]
    return (unflatten(out_tree, [mode.lower(x) for x in out]), unflatten(out_tree, tangent))


def make_vjp(f):
    """``make_vjp(f)(*args) -> (pull, out)``, autograd's order."""
    return lambda *args: vjp(f, *args)[::-1]


def make_jvp(f):
    """``make_jvp(f)(*args)(*tangents) -> (out, tangent_out)``, autograd's form."""
    return lambda *args: lambda *tangents: jvp(f, args, tangents)


def value_and_grad(f, argnum=0):
    """A function that returns ``(f(*args), gradient of f by args[argnum])``; f gives a scalar.

    ``argnum`` is a place, from the end where negative, or a tuple of places, for a tuple of
    gradients. Raises LabError where f gives no single number or x holds other than floats.
    """
    @functools.wraps(f)
    def value_and_grad_f(*args, **named):
        x, alone = _alone(f, args, argnum, named)
        run = _Run(alone, (x,), strict=True)
        value = _one_number(f, run)
        return value, run.pull([anp.ones_like(value)], once=True)[0]
    value_and_grad_f.__name__ = f"value_and_grad_{_name(f)}"
    return value_and_grad_f


def _one_number(f, run):
    """What a run gave, if it is one number that came of tensors."""
    value = run.value()
    alone = len(run.out) == 1 and run.mode.lower(run.out[0]) is value  # not in a list
    if not alone or _array(value).shape or _array(value).dtype.kind not in "fiub":
        raise LabError(f"grad: {_name(f)} should return one number, got {_what(value)}; jacobian "
                       f"or elementwise_grad take arrays.")
    if run.mode.dropped and not _belongs(run.out[0], run.mode):
        raise LabError(f"grad: {_name(f)} returns a plain number after float() took one out of a "
                       f"tensor, as math.sin does; use aisys_lab.autodiff.numpy.")
    return _array(value)


def _what(value):
    return spec_of(value) if hasattr(value, "dtype") else f"a {type(value).__name__}"


def _alone(f, args, argnum, named):
    """``(x, f as a function of x)`` for argument ``argnum``, or for the tuple of several."""
    several = isinstance(argnum, tuple | list)
    places = argnum if several else (argnum,)
    if not callable(f):
        raise LabError(f"a derivative is taken of a function, got a {type(f).__name__}.")
    for k in places:
        if not hasattr(k, "__index__") or not -len(args) <= k < len(args):
            raise LabError(f"{_name(f)} got {len(args)} arguments; argnum={k!r} is none of them.")

    def alone(x):
        new = list(args)
        for k, value in zip(places, x if several else (x,), strict=True):
            new[k] = value
        return f(*new, **named)

    alone.__name__ = _name(f)
    x = tuple(args[k] for k in places)
    return x if several else x[0], alone


def _name(f):
    return getattr(f, "__name__", "f").strip("<>")


def needs_floats(f, leaves):
    """A sentence unless all leaves are floats, by which derivatives are taken."""
    for leaf in leaves:
        if not is_float(_array(leaf)):
            raise LabError(f"grad of {_name(f)}: an argument is {_what(_known(leaf))}; derivatives "
                           f"are taken by floating-point arrays, so write 2.0 for 2.")


def _known(leaf):
    """The leaf as an array, where it is a number or several."""
    array = _array(leaf)
    return array if array.dtype.kind in "iub" else leaf


def grad(f, argnum=0):
    """The gradient of a function that returns one number; see ``value_and_grad``."""
    both = value_and_grad(f, argnum)

    @functools.wraps(f)
    def grad_f(*args, **named):
        return both(*args, **named)[1]
    grad_f.__name__ = f"grad_{_name(f)}"
    return grad_f


def elementwise_grad(f, argnum=0):
    """The gradient of the sum of f: slopes of a function that works element by element."""
    @functools.wraps(f)
    def total(*args, **named):
        return anp.sum(f(*args, **named))
    return grad(total, argnum)


def jacobian(f, argnum=0):
    """Array of shape ``out.shape + x.shape``: one reverse pass a row; a tree of them for a tree."""
    def jacobian_f(*args, **named):
        x, alone = _alone(f, args, argnum, named)
        run = _Run(alone, (x,), strict=True)
        out = run.value()
        out = np.asarray(out) if isinstance(out, int | float) else out
        if not hasattr(out, "shape"):
            raise LabError(f"jacobian: {_name(f)} should return one array, got a "
                           f"{type(out).__name__}.")
        basis = np.eye(math.prod(out.shape), dtype=out.dtype)
        rows = [run.pull([row.reshape(out.shape)])[0] for row in basis]
        return tree_map(lambda x, *parts: _stacked(parts, out, _array(x)), x, *rows)
    return jacobian_f


def _stacked(rows, out, x):
    """Rows of a Jacobian as one array."""
    if not rows:
        return np.zeros((*out.shape, *x.shape), x.dtype)
    return anp.reshape(anp.stack(rows), (*out.shape, *x.shape))


def hessian(f, argnum=0):
    """Second derivatives of a function that returns one number."""
    return jacobian(grad(f, argnum), argnum)


def hessian_vector_product(f, argnum=0):
    """``hvp(*args, v)``: forward over reverse, so that no Hessian is ever formed."""
    def hvp(*args, **named):
        *args, v = args
        x, alone = _alone(grad(f, argnum), args, argnum, named)
        return jvp(alone, (x,), (v,))[1]
    return hvp
