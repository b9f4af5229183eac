"""Methods and operators of tensors: NumPy's, each one a function of the namespace."""

from aisys_lab.autodiff.numpy import (
    contract,
    elementwise,
    indexing,
    rearrange,
    reductions,
    shapes,
    sorting,
)
from aisys_lab.autodiff.tensor import Tensor
from aisys_lab.core import LabError
from aisys_lab.ir import spec_of

METHODS = {
    elementwise: ("astype", "clip", "round"),
    reductions: ("sum", "prod", "max", "min", "mean", "var", "std", "ptp", "argmax", "argmin",
                 "all", "any", "cumsum", "cumprod"),
    shapes: ("ravel", "squeeze", "swapaxes", "repeat"),
    indexing: ("take", "diagonal", "nonzero"),
    rearrange: ("trace",),
    sorting: ("argsort",),
    contract: ("dot",),
}
for _module, _names in METHODS.items():
    for _name in _names:
        setattr(Tensor, _name, getattr(_module, _name))


def _reshape(self, *newshape):
    """``x.reshape(2, 3)`` or ``x.reshape((2, 3))``."""
    one = len(newshape) == 1 and isinstance(newshape[0], tuple | list)
    return shapes.reshape(self, newshape[0] if one else newshape)


def _transpose(self, *axes):
    """``x.transpose()``, ``x.transpose(1, 0)`` or ``x.transpose((1, 0))``."""
    one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list))
    return shapes.transpose(self, axes[0] if one else axes or None)


def _item(self):
    """The single number of the tensor; not while tracing."""
    return self.concrete("item()").item()


def _floats_have_no_bits(self, other=None):
    raise LabError(f"&, |, ^ and ~ are for truth values, got {spec_of(self)}.")


def _logical(function):
    def operator(self, *other):
        truths = all(spec_of(x).dtype.kind == "b" for x in (self, *other))
        return function(self, *other) if truths else _floats_have_no_bits(self)
    return operator


Tensor.reshape, Tensor.transpose, Tensor.item = _reshape, _transpose, _item
Tensor.flatten = shapes.ravel
Tensor.mT = property(shapes.matrix_transpose)
Tensor.__getitem__ = indexing.getitem
Tensor.__pos__ = elementwise.positive
Tensor.__round__ = elementwise.round
Tensor.__invert__ = _logical(elementwise.logical_not)
for _name, _function in {"and": elementwise.logical_and, "or": elementwise.logical_or,
                         "xor": elementwise.logical_xor}.items():
    setattr(Tensor, f"__{_name}__", _logical(_function))
    setattr(Tensor, f"__r{_name}__", _logical(_function))
for _name, _function in {"floordiv": elementwise.floor_divide, "mod": elementwise.remainder,
                         "divmod": elementwise.divmod}.items():
    setattr(Tensor, f"__{_name}__", lambda self, other, f=_function: f(self, other))
    setattr(Tensor, f"__r{_name}__", lambda self, other, f=_function: f(other, self))
