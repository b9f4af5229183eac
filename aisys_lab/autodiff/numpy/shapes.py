"""The same elements in another shape, turned, or joined."""

import math

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, axes_of, axis_of, lengths, ndim, shape
from aisys_lab.core import LabError, whole
from aisys_lab.ir import Spec, bind, spec_of


def reshape(x, newshape):
    """The elements in the order they lie in, in another shape; -1 stands for what is left."""
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
    if len(have) == 1 and known in ([], [1]):
        return have[0]  # one axis is left, which may have a name
    size, known = Spec(have, spec_of(x).dtype).size, math.prod(known)
    if new.count(-1) > 1 or known == 0 or size % known:
        raise LabError(f"reshape: {spec_of(x)} does not fill {list(new)}; -1 may stand once, for "
                       f"a whole number of elements.")
    return size // known


def ravel(x):
    """All elements along one axis."""
    return reshape(x, -1)


def expand_dims(x, axis):
    """With axes of length one at the places ``axis`` (one or several) of the result."""
    several = axis if isinstance(axis, tuple | list) else (axis,)
    rank = ndim(x) + len(several)
    axes = {axis_of(x, a, "expand_dims", rank) for a in several}
    if len(axes) < len(several):
        raise LabError(f"expand_dims of {spec_of(x)}: axis {axis!r} names one place twice.")
    rest = iter(shape(x))
    return reshape(x, tuple(1 if i in axes else next(rest) for i in range(rank)))


def squeeze(x, axis=None):
    """Without the axes of length one (or those of them in ``axis``)."""
    sizes = shape(x)
    axes = [i for i, n in enumerate(sizes) if n == 1] if axis is None \
        else axes_of(x, axis, "squeeze")
    if any(sizes[a] != 1 for a in axes):
        raise LabError(f"squeeze: axis {axis!r} of {spec_of(x)} is not of length one.")
    return reshape(x, tuple(n for i, n in enumerate(sizes) if i not in axes))


def _atleast(rank, widen):
    def function(*xs):
        out = tuple(as_input(x) if ndim(x) >= rank else widen(x) for x in xs)
        return out[0] if len(out) == 1 else out
    function.__name__ = f"atleast_{rank}d"
    function.__doc__ = f"With at least {rank} axes; a tuple for several arrays."
    return function


atleast_1d = _atleast(1, lambda x: reshape(x, (1,)))
atleast_2d = _atleast(2, lambda x: expand_dims(atleast_1d(x), 0))
atleast_3d = _atleast(3, lambda x: expand_dims(atleast_2d(x), 2))


def broadcast_to(x, shape):
    """Repeated along new axes, and along those of length one."""
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    return bind("broadcast_to", as_input(x), shape=Spec(shape, spec_of(x).dtype).shape)


def broadcast_arrays(*xs):
    """The arrays, each at the shape that they broadcast to."""
    from aisys_lab.ir import broadcast
    wide = broadcast(*map(shape, xs), op="broadcast_arrays")
    return [x if shape(x) == wide else broadcast_to(x, wide) for x in xs]


def meshgrid(*xs, indexing="xy"):
    """One array an argument, with its values along its own axis of the grid."""
    if indexing not in ("xy", "ij"):
        raise LabError(f"meshgrid: indexing={indexing!r}; it is 'xy' or 'ij'.")
    n = len(xs)
    grids = broadcast_arrays(*(reshape(x, [-1 if i == k else 1 for i in range(n)])
                               for k, x in enumerate(xs)))
    return [swapaxes(g, 0, 1) for g in grids] if indexing == "xy" and n > 1 else grids


# ---- axes in another order

def transpose(x, axes=None):
    """Axes in another order; backwards where none is given."""
    rank = ndim(x)
    if axes is None:
        return bind("transpose", as_input(x), axes=tuple(range(rank))[::-1])
    axes = axes if isinstance(axes, tuple | list | np.ndarray) else (axes,)
    return bind("transpose", as_input(x),
                axes=tuple(axis_of(x, a, "transpose", rank) for a in axes))


permute_dims = transpose


