"""A NumPy-like namespace that computes, records and differentiates: all of it goes through bind."""

import math
import operator

import numpy as np
from numpy import arange, asarray, eye, float32, float64, int64, ones, pi, zeros  # noqa: F401

from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import Spec, Traced, bind, short, spec_of
from aisys_lab.ir.spec import dtype_of


def _elementwise(op):
    def function(*inputs):
        return bind(op, *map(_input, inputs))
    function.__name__, function.__doc__ = op, f"Elementwise {op}, as NumPy broadcasts it."
    return function


def _input(x):
    known = isinstance(x, Traced | Spec | np.ndarray | np.generic | int | float)
    return x if known else np.asarray(x)


negative = _elementwise("neg")
exp, log, sqrt, tanh, sin, cos = map(_elementwise, ("exp", "log", "sqrt", "tanh", "sin", "cos"))
abs, sign, floor, rint = map(_elementwise, ("abs", "sign", "floor", "rint"))
add, subtract, multiply = map(_elementwise, ("add", "sub", "mul"))
divide, power = map(_elementwise, ("div", "pow"))
maximum, minimum = map(_elementwise, ("maximum", "minimum"))
equal, not_equal, less = map(_elementwise, ("eq", "ne", "lt"))
less_equal, greater, greater_equal = map(_elementwise, ("le", "gt", "ge"))
logical_and, logical_or = map(_elementwise, ("logical_and", "logical_or"))
logical_not, where, matmul = map(_elementwise, ("logical_not", "where", "matmul"))
absolute, true_divide = abs, divide


def ndim(x):
    return len(shape(x))


def shape(x):
    return x.shape if hasattr(x, "shape") else np.shape(x)


def _axes(x, axis, op):
    """An axis argument as a tuple of whole numbers from 0 up."""
    rank = ndim(x)
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(_axis(x, a, op, rank) for a in axes))


def _axis(x, axis, op, rank):
    """One axis as a whole number from 0 up; a sentence if there are not so many."""
    whole = hasattr(axis, "__index__")
    if not whole or not -rank <= operator.index(axis) < rank:
        raise LabError(f"{op}: axis {axis!r} of {spec_of(x)}, where {rank} axes are to choose "
                       f"from.")
    return operator.index(axis) % rank


def sum(x, axis=None, keepdims=False):
    return bind("sum", _input(x), axis=_axes(x, axis, "sum"), keepdims=bool(keepdims))


def max(x, axis=None, keepdims=False):
    return bind("max", _input(x), axis=_axes(x, axis, "max"), keepdims=bool(keepdims))


def min(x, axis=None, keepdims=False):
    return bind("min", _input(x), axis=_axes(x, axis, "min"), keepdims=bool(keepdims))


def mean(x, axis=None, keepdims=False):
    averaged = Spec([shape(x)[a] for a in _axes(x, axis, "mean")], spec_of(x).dtype)
    return sum(x, axis, keepdims) / averaged.size


def var(x, axis=None, keepdims=False):
    return mean(square(x - mean(x, axis, keepdims=True)), axis, keepdims)


def argmax(x, axis=-1):
    return bind("argmax", _input(x), axis=_axes(x, axis, "argmax")[0])


def square(x):
    return x * x


def reshape(x, newshape):
    new = tuple(n if isinstance(n, str) else int(n)
                for n in (newshape if isinstance(newshape, tuple | list) else (newshape,)))
    if -1 in new:
        new = tuple(_rest(x, new) if n == -1 else n for n in new)
    return x if new == shape(x) else bind("reshape", _input(x), shape=new)


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
    return bind("transpose", _input(x),
                axes=tuple(_axis(x, a, "transpose", ndim(x)) for a in axes))


def swapaxes(x, a, b):
    order = list(range(ndim(x)))
    a, b = (_axis(x, axis, "swapaxes", ndim(x)) for axis in (a, b))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def broadcast_to(x, shape):
    return bind("broadcast_to", _input(x), shape=Spec(shape, spec_of(x).dtype).shape)


def expand_dims(x, axis):
    axis = _axis(x, axis, "expand_dims", ndim(x) + 1)
    return reshape(x, (*shape(x)[:axis], 1, *shape(x)[axis:]))


