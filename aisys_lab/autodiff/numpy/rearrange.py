"""Elements in other places: cut apart, turned round, shifted, padded, masked to a triangle."""

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, axes_of, axis_of, lengths, ndim, shape
from aisys_lab.autodiff.numpy.elementwise import add, multiply, subtract, where
from aisys_lab.autodiff.numpy.indexing import diagonal, getitem, take
from aisys_lab.autodiff.numpy.reductions import sum
from aisys_lab.autodiff.numpy.shapes import broadcast_to, concatenate, ravel, reshape, swapaxes
from aisys_lab.core import LabError, whole
from aisys_lab.ir import bind, spec_of


def _along(axis, part):
    """The index that takes ``part`` of one axis and all of those before it."""
    return (*[slice(None)] * axis, part)


# ---- apart

def array_split(x, indices_or_sections, axis=0):
    """Pieces along ``axis``: so many, as even as can be, or cut at the given places."""
    axis = axis_of(x, axis, "array_split", ndim(x))
    n, cuts = lengths(x, "array_split")[axis], indices_or_sections
    if isinstance(cuts, int | np.integer):
        cuts = whole("array_split", "sections", cuts, 1)
        sizes = [n // cuts + (k < n % cuts) for k in range(cuts)]
        cuts = np.cumsum(sizes)[:-1].tolist()
    edges = [0, *cuts, n]
    return [getitem(x, _along(axis, slice(a, b))) for a, b in zip(edges, edges[1:], strict=False)]


def split(x, indices_or_sections, axis=0):
    """Pieces along ``axis``: so many equal ones, or cut at the given places."""
    axis = axis_of(x, axis, "split", ndim(x))
    n = lengths(x, "split")[axis]
    if isinstance(indices_or_sections, int | np.integer) \
            and n % whole("split", "sections", indices_or_sections, 1):
        raise LabError(f"split: axis {axis} of {spec_of(x)} does not fall into "
                       f"{indices_or_sections} equal parts; array_split makes uneven ones.")
    return array_split(x, indices_or_sections, axis)


def vsplit(x, indices_or_sections):
    """``split`` along the first axis."""
    return split(x, indices_or_sections, 0)


def hsplit(x, indices_or_sections):
    """``split`` along the second axis (the first of a vector)."""
    return split(x, indices_or_sections, 1 if ndim(x) > 1 else 0)


def dsplit(x, indices_or_sections):
    """``split`` along the third axis."""
    return split(x, indices_or_sections, 2)


def unstack(x, axis=0):
    """The arrays that ``stack`` would join to ``x``, as a tuple."""
    axis = axis_of(x, axis, "unstack", ndim(x))
    return tuple(getitem(x, _along(axis, k)) for k in range(lengths(x, "unstack")[axis]))


# ---- round

def flip(x, axis=None):
    """Backwards along ``axis``: one, several, or all."""
    axes = axes_of(x, axis, "flip")
    return getitem(x, tuple(slice(None, None, -1 if k in axes else None) for k in range(ndim(x))))


def fliplr(x):
    """Backwards along the second axis."""
    return flip(x, 1)


def flipud(x):
    """Backwards along the first axis."""
    return flip(x, 0)


def rot90(x, k=1, axes=(0, 1)):
    """Turned ``k`` times by a quarter, from the first of two axes towards the second."""
    first, second = (axis_of(x, a, "rot90", ndim(x)) for a in axes)
    if k % 4 == 2:
        return flip(x, (first, second))
    if k % 4 == 0:
        return as_input(x)
    return flip(swapaxes(x, first, second), first if k % 4 == 1 else second)


def roll(x, shift, axis=None):
    """Shifted along ``axis``; what leaves at one end comes in at the other."""
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), shape(x))
    if isinstance(axis, tuple | list) or isinstance(shift, tuple | list):
        for s, a in _pairs(x, shift, axis):
            x = roll(x, int(s), int(a))
        return x
    axis = axis_of(x, axis, "roll", ndim(x))
    n = lengths(x, "roll")[axis]
    cut = -shift % n if n else 0
    parts = [getitem(x, _along(axis, part)) for part in (slice(cut, None), slice(cut))]
    return concatenate(parts, axis) if cut else as_input(x)


