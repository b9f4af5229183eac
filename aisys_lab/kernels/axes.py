"""Kernels of rows along any axis: the axis is brought to the end, in C order, and back."""

import math
import operator

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels.checks import FLOATS, floats, told
from aisys_lab.kernels.jit import part
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.transposes import transpose2d


def array(op, x):
    """x as an array f32 or f64."""
    return x if type(x) is np.ndarray and x.dtype in FLOATS else floats(op, x=x)[0]


def number(op, name, value):
    """A float; a sentence if the value is no number."""
    if type(value) is not float and (np.ndim(value) or np.asarray(value).dtype.kind not in "fiu"):
        raise LabError(f"{op}: {name} is one number, got {value!r}.")
    return float(value)


def axis_of(op, x, axis):
    """The axis counted from 0; a sentence if x has no such axis."""
    at = operator.index(axis) if hasattr(axis, "__index__") else x.ndim
    if not -x.ndim <= at < x.ndim:
        raise LabError(f"{op}: axis={axis!r}, but x {told(x)} has {x.ndim} axes.")
    return at % x.ndim


def alike(op, **arrays):
    """The arrays, of one dtype; a sentence unless they have one shape, too."""
    found = list(arrays.values())
    if not _uniform(*found):
        found = floats(op, **arrays)
    for x in found:
        if x.shape != found[0].shape:
            raise LabError(f"{op}: {' and '.join(map(told, found))} should have one shape.")
    return found


def _uniform(first, *others):
    """Whether these are arrays of one dtype, f32 or f64, beyond doubt."""
    if type(first) is not np.ndarray or first.dtype not in FLOATS:
        return False
    return all(type(x) is np.ndarray and x.dtype is first.dtype for x in others)


def per_place(op, x, axis, **values):
    """x and the values, which are one number for each place along an axis; else a sentence."""
    found = [x, *values.values()]
    x, *rest = found if _uniform(*found) else floats(op, x=x, **values)
    places = x.shape[axis:][:1] if -x.ndim <= axis < x.ndim else None
    for v in rest:
        if v.shape != places:
            raise LabError(f"{op}: {' and '.join(map(told, rest))} do not fit x {told(x)}; "
                           f"{' and '.join(values)} have one number for each place along axis "
                           f"{axis}.")
    return x, *map(np.ascontiguousarray, rest)


def rows_of(x):
    """Rows [count, n] of the last axis, in C order."""
    return np.ascontiguousarray(x).reshape(math.prod(x.shape[:-1]), x.shape[-1])


def along(kernel, axis, *arrays):
    """What a kernel writes into its last argument, from the rows along an axis of arrays of one
    shape; it may write over the first."""
    shape = arrays[0].shape
    before, n, behind = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1:])
    if behind > 1:
        lines = [rows_of(transpose2d(x.reshape(before, n, behind))) for x in arrays]
        if lines[0].size:
            kernel(*lines, lines[0])
        return transpose2d(lines[0].reshape(before, behind, n)).reshape(shape)
    out = np.empty(shape, arrays[0].dtype)
    if out.size:
        kernel(*[np.ascontiguousarray(x).reshape(before, n) for x in arrays],
               out.reshape(before, n))
    return out


def in_parts(one, several, cost):
    """A kernel of rows that runs on several threads where that pays: ``cost`` operations a
    number."""
    def kernel(*lines):
        many = threads(cost * lines[0].size)
        if many == 1:
            one(*lines)
        else:
            several(*lines, many)
    return kernel


def by_rows(kernel):
    """A rung ``(x, ..., axis)`` of a kernel of rows."""
    def rung(*arrays):
        return along(kernel, arrays[-1], *arrays[:-1])
    rung.loop = kernel
    return rung


@part
def stripe(count, p, parts):
    """The rows that part p takes."""
    return slice(p * count // parts, (p + 1) * count // parts)