def squeeze(x, axis=None):
    """Without the axes of length one (or those of them in ``axis``)."""
    ones_ = [i for i, n in enumerate(shape(x)) if n == 1]
    axes = ones_ if axis is None else _axes(x, axis, "squeeze")
    return reshape(x, tuple(n for i, n in enumerate(shape(x)) if i not in axes))


def concatenate(xs, axis=0):
    xs = list(map(_input, xs))
    if not xs:
        raise LabError("concatenate: needs at least one array.")
    return bind("concatenate", *xs, axis=_axis(xs[0], axis, "concatenate", ndim(xs[0])))


def stack(xs, axis=0):
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def getitem(x, index):
    """``x[index]`` for whole numbers and slices."""
    index = _full_index(x, index if isinstance(index, tuple) else (index,))
    bounds = [_bounds(x, n, i) for n, i in zip(shape(x), index, strict=True)]
    start, stop, step = map(tuple, zip(*bounds, strict=True)) if bounds else ((), (), ())
    out = bind("slice", _input(x), start=start, stop=stop, step=step)
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


def astype(x, dtype):
    return bind("cast", _input(x), dtype=short(dtype_of(dtype)))


def zeros_like(x):
    return _full_like(x, 0)


def ones_like(x):
    return _full_like(x, 1)


def _full_like(x, value):
    if any(isinstance(n, str) for n in shape(x)):
        return broadcast_to(_constant_beside(x, np.full((), value, x.dtype)), shape(x))
    return _constant_beside(x, np.full(shape(x), value, x.dtype))


def _constant_beside(x, array):
    """The array itself; while tracing, a constant of the graph, so that the graph shows it."""
    while type(x) is Tensor:
        if hasattr(x.mode, "constant"):
            return x.mode.constant(array)
        x = x.value
    return array


def stop_gradient(x):
    """``x`` as a constant to every derivative around it."""
    while type(x) is Tensor and not hasattr(x.mode, "constant"):
        x = x.value
    return x


def clip(x, low, high):
    return minimum(maximum(x, low), high)


# ---- what networks are made of, composed of the above

def relu(x):
    """Zero where x <= 0 (so its slope at 0 is 0), NaN where x is NaN."""
    return where(x <= 0, 0, x)


def sigmoid(x):
    return 0.5 * (tanh(0.5 * x) + 1)


def gelu(x):
    """The tanh form of GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    return 0.5 * x * (1 + tanh(np.sqrt(2 / np.pi).item() * (x + 0.044715 * x * x * x)))


def logsumexp(x, axis=-1, keepdims=False):
    """log(sum(exp(x))) that does not overflow: the largest entry is taken out first."""
    top = stop_gradient(max(x, axis, keepdims=True))
    out = log(sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else squeeze(out, axis)


def log_softmax(x, axis=-1):
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x, axis=-1):
    e = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return e / sum(e, axis, keepdims=True)


def one_hot(labels, classes, dtype=np.float32):
    return astype(equal(expand_dims(labels, -1), np.arange(classes)), dtype)


def cross_entropy(logits, labels):
    """Mean negative log-probability of the true class; logits f[N,C], labels i[N]."""
    classes = shape(logits)[-1]
    if shape(labels) != shape(logits)[:-1]:
        raise LabError(f"cross_entropy: labels {spec_of(labels)} do not fit logits "
                       f"{spec_of(logits)}.")
    if isinstance(labels, np.ndarray) and labels.size and not 0 <= labels.max() < classes:
        raise LabError(f"cross_entropy: a label is {labels.max()}, but logits "
                       f"{spec_of(logits)} have {classes} classes, counted from 0.")
    chosen = one_hot(labels, classes, logits.dtype)
    return -mean(sum(log_softmax(logits) * chosen, axis=-1))


def layernorm(x, gamma, beta, eps=1e-5):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the last axis."""
    centred = x - mean(x, -1, keepdims=True)
    return centred / sqrt(mean(square(centred), -1, keepdims=True) + eps) * gamma + beta


Tensor.__getitem__ = getitem
Tensor.sum, Tensor.mean, Tensor.max, Tensor.reshape, Tensor.astype = sum, mean, max, reshape, astype
