"""Some of the elements, by where they stand."""

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, ndim, shape
from aisys_lab.autodiff.numpy.shapes import squeeze
from aisys_lab.core import LabError
from aisys_lab.ir import bind, spec_of


def getitem(x, index):
    """``x[index]`` for whole numbers and slices."""
    index = _full_index(x, index if isinstance(index, tuple) else (index,))
    bounds = [_bounds(x, n, i) for n, i in zip(shape(x), index, strict=True)]
    start, stop, step = map(tuple, zip(*bounds, strict=True)) if bounds else ((), (), ())
    out = bind("slice", as_input(x), start=start, stop=stop, step=step)
    dropped = tuple(k for k, i in enumerate(index) if not isinstance(i, slice))
    return squeeze(out, dropped) if dropped else out


def _full_index(x, index):
    """One index an axis: an ellipsis, or the end, stands for all axes not named."""
    at = next((k for k, i in enumerate(index) if i is Ellipsis), len(index))
    rest = index[at + 1:]
    if len(index[:at]) + len(rest) > ndim(x):
        raise LabError(f"{len(index[:at]) + len(rest)} indices do not fit {spec_of(x)}, which "
                       f"has {ndim(x)} axes.")
    return (*index[:at], *[slice(None)] * (ndim(x) - len(index[:at]) - len(rest)), *rest)


def _bounds(x, n, i):
    """``(start, stop, step)`` of one index along an axis of length ``n``."""
    if isinstance(n, str) and i == slice(None):
        return 0, n, 1
    if isinstance(i, slice) and not isinstance(n, str):
        bounds = i.indices(n)
        return bounds if len(range(*bounds)) else (0, 0, 1)
    if isinstance(i, int | np.integer) and not isinstance(n, str) and -n <= i < n:
        return int(i) % n, int(i) % n + 1, 1
    raise LabError(f"index {i!r} does not fit {spec_of(x)}; slices and whole numbers do"
                   f"{', along axes whose length is known' * isinstance(n, str)}.")
