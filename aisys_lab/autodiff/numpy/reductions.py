"""Sums, extremes and averages over axes."""

from aisys_lab.autodiff.numpy.base import as_input, axes_of, shape
from aisys_lab.autodiff.numpy.elementwise import square
from aisys_lab.ir import Spec, bind, spec_of


def sum(x, axis=None, keepdims=False):
    return bind("sum", as_input(x), axis=axes_of(x, axis, "sum"), keepdims=bool(keepdims))


def max(x, axis=None, keepdims=False):
    return bind("max", as_input(x), axis=axes_of(x, axis, "max"), keepdims=bool(keepdims))


def min(x, axis=None, keepdims=False):
    return bind("min", as_input(x), axis=axes_of(x, axis, "min"), keepdims=bool(keepdims))


def mean(x, axis=None, keepdims=False):
    averaged = Spec([shape(x)[a] for a in axes_of(x, axis, "mean")], spec_of(x).dtype)
    return sum(x, axis, keepdims) / averaged.size


def var(x, axis=None, keepdims=False):
    return mean(square(x - mean(x, axis, keepdims=True)), axis, keepdims)


def argmax(x, axis=-1):
    return bind("argmax", as_input(x), axis=axes_of(x, axis, "argmax")[0])