def _pairs(x, shift, axis):
    """``(shift, axis)`` of several axes; one number serves all."""
    try:
        return list(np.broadcast(shift, axis))
    except ValueError:
        raise LabError(f"roll of {spec_of(x)}: shifts {shift!r} and axes {axis!r} should be as "
                       f"many.") from None


# ---- wider

def pad(x, pad_width, mode="constant", constant_values=0):
    """Wider at the ends of each axis, by one number, a pair, or a pair an axis; filled with a
    constant, or (reflect, symmetric, edge, wrap) with elements of ``x``."""
    own = lengths(x, "pad")
    try:
        widths = np.broadcast_to(pad_width, (len(own), 2)).tolist()
    except ValueError:
        raise LabError(f"pad: pad_width={pad_width!r} does not fit {spec_of(x)}; give a number, a "
                       f"pair, or a pair an axis.") from None
    if mode == "constant":
        return _padded(as_input(x), own, widths, constant_values)
    if mode not in ("reflect", "symmetric", "edge", "wrap"):
        raise LabError(f"pad: no mode {mode!r}; the modes are: constant, reflect, symmetric, "
                       f"edge, wrap.")
    if any(not n and any(width) for n, width in zip(own, widths, strict=True)):
        raise LabError(f"pad: {spec_of(x)} has no elements to fill with by mode {mode!r}.")
    for axis, (n, width) in enumerate(zip(own, widths, strict=True)):
        x = take(x, np.pad(np.arange(n), width, mode), axis) if any(width) else x
    return as_input(x)


def _padded(x, own, widths, value):
    new = tuple(a + n + b for n, (a, b) in zip(own, widths, strict=True))
    start, stop = tuple(a for a, _ in widths), tuple(
        a + n for n, (a, _) in zip(own, widths, strict=True))
    out = bind("unslice", x, shape=new, start=start, stop=stop, step=(1,) * len(own))
    if type(value) in (int, float) and value == 0:
        return out
    inside = np.zeros(new, bool)
    inside[tuple(map(slice, start, stop))] = True
    return where(inside, out, value)


# ---- triangles

def tril(x, k=0):
    """Zeros above the ``k``-th diagonal of the last two axes."""
    return where(np.tri(*lengths(x, "tril")[-2:], k, dtype=bool), x, _zero(x))


def triu(x, k=0):
    """Zeros below the ``k``-th diagonal of the last two axes."""
    return where(np.tri(*lengths(x, "triu")[-2:], k - 1, dtype=bool), _zero(x), x)


def _zero(x):
    return np.zeros((), spec_of(x).dtype)


def trace(x, offset=0, axis1=0, axis2=1):
    """The sum along a diagonal of two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


def diff(x, n=1, axis=-1, prepend=None, append=None):
    """Each element less the one before it, ``n`` times over, with more put before and behind."""
    if not n:
        return as_input(x)
    axis = axis_of(x, axis, "diff", ndim(x))
    ends = [v if v is None or ndim(v) else broadcast_to(v, _cut(x, axis))
            for v in (prepend, append)]
    if any(v is not None for v in ends):
        x = concatenate([v for v in (ends[0], x, ends[1]) if v is not None], axis)
    for _ in range(n):
        x = subtract(*(getitem(x, _along(axis, part)) for part in (slice(1, None), slice(-1))))
    return x


def _cut(x, axis):
    """The shape of one slice of x."""
    return tuple(1 if k == axis else n for k, n in enumerate(shape(x)))


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along ``axis`` by the trapezoidal rule, of places ``x`` or steps ``dx``."""
    axis = axis_of(y, axis, "trapezoid", ndim(y))
    if x is not None:
        dx = diff(x, axis=-1 if ndim(x) == 1 else axis)
        dx = reshape(dx, [-1 if k == axis else 1 for k in range(ndim(y))]) if ndim(x) == 1 else dx
    ends = [getitem(y, _along(axis, part)) for part in (slice(1, None), slice(-1))]
    return sum(multiply(dx, add(*ends)) / 2.0, axis)
