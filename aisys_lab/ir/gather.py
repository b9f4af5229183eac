"""Elements by their place: ``gather`` reads them, ``scatter_add`` is its transpose."""

import math

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.ops import define, free
from aisys_lab.ir.spec import Spec, broadcast


def _gather(x, *index):
    """``x[index]``: one array of places for each of the first axes, broadcast together."""
    try:
        return np.asarray(x)[index]
    except IndexError as error:
        raise ValueError(error) from None


def _infer_gather(x, *index):
    _places("gather", x, index)
    lead = broadcast(*(i.shape for i in index), op="gather")
    return Spec(lead + x.shape[len(index):], x.dtype)


def _places(op, x, index):
    if not 0 < len(index) <= x.ndim:
        raise LabError(f"{op}: {len(index)} arrays of places for {x}, which has {x.ndim} axes.")
    for i in index:
        if i.dtype.kind not in "iu":
            raise LabError(f"{op}: places are whole numbers, got {i}.")


def _scatter_add(x, *index, shape):
    """Zeros of ``shape`` with ``x`` added at ``index``; what meets in one place is summed."""
    x, out = np.asarray(x), np.zeros(shape, np.asarray(x).dtype)
    wide = math.prod(shape[len(index):])
    lead = np.broadcast_shapes(*map(np.shape, index))
    try:
        if wide < 8 or math.prod(lead) < 64 or math.prod(x.shape) != math.prod(lead) * wide:
            np.add.at(out, index, x)
            return out
        return _scatter_rows(x, np.broadcast_arrays(*index), out, wide)
    except IndexError as error:
        raise ValueError(error) from None


def _scatter_rows(x, index, out, wide):
    """Long rows: sorted by place, then summed in runs, many times faster than one by one."""
    places = np.arange(out.size // wide).reshape(out.shape[:len(index)])[tuple(index)].ravel()
    order = np.argsort(places, kind="stable")
    places, rows = places[order], x.reshape(-1, wide)[order]
    starts = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    out.reshape(-1, wide)[places[starts]] = np.add.reduceat(rows, starts, axis=0)
    return out


def _infer_scatter_add(x, *index, shape):
    out = Spec(shape, x.dtype)
    wanted = _infer_gather(out, *index)
    if broadcast(x.shape, wanted.shape, op="scatter_add") != wanted.shape:
        raise LabError(f"scatter_add: {x} does not fill the places, which are {wanted}.")
    return out


define("gather", _gather, _infer_gather, free, "shape")
define("scatter_add", _scatter_add, _infer_scatter_add, lambda x, *index, shape: x.size, "opaque")
