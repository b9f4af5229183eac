"""Some of the elements, by where they stand: indices as NumPy takes them, and their transpose."""

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, axis_of, lengths, ndim, shape
from aisys_lab.autodiff.numpy.creation import fixed, full_like, zeros_like
from aisys_lab.autodiff.numpy.elementwise import astype, where
from aisys_lab.autodiff.numpy.shapes import broadcast_to, moveaxis, ravel, reshape
from aisys_lab.core import LabError
from aisys_lab.ir import Spec, Traced, bind, spec_of

ALL = slice(None)
PLAIN = {slice, int, type(None), type(Ellipsis)}


def getitem(x, index):
    """``x[index]``: whole numbers, slices, ``...``, ``None``, arrays of places, boolean masks."""
    if type(index) is np.ndarray and index.dtype.kind in "iu" and ndim(x):
        return bind("gather", as_input(x), index)  # rows of a table: the common case
    index = index if type(index) is tuple else (index,)
    if not PLAIN.issuperset(map(type, index)):
        index = tuple(int(i) if isinstance(i, np.integer) else i for i in index)
        if not PLAIN.issuperset(map(type, index)):
            return _far(x, index)
    return _sliced(x, _full_index(x, index))


def _far(x, index):
    """``x[index]`` where an entry is an array of places or a mask."""
    items = [pair for item in index for pair in _entries(x, item)]
    far = [k for k, (i, _) in enumerate(items) if type(i) not in PLAIN]
    full = _full_index(x, [i for i, _ in items])
    if not far:
        return _sliced(x, full)
    out = _sliced(x, [i if type(i) in PLAIN else slice(None) for i in full])
    axes = [k for k, i in enumerate(full) if type(i) not in PLAIN]
    for (_, n), axis in zip((items[k] for k in far), axes, strict=True):
        if n not in (None, shape(out)[axis]):
            raise LabError(f"a mask of length {n} along an axis of length {shape(out)[axis]} of "
                           f"{spec_of(x)}.")
    return _picked(out, axes, [full[k] for k in axes], far[-1] - far[0] == len(far) - 1)


def _entries(x, item):
    """``(entry, None)`` of one item of an index; of a mask, the places along each of its axes,
    with the length of that axis. Beside arrays, a whole number counts as an array."""
    if type(item) in PLAIN and type(item) is not int:
        return [(item, None)]
    places = item if hasattr(item, "dtype") else np.asarray(item)
    if places.dtype.kind == "b":
        return list(zip(nonzero(places), shape(places), strict=True))
    if places.dtype.kind not in "iu" and 0 not in shape(places):
        raise LabError(f"index {item!r} does not fit {spec_of(x)}; slices, whole numbers and "
                       f"arrays of them do.")
    return [(places if places.dtype.kind in "iu" else places.astype(np.int64), None)]


def nonzero(x):
    """The places of what is not zero: one array of whole numbers an axis. Not while tracing,
    since their number depends on values."""
    while isinstance(x, Traced) and isinstance(x.value, Traced | np.ndarray | np.generic):
        x = x.value
    if isinstance(x, Traced | Spec):
        raise LabError(f"how many elements of {spec_of(x)} are true is not known while tracing; "
                       f"use where(condition, x, y), which keeps the shape.")
    if not np.ndim(x):
        raise LabError("a single truth value is no index; where(condition, x, y) chooses by one.")
    return np.nonzero(x)


def _full_index(x, index):
    """An ellipsis, or the end, stands for all axes not named."""
    named, dots = len(index), None
    for k, i in enumerate(index):
        if i is None:
            named -= 1
        elif i is Ellipsis:
            named, dots, again = named - 1, k, dots is not None
            if again:
                raise LabError(f"an index of {spec_of(x)} has two ellipses (...); one may stand.")
    rest = [ALL] * (ndim(x) - named)
    if named > ndim(x):
        raise LabError(f"{named} indices do not fit {spec_of(x)}, which has {ndim(x)} axes.")
    return [*index, *rest] if dots is None else [*index[:dots], *rest, *index[dots + 1:]]


def _sliced(x, index):
    """The part that slices and whole numbers choose, with new axes at None."""
    sizes = shape(x)
    start, stop, step, new, axis, part, whole = [], [], [], [], 0, False, True
    for i in index:
        if i is None:
            new.append(1)
            whole = False
            continue
        n = sizes[axis]
        a, b, c = (0, n, 1) if i == ALL else _bounds(x, n, i)
        axis, part = axis + 1, part or i != ALL
        start.append(a)
        stop.append(b)
        step.append(c)
        if type(i) is slice:
            new.append(n if i == ALL else len(range(a, b, c)))
        else:
            whole = False
    if part:
        x = bind("slice", as_input(x), start=tuple(start), stop=tuple(stop), step=tuple(step))
    return as_input(x) if whole else reshape(x, tuple(new))


