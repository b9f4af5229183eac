"""Specs: the shape and dtype of a value that need not exist yet."""

import math
import re
from dataclasses import dataclass

import numpy as np

from aisys_lab.core import LabError, slot

DTYPES = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "i64": np.int64,
          "i32": np.int32, "i16": np.int16, "i8": np.int8, "u8": np.uint8, "u16": np.uint16,
          "u32": np.uint32, "u64": np.uint64, "bool": np.bool_}
NAMES = DTYPES | {np.dtype(kind).name: kind for kind in DTYPES.values()}
SHORT = {np.dtype(kind): name for name, kind in DTYPES.items()}


def dtype_of(name):
    """A NumPy dtype of ``'f32'``, ``'float32'``, ``np.float32`` …"""
    if isinstance(name, np.dtype):
        return name
    try:
        return np.dtype(NAMES[name] if isinstance(name, str) else name)
    except (TypeError, KeyError):
        raise LabError(f"no dtype {name!r}; the dtypes are: {', '.join(DTYPES)}.") from None


def short(dtype):
    """``'f32'`` for ``np.float32``."""
    name = SHORT.get(dtype) or SHORT.get(np.dtype(dtype))
    if name is None:
        raise LabError(f"dtype {dtype} is not supported; the dtypes are: {', '.join(DTYPES)}.")
    return name


@dataclass(frozen=True)
class Spec:
    """Shape and dtype; an axis is a whole number or a name such as ``'N'`` (known at run time)."""

    shape: tuple
    dtype: np.dtype
    is_leaf = True  # a dataclass, but one leaf of a tree

    def __post_init__(self):
        shape = tuple(n if isinstance(n, str) else int(n) for n in self.shape)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "dtype", dtype_of(self.dtype))
        short(self.dtype)  # a sentence for those that a graph does not have

    def __str__(self):
        return f"{short(self.dtype)}[{','.join(map(str, self.shape))}]"

    __repr__ = __str__

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        """Elements; a sentence if an axis has only a name."""
        named = [n for n in self.shape if isinstance(n, str)]
        if named:
            raise LabError(f"{self} has no size yet: give axis {named[0]} a number, as in "
                           f"graph.at({named[0]}=64).")
        return math.prod(self.shape)

    @property
    def nbytes(self):
        return self.size * self.dtype.itemsize

    def at(self, **dims):
        """The spec with named axes replaced by numbers."""
        return Spec(tuple(dims.get(n, n) for n in self.shape), self.dtype)

    def fits(self, value):
        """Whether an array has this dtype and shape (a named axis takes any size)."""
        other = spec_of(value)
        return (other.ndim == self.ndim and other.dtype == self.dtype
                and all(isinstance(n, str) or n == m
                        for n, m in zip(self.shape, other.shape, strict=True)))


def spec_of(value):
    """The spec of an array, a scalar, or anything that has shape and dtype."""
    if isinstance(value, Spec):
        return value
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return Spec(value.shape, value.dtype)


def parse_spec(text):
    """``'f32[64,N]' -> Spec``."""
    match = re.fullmatch(r"(\w+)\[([\w,]*)\]", text.strip())
    if not match:
        raise LabError(f"{text!r} is not a spec; a spec reads like f32[64,128].")
    axes = [n for n in match[2].split(",") if n]
    return Spec(tuple(int(n) if n.isdigit() else n for n in axes), dtype_of(match[1]))


@slot("autodiff.broadcast")
def broadcast_shapes(*shapes):
    """The shape that shapes broadcast to, with named axes; ValueError where two do not fit."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    out = []
    for axes in zip(*padded, strict=True):
        wide = {n for n in axes if n != 1}
        if len(wide) > 1:
            raise ValueError(" against ".join(map(str, sorted(wide, key=str))))
        out.append(wide.pop() if wide else 1)
    return tuple(out)


def broadcast(*shapes, op="broadcast"):
    """NumPy's broadcasting of shapes; a sentence that names ``op`` if they do not fit."""
    try:
        return tuple(broadcast_shapes(*shapes))
    except ValueError as error:
        raise LabError(f"{op}: shapes {' and '.join(str(list(s)) for s in shapes)} do not "
                       f"broadcast: {error}.") from None