def swapaxes(x, a, b):
    """Axes ``a`` and ``b`` in each other's place."""
    rank = ndim(x)
    order = list(range(rank))
    a, b = axis_of(x, a, "swapaxes", rank), axis_of(x, b, "swapaxes", rank)
    order[a], order[b] = b, a
    return bind("transpose", as_input(x), axes=tuple(order))


def matrix_transpose(x):
    """The last two axes swapped."""
    return swapaxes(x, -1, -2)


def moveaxis(x, source, destination):
    """Axes of ``source`` at the places ``destination``; the others keep their order."""
    given = [v if isinstance(v, tuple | list) else (v,) for v in (source, destination)]
    here, there = ([axis_of(x, a, "moveaxis", ndim(x)) for a in axes] for axes in given)
    if len(here) != len(there) or len(set(here)) < len(here) or len(set(there)) < len(there):
        raise LabError(f"moveaxis of {spec_of(x)}: {source!r} to {destination!r}; give as many "
                       f"different axes as places.")
    order = [i for i in range(ndim(x)) if i not in here]
    for place, axis in sorted(zip(there, here, strict=True)):
        order.insert(place, axis)
    return x if order == list(range(ndim(x))) else transpose(x, order)


# ---- joined

def concatenate(xs, axis=0):
    """Arrays one after another along ``axis`` (None: of all their elements in order)."""
    if not hasattr(xs, "__iter__"):
        raise LabError(f"concatenate: takes a list of arrays, got {xs!r}.")
    xs = list(map(as_input, xs))
    if not xs:
        raise LabError("concatenate: needs at least one array.")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    return bind("concatenate", *xs, axis=axis_of(xs[0], axis, "concatenate", ndim(xs[0])))


concat = concatenate


def stack(xs, axis=0):
    """Arrays of one shape, side by side along a new axis."""
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def vstack(xs):
    """Arrays (vectors as rows) one below another."""
    return concatenate([atleast_2d(x) for x in xs])


def hstack(xs):
    """Arrays one after another along the second axis (vectors along their own)."""
    xs = [atleast_1d(x) for x in xs]
    return concatenate(xs, 0 if all(ndim(x) == 1 for x in xs) else 1)


def dstack(xs):
    """Arrays one after another along a third axis."""
    return concatenate([atleast_3d(x) for x in xs], 2)


def column_stack(xs):
    """Vectors as columns, side by side."""
    return concatenate([x if ndim(x) > 1 else reshape(x, (-1, 1)) for x in xs], 1)


def append(x, values, axis=None):
    """``x`` and ``values`` one after another (``axis=None``: all elements in order)."""
    return concatenate([x, values], axis)


# ---- repeated

def tile(x, reps):
    """The whole array, again and again: ``reps`` times along each axis."""
    reps = tuple(reps) if isinstance(reps, tuple | list) else (reps,)
    x = reshape(x, (1,) * (len(reps) - ndim(x)) + shape(x))
    own = lengths(x, "tile")
    reps = (1,) * (len(own) - len(reps)) + reps
    wide = [n for pair in zip(reps, own, strict=True) for n in pair]
    apart = broadcast_to(reshape(x, [m for n in own for m in (1, n)]), wide)
    return reshape(apart, [r * n for r, n in zip(reps, own, strict=True)])


def repeat(x, repeats, axis=None):
    """Each element ``repeats`` times (a number, or one an element) along ``axis``."""
    if axis is None:
        x, axis = ravel(x), 0
    axis, own = axis_of(x, axis, "repeat", ndim(x)), lengths(x, "repeat")
    if not isinstance(repeats, int | np.integer):
        from aisys_lab.autodiff.numpy.indexing import take
        try:
            return take(x, np.repeat(np.arange(own[axis]), repeats), axis)
        except (ValueError, TypeError) as error:
            raise LabError(f"repeat: repeats={repeats!r} of {spec_of(x)} along axis {axis}: "
                           f"{error}.") from None
    repeats = whole("repeat", "repeats", repeats)
    wide = broadcast_to(expand_dims(x, axis + 1), (*own[:axis + 1], repeats, *own[axis + 1:]))
    return reshape(wide, (*own[:axis], own[axis] * repeats, *own[axis + 1:]))
