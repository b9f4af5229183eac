"""New arrays, and what stands still: constants beside traced values."""

import numpy as np

from aisys_lab.autodiff.numpy.base import as_input, shape
from aisys_lab.autodiff.numpy.shapes import broadcast_to, stack
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError, whole
from aisys_lab.ir import Traced, bind, short, spec_of
from aisys_lab.ir.spec import dtype_of


def array(values, dtype=None):
    """An array of numbers, arrays, traced values, or lists of these, nested evenly."""
    if isinstance(values, list | tuple) and _holds_traced(values):
        values = stack([array(v) for v in values])
    elif type(values) is np.ndarray:
        values = values.copy()
    out = as_input(values)
    out = out if hasattr(out, "dtype") else np.asarray(out)
    return out if dtype is None else bind("cast", out, dtype=short(dtype_of(dtype)))


def asarray(values, dtype=None):
    """The array itself where it is one (of that dtype); else ``array`` of it."""
    plain = hasattr(values, "dtype") and (dtype is None or values.dtype == dtype_of(dtype))
    return values if plain else array(values, dtype)


def _holds_traced(values):
    return any(_holds_traced(v) if isinstance(v, list | tuple) else isinstance(v, Traced)
               for v in values)


def full(shape, fill_value, dtype=None):
    """An array of one value, which may be traced."""
    if not isinstance(fill_value, Traced):
        return np.full(shape, fill_value, dtype and dtype_of(dtype))
    return broadcast_to(asarray(fill_value, dtype), shape)


def zeros_like(x, dtype=None):
    """Zeros of the shape of ``x``, and of its dtype where none is given."""
    return full_like(x, 0, dtype)


def ones_like(x, dtype=None):
    """Ones of the shape of ``x``, and of its dtype where none is given."""
    return full_like(x, 1, dtype)


empty_like = zeros_like


def full_like(x, value, dtype=None):
    """One value at the shape (and dtype) of ``x``; open axes stay open."""
    dtype = dtype and dtype_of(dtype)
    if type(value) is Tensor:
        return broadcast_to(asarray(value, dtype or spec_of(x).dtype), shape(x))
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if type(x) is not Tensor:
        out = np.empty(x.shape, dtype or x.dtype)
        out[...] = value
        return out
    if any(isinstance(n, str) for n in shape(x)):
        one = constant_beside(x, np.full((), value, dtype or x.dtype))
        return broadcast_to(one, shape(x))
    return constant_beside(x, np.full(shape(x), value, dtype or x.dtype))


def constant_beside(x, array):
    """The array itself; while tracing, a constant of the graph, so that the graph shows it."""
    while type(x) is Tensor:
        if hasattr(x.mode, "constant"):
            return x.mode.constant(array)
        x = x.value
    return array


def copy(x):
    """A copy of an array; a tensor never changes and so is its own."""
    return x if isinstance(x, Traced) else np.array(x)


def stop_gradient(x):
    """``x`` as a constant to every derivative, around it or taken later of the traced graph."""
    x = fixed(x)
    return bind("stop_gradient", x) if isinstance(x, Traced) else x


def fixed(x):
    """``x`` as a constant to every derivative around it; it leaves no node in a graph."""
    while type(x) is Tensor and not hasattr(x.mode, "constant"):
        x = x.value
    return x


def linspace(start, stop, num=50, endpoint=True):
    """``num`` evenly spaced numbers from ``start`` to ``stop``, which may be traced."""
    num = whole("linspace", "num", num)
    if not isinstance(start, Traced) and not isinstance(stop, Traced):
        return np.linspace(start, stop, num, endpoint)
    if spec_of(start).shape or spec_of(stop).shape:
        raise LabError(f"linspace: start and stop should be single numbers, got {spec_of(start)} "
                       f"and {spec_of(stop)}.")
    part = np.arange(num) / (num - 1 if endpoint and num > 1 else num or 1)
    part = part.astype(spec_of(start - stop).dtype)
    return start * (1 - part) + stop * part
