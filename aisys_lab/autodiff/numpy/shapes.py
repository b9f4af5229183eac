"""The same elements in another shape."""

import math

from aisys_lab.autodiff.numpy.base import as_input, axes_of, axis_of, ndim, shape
from aisys_lab.core import LabError
from aisys_lab.ir import Spec, bind, spec_of


def reshape(x, newshape):
    new = tuple(n if isinstance(n, str) else int(n)
                for n in (newshape if isinstance(newshape, tuple | list) else (newshape,)))
    if -1 in new:
        new = tuple(_rest(x, new) if n == -1 else n for n in new)
    return x if new == shape(x) else bind("reshape", as_input(x), shape=new)


def _rest(x, new):
    """What -1 stands for in a new shape; axes with a name must stand in both."""
    have, known = list(shape(x)), [n for n in new if n != -1]
    for name in [n for n in known if isinstance(n, str) and n in have]:
        have.remove(name)
        known.remove(name)
    size, known = Spec(have, spec_of(x).dtype).size, math.prod(known)
    if new.count(-1) > 1 or known == 0 or size % known:
        raise LabError(f"reshape: {spec_of(x)} does not fill {list(new)}; -1 may stand once, for "
                       f"a whole number of elements.")
    return size // known


def transpose(x, axes=None):
    axes = range(ndim(x))[::-1] if axes is None else axes
    return bind("transpose", as_input(x),
                axes=tuple(axis_of(x, a, "transpose", ndim(x)) for a in axes))


def swapaxes(x, a, b):
    order = list(range(ndim(x)))
    a, b = (axis_of(x, axis, "swapaxes", ndim(x)) for axis in (a, b))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def broadcast_to(x, shape):
    return bind("broadcast_to", as_input(x), shape=Spec(shape, spec_of(x).dtype).shape)


def expand_dims(x, axis):
    axis = axis_of(x, axis, "expand_dims", ndim(x) + 1)
    return reshape(x, (*shape(x)[:axis], 1, *shape(x)[axis:]))


def squeeze(x, axis=None):
    """Without the axes of length one (or those of them in ``axis``)."""
    ones_ = [i for i, n in enumerate(shape(x)) if n == 1]
    axes = ones_ if axis is None else axes_of(x, axis, "squeeze")
    return reshape(x, tuple(n for i, n in enumerate(shape(x)) if i not in axes))


def concatenate(xs, axis=0):
    xs = list(map(as_input, xs))
    if not xs:
        raise LabError("concatenate: needs at least one array.")
    return bind("concatenate", *xs, axis=axis_of(xs[0], axis, "concatenate", ndim(xs[0])))


def stack(xs, axis=0):
    return concatenate([expand_dims(x, axis) for x in xs], axis)
