"""Derivatives against central differences of the function itself."""

import numpy as np

from aisys_lab.autodiff.verbs import jvp, needs_floats, vjp
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, tree_map


def check_grads(f, modes=("fwd", "rev"), order=2, tolerance=1e-6, seed=0):
    """``check_grads(f)(*args)``: derivatives against central differences, in random directions.

    Raises LabError naming the mode, the order, and both numbers; arguments should be float64.
    """
    modes = (modes,) if isinstance(modes, str) else modes
    if set(modes) - {"fwd", "rev"}:
        raise LabError(f"check_grads: modes={modes!r}; the modes are: fwd, rev.")

    def check(*args):
        needs_floats(f, flatten(args)[0])
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