def _bounds(x, n, i):
    """``(start, stop, step)`` of one index along an axis of length ``n``."""
    if type(n) is not str:
        if type(i) is slice:
            bounds = i.indices(n)
            return bounds if len(range(*bounds)) else (0, 0, 1)
        if -n <= i < n:
            i = i % n
            return i, i + 1, 1
    raise LabError(f"index {i!r} does not fit {spec_of(x)}; slices and whole numbers do"
                   f"{', along axes whose length is known' * isinstance(n, str)}.")


def _picked(x, axes, places, together):
    """The elements at arrays of places along ``axes``. The axes of these arrays, broadcast, stand
    where those stood if they stood together, else in front."""
    out = bind("gather", moveaxis(x, axes, list(range(len(axes)))), *places)
    lead = ndim(out) - (ndim(x) - len(axes))
    if not together or axes[0] == 0 or not lead:
        return out
    return moveaxis(out, list(range(lead)), list(range(axes[0], axes[0] + lead)))


# ---- by name

def take(x, indices, axis=None):
    """The elements at ``indices`` along ``axis`` (None: of all elements in order)."""
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(x, axis, "take", ndim(x))
    indices = indices if hasattr(indices, "dtype") else np.asarray(indices)
    return getitem(x, (slice(None),) * axis + (indices,))


def take_along_axis(x, indices, axis=-1):
    """Elements at ``indices`` along ``axis``, one place for each: what argsort is made for."""
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    axis, rank = axis_of(x, axis, "take_along_axis", ndim(x)), ndim(x)
    if ndim(indices) != rank:
        raise LabError(f"take_along_axis: {spec_of(x)} and {spec_of(indices)} should have as many "
                       f"axes.")
    return bind("gather", x, *_grid(x, indices, axis))


def _grid(x, indices, axis):
    """Places along every axis: ``indices`` along one, each element's own along the others."""
    own = [1 if k == axis else n for k, n in enumerate(shape(x))]
    sizes = lengths(Spec(own, np.int64), "take_along_axis")
    return [indices if k == axis else
            np.arange(n).reshape([-1 if i == k else 1 for i in range(len(sizes))])
            for k, n in enumerate(sizes)]


def diagonal(x, offset=0, axis1=0, axis2=1):
    """Elements whose places along two axes differ by ``offset``, along a new last axis."""
    x = moveaxis(x, (axis1, axis2), (0, 1))
    rows, columns = lengths(x, "diagonal")[:2]
    places = np.arange(max(min(rows + min(offset, 0), columns - max(offset, 0)), 0))
    return moveaxis(bind("gather", x, places - min(offset, 0), places + max(offset, 0)), 0, -1)


def diag(x, k=0):
    """A matrix with ``x`` on its ``k``-th diagonal; of a matrix, that diagonal."""
    if ndim(x) == 2:
        return diagonal(x, k)
    if ndim(x) != 1:
        raise LabError(f"diag takes one axis or two, got {spec_of(x)}.")
    n, places = lengths(x, "diag")[0] + abs(k), np.arange(shape(x)[0])
    return bind("scatter_add", as_input(x), places - min(k, 0), places + max(k, 0), shape=(n, n))


def diagflat(x, k=0):
    """A matrix with all elements of ``x`` on its ``k``-th diagonal."""
    return diag(ravel(x), k)


# ---- arrays never change: these return a new one

def index_add(x, index, values):
    """``x`` with ``values`` added at ``index``; what meets in one place is summed."""
    places = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(i, Traced) for i in places):
        flat = np.arange(np.prod(lengths(x, "index_add"), dtype=int)).reshape(shape(x))
        places = np.unravel_index(getitem(flat, index), shape(x))
    there = Spec(shape(x), spec_of(x).dtype)
    there = shape(bind("gather", there, *map(spec_of, places)))
    values, dtype = as_input(values), spec_of(x).dtype
    if dtype.kind == "f" and spec_of(values).dtype != dtype:
        values = astype(values, dtype)  # as an assignment does
    values = values if shape(values) == there else broadcast_to(values, there)
    return x + bind("scatter_add", values, *places, shape=shape(x))


def index_set(x, index, values):
    """``x`` with ``values`` in the place of what stands at ``index``."""
    hits = index_add(np.zeros(lengths(x, "index_set"), np.int64), index, 1)
    if not isinstance(hits, Traced) and np.any(hits > 1):
        raise LabError(f"index_set of {spec_of(x)}: the index names one place twice.")
    zeros = full_like(fixed(x), 0) if isinstance(x, Traced) else zeros_like(x)
    return where(hits > 0, index_add(zeros, index, values), x)


def select(conditions, choices, default=0):
    """For each element the choice of the first condition that holds."""
    if len(conditions) != len(choices):
        raise LabError(f"select: {len(conditions)} conditions for {len(choices)} choices.")
    out = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = where(condition, choice, out)
    return out
