"""A NumPy-like namespace that computes, records and differentiates: all of it goes through bind."""

import numpy as np
from numpy import arange, asarray, eye, float32, float64, int64, ones, pi, zeros  # noqa: F401

from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import Traced, bind, short, spec_of


def _elementwise(op):
    def function(*inputs):
        return bind(op, *map(_input, inputs))
    function.__name__, function.__doc__ = op, f"Elementwise {op}, as NumPy broadcasts it."
    return function


def _input(x):
    return x if isinstance(x, Traced | np.ndarray | np.generic | int | float) else np.asarray(x)


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
    for a in axes:
        if not -rank <= a < rank:
            raise LabError(f"{op}: axis {a} of {spec_of(x)}, which has {rank} axes.")
    return tuple(sorted(int(a) % rank for a in axes))


def sum(x, axis=None, keepdims=False):
    return bind("sum", _input(x), axis=_axes(x, axis, "sum"), keepdims=bool(keepdims))


def max(x, axis=None, keepdims=False):
    return bind("max", _input(x), axis=_axes(x, axis, "max"), keepdims=bool(keepdims))


def min(x, axis=None, keepdims=False):
    return bind("min", _input(x), axis=_axes(x, axis, "min"), keepdims=bool(keepdims))


def mean(x, axis=None, keepdims=False):
    count = int(np.prod([shape(x)[a] for a in _axes(x, axis, "mean")]))
    return sum(x, axis, keepdims) / count


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
        known = int(np.prod([n for n in new if n != -1]))
        new = tuple(spec_of(x).size // known if n == -1 else n for n in new)
    return x if new == shape(x) else bind("reshape", _input(x), shape=new)


def transpose(x, axes=None):
    axes = range(ndim(x))[::-1] if axes is None else axes
    return bind("transpose", _input(x), axes=tuple(int(a) % ndim(x) for a in axes))


def swapaxes(x, a, b):
    order = list(range(ndim(x)))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def broadcast_to(x, shape):
    return bind("broadcast_to", _input(x), shape=tuple(shape))


def expand_dims(x, axis):
    axis = axis % (ndim(x) + 1)
    return reshape(x, (*shape(x)[:axis], 1, *shape(x)[axis:]))


def squeeze(x, axis=None):
    """Without the axes of length one (or those of them in ``axis``)."""
    ones_ = [i for i, n in enumerate(shape(x)) if n == 1]
    axes = ones_ if axis is None else _axes(x, axis, "squeeze")
    return reshape(x, tuple(n for i, n in enumerate(shape(x)) if i not in axes))


def concatenate(xs, axis=0):
    return bind("concatenate", *map(_input, xs), axis=int(axis) % ndim(xs[0]))


def stack(xs, axis=0):
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def getitem(x, index):
    """``x[index]`` for whole numbers and slices."""
    index = index if isinstance(index, tuple) else (index,)
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (ndim(x) - len(index) + 1), *index[at + 1:])
    index += (slice(None),) * (ndim(x) - len(index))
    start, stop, step, keep = [], [], [], []
    for n, i in zip(shape(x), index, strict=True):
        if isinstance(i, slice):
            i, kept = i.indices(n), True
        elif isinstance(i, int | np.integer) and -n <= i < n:
            i, kept = (int(i) % n, int(i) % n + 1, 1), False
        else:
            raise LabError(f"index {i!r} does not fit {spec_of(x)}; slices and whole numbers do.")
        for values, value in zip((start, stop, step), i, strict=True):
            values.append(value)
        keep.append(kept)
    out = bind("slice", _input(x), start=tuple(start), stop=tuple(stop), step=tuple(step))
    dropped = tuple(i for i, kept in enumerate(keep) if not kept)
    return squeeze(out, dropped) if dropped else out


def astype(x, dtype):
    return bind("cast", _input(x), dtype=short(np.dtype(dtype)))


def zeros_like(x):
    return _constant_beside(x, np.zeros(shape(x), x.dtype))


def ones_like(x):
    return _constant_beside(x, np.ones(shape(x), x.dtype))


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
    chosen = one_hot(labels, shape(logits)[-1], logits.dtype)
    return -mean(sum(log_softmax(logits) * chosen, axis=-1))


def layernorm(x, gamma, beta, eps=1e-5):
    """Ba, Kiros and Hinton 2016 (arXiv:1607.06450), over the last axis."""
    centred = x - mean(x, -1, keepdims=True)
    return centred / sqrt(mean(square(centred), -1, keepdims=True) + eps) * gamma + beta


Tensor.__getitem__ = getitem
Tensor.sum, Tensor.mean, Tensor.max, Tensor.reshape, Tensor.astype = sum, mean, max, reshape, astype
