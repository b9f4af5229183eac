"""The verbs: vjp, jvp, grad and what is made of them; they nest to any order."""

import functools
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
    """One run of ``f`` in reverse mode: its outputs, and the way back from them."""

    def __init__(self, f, args):
        mode = self.mode = MODES["reverse"]()
        leaves, self.tree = flatten(args)
        self.leaves = [x if hasattr(x, "dtype") else np.asarray(x) for x in leaves]
        try:
            self.inputs = [mode.variable(x) if is_float(x) else x for x in self.leaves]
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
        variables = [x for x in self.inputs if _belongs(x, self.mode)]
        found = iter(self.mode.gradients(zip(self.out, seeds, strict=True), variables))
        grads = [next(found) if _belongs(x, self.mode) else None for x in self.inputs]
        grads = [_like(x, g) for x, g in zip(self.leaves, grads, strict=True)]
        return unflatten(self.tree, _apart(grads, seeds))


def _matched(g, out):
    """The leaves of ``g`` as arrays; a sentence if they do not fit the outputs."""
    seeds = [_array(s) for s in flatten(g)[0]]
    if len(seeds) != len(out):
        raise LabError(f"pull: f has {len(out)} outputs, got {len(seeds)} gradients.")
    for x, s in zip(out, seeds, strict=True):
        if anp.shape(x) != s.shape:
            raise LabError(f"pull: the gradient should be {spec_of(x)} like the output, got "
                           f"{spec_of(s)}.")
    return seeds


def _like(x, g):
    """The gradient or tangent of a leaf: zeros where nothing came, of the leaf's dtype."""
    if g is None:
        return anp.zeros_like(x)
    return g if g.dtype == x.dtype else anp.astype(g, x.dtype)


def _apart(grads, seeds):
    """Gradients that share no memory with each other or with the seeds: each may be changed."""
    taken = set(map(id, seeds))
    for i, g in enumerate(grads):
        if type(g) is np.ndarray and (g.base is not None or id(g) in taken):
            grads[i] = g.copy()
        taken.add(id(g))
    return grads


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
        if x.shape != t.shape:
            raise LabError(f"jvp: the tangent of {spec_of(x)} is {spec_of(t)}; it should have "
                           f"the same shape.")
    inputs = [mode.variable(x, _like(x, t)) if is_float(x) else x
              for x, t in zip(leaves, moves, strict=True)]
    out, out_tree = flatten(f(*unflatten(treedef, inputs)))
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
    """A function that returns ``(f(*args), gradient of f by args[argnum])``; f gives a scalar."""
    @functools.wraps(f)
    def value_and_grad_f(*args):
        x, alone = _alone(f, args, argnum)
        run = _Run(alone, (x,))
        if len(run.out) != 1 or anp.shape(run.out[0]) != ():
            raise LabError(f"grad: {_name(f)} should return one number, got "
                           f"{_what(run.value())}; jacobian or elementwise_grad take arrays.")
        _needs_floats(f, run.leaves)
        value = _array(run.value())
        return value, run.pull([anp.ones_like(value)], once=True)[0]
    value_and_grad_f.__name__ = f"value_and_grad_{_name(f)}"
    return value_and_grad_f


def _what(value):
    return spec_of(value) if hasattr(value, "dtype") else f"a {type(value).__name__}"


def _alone(f, args, argnum):
    """``(x, f as a function of x)`` for argument ``argnum``, from the end where negative."""
    if not hasattr(argnum, "__index__") or not -len(args) <= argnum < len(args):
        raise LabError(f"{_name(f)} got {len(args)} arguments; argnum={argnum!r} is none of them.")
    k = argnum % len(args)
    return args[k], lambda x: f(*args[:k], x, *args[k + 1:])


def _name(f):
    return getattr(f, "__name__", "f").strip("<>")


def _needs_floats(f, leaves):
    for leaf in leaves:
        if not is_float(_array(leaf)):
            raise LabError(f"grad of {_name(f)}: an argument is {spec_of(leaf)}; derivatives are "
                           f"taken by floating-point arrays, so write 2.0 for 2.")


def grad(f, argnum=0):
    """The gradient of a function that returns one number."""
    both = value_and_grad(f, argnum)

    @functools.wraps(f)
    def grad_f(*args):
        return both(*args)[1]
    grad_f.__name__ = f"grad_{_name(f)}"
    return grad_f


def elementwise_grad(f, argnum=0):
    """The gradient of the sum of f: slopes of a function that works element by element."""
    return grad(lambda *args: anp.sum(f(*args)), argnum)


def jacobian(f, argnum=0):
    """Array of shape ``out.shape + x.shape``: one reverse pass a row."""
    def jacobian_f(*args):
        x, alone = _alone(f, args, argnum)
        out, pull = vjp(alone, x)
        out = np.asarray(out) if isinstance(out, int | float) else out
        if not hasattr(out, "shape"):
            raise LabError(f"jacobian: {_name(f)} should return one array, got a "
                           f"{type(out).__name__}.")
        basis = np.eye(int(np.prod(out.shape)), dtype=out.dtype)
        rows = [pull(row.reshape(out.shape))[0] for row in basis]
        if not rows:
            return np.zeros((*out.shape, *anp.shape(x)), out.dtype)
        return anp.reshape(anp.stack(rows), (*out.shape, *rows[0].shape))
    return jacobian_f


def hessian(f, argnum=0):
    """Second derivatives of a function that returns one number."""
    return jacobian(grad(f, argnum), argnum)


def hessian_vector_product(f, argnum=0):
    """``hvp(*args, v)``: forward over reverse, so that no Hessian is ever formed."""
    def hvp(*args):
        *args, v = args
        x, alone = _alone(grad(f, argnum), args, argnum)
        return jvp(alone, (x,), (v,))[1]
    return hvp


def check_grads(f, modes=("fwd", "rev"), order=2, tolerance=1e-6, seed=0):
    """``check_grads(f)(*args)``: derivatives against central differences, in random directions.

    Raises LabError naming the mode, the order, and both numbers; arguments should be float64.
    """
    if set(modes) - {"fwd", "rev"}:
        raise LabError(f"check_grads: modes={modes!r}; the modes are: fwd, rev.")

    def check(*args):
        _needs_floats(f, flatten(args)[0])
        rng = np.random.default_rng(seed)
        v = tree_map(lambda x: rng.standard_normal(np.shape(x)), args)
        out, forward = jvp(f, args, v)
        u = tree_map(lambda x: rng.standard_normal(np.shape(x)), out)
        exact = _inner(u, _difference(f, args, v))
        if "fwd" in modes:
            _close("forward", order, _inner(u, forward), exact, tolerance)
        if "rev" in modes:
            _close("reverse", order, _inner(vjp(f, *args)[1](u), v), exact, tolerance)
        if order > 1:
            check_grads(lambda *xs: vjp(f, *xs)[1](u), modes, order - 1, tolerance, seed + 1)(*args)
    return check


def _difference(f, args, v, h=1e-5):
    ahead, behind = (f(*tree_map(lambda x, d, s=s: x + s * h * d, args, v)) for s in (1, -1))
    return tree_map(lambda a, b: (a - b) / (2 * h), ahead, behind)


def _inner(a, b):
    pairs = zip(flatten(a)[0], flatten(b)[0], strict=True)
    return sum(float(np.sum(np.multiply(x, y))) for x, y in pairs)


def _close(mode, order, got, want, tolerance):
    if not abs(got - want) <= tolerance * max(1.0, abs(want)) * 10:
        raise LabError(f"check_grads: {mode} mode gives {got:.10g}, central differences give "
                       f"{want:.10g} (orders left: {order}).")
