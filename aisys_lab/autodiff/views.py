"""Strided views: one row of memory cells, read through a shape, a step an axis, and an offset.

The engine's tensors never share memory in sight; here one sees what NumPy and PyTorch do below.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.core import SLOTS, LabError
from aisys_lab.core.text import table
from aisys_lab.ir import Spec

SHOWN = 12  # cells in the printed form


@dataclass(frozen=True, eq=False)
class Strided:
    """Element ``[i, j, …]`` lies in cell ``offset + i * strides[0] + j * strides[1] + …``.

    ``storage`` is an array of one axis, of any dtype; strides and offset count its cells.
    """

    storage: np.ndarray
    shape: tuple
    strides: tuple
    offset: int = 0

    dtype = property(lambda self: self.storage.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    T = property(lambda self: self.permute(*reversed(range(self.ndim))))

    @staticmethod
    def of(array):
        """A copy of an array in cells of its own, row after row."""
        try:
            array = np.array(array)
        except ValueError:
            raise LabError("Strided.of takes rows of one length; these differ.") from None
        return Strided(array.ravel(), array.shape, dense(array.shape))

    def permute(self, *axes):
        """The axes in another order: a view."""
        return SLOTS["autodiff.tensor_views"].permute(self, tuple(axes))

    def expand(self, *shape):
        """Axes of length one, and new ones in front, as long as asked: a view."""
        return SLOTS["autodiff.tensor_views"].expand(self, tuple(shape))

    def reshape(self, *shape):
        """The same elements, row after row, in another shape: a view where strides can say it.

        One length may be -1: what is left.
        """
        if sum(n < 0 for n in shape) > 1 or min(shape, default=0) < -1:
            raise LabError(f"reshape: {list(shape)}; lengths are 0 or more, and one may be -1.")
        known = math.prod(n for n in shape if n != -1)
        shape = tuple(self.size // max(known, 1) if n == -1 else n for n in shape)
        if math.prod(shape) != self.size:
            raise LabError(f"reshape: {spec(self)} has {self.size} elements, {list(shape)} has "
                           f"{math.prod(shape)}.")
        return SLOTS["autodiff.tensor_views"].reshape(self, shape)

    def __getitem__(self, at):
        """Slices, also with a negative step, and whole numbers: a view."""
        view, axis = self, 0
        for part in at if isinstance(at, tuple) else (at,):
            if axis == view.ndim:
                raise LabError(f"{spec(self)} has {self.ndim} axes; got more in its brackets.")
            if isinstance(part, slice):
                if part.step == 0:
                    raise LabError(f"{spec(self)}: a slice needs a step other than 0.")
                view = SLOTS["autodiff.tensor_views"].slice(view, axis, part.start, part.stop,
                                                            part.step)
                axis += 1
            else:
                view = _element(view, axis, part)
        return view

    def __setitem__(self, at, number):
        """Writes a number into all elements of a view."""
        if np.ndim(number):
            raise LabError(f"{spec(self)}: one number is written into all elements of a view, got "
                           f"an array.")
        SLOTS["autodiff.tensor_views"].fill(self[at], number)

    def cells(self):
        """Which cell each element lies in, an array of the view's shape."""
        at = np.full(self.shape, self.offset)
        for axis, (n, step) in enumerate(zip(self.shape, self.strides, strict=True)):
            at += step * np.arange(n).reshape(n, *[1] * (self.ndim - axis - 1))
        return at

    def numpy(self):
        """The elements as an array of NumPy's own."""
        return self.storage[self.cells()]

    def contiguous(self):
        """Itself if its elements lie side by side in order; else a copy in which they do."""
        here = self.cells().ravel()
        return self if (here[1:] - here[:-1] == 1).all() else Strided.of(self.numpy())

    def __str__(self):
        head = f"Strided {spec(self)}  strides {self.strides}  offset {self.offset}"
        cells = self.cells().ravel().tolist()
        shown = range(min(len(self.storage), SHOWN))
        rows = [("cell", *shown), ("holds", *self.storage[:SHOWN]),
                ("read", *(_order(cells, cell) for cell in shown))]
        if len(self.storage) > SHOWN:
            rows = [(*row, "…") for row in rows]
        return f"{head}\n{self.numpy()}\n{table(rows, align='l' + 'r' * (len(rows[0]) - 1))}"

    __repr__ = __str__


def spec(view):
    """Shape and dtype in short: ``f64[2,3]``."""
    return Spec(view.shape, view.dtype)


def dense(shape):
    """Strides of elements that lie side by side, row after row."""
    return tuple(math.prod(shape[axis + 1:]) for axis in range(len(shape)))


def _order(cells, cell):
    """As the how many-eth elements a cell is read; a dot for a cell that is not."""
    found = [str(number) for number, other in enumerate(cells, 1) if other == cell]
    return ",".join(found[:2] + ["…"] * (len(found) > 2)) or "."


def _element(view, axis, i):
    """The view at one place of an axis, which is gone then."""
    n = view.shape[axis]
    if not hasattr(i, "__index__") or not -n <= i < n:
        raise LabError(f"{spec(view)}: {i!r} is no place on axis {axis}, of length {n}; write "
                       f"whole numbers and slices.")
    return replace(view, shape=view.shape[:axis] + view.shape[axis + 1:],
                   strides=view.strides[:axis] + view.strides[axis + 1:],
                   offset=view.offset + i % n * view.strides[axis])


@SLOTS.row("autodiff.tensor_views")
class tensor_views:
    """The ops that move no element if they can help it; each takes a Strided, four give one."""

    @staticmethod
    def permute(view, axes):
        """Axis ``i`` of the result is axis ``axes[i]``."""
        if sorted(axes) != list(range(view.ndim)):
            raise LabError(f"permute of {spec(view)} takes each axis once, got {list(axes)}.")
        return replace(view, shape=tuple(view.shape[a] for a in axes),
                       strides=tuple(view.strides[a] for a in axes))

    @staticmethod
    def slice(view, axis, start, stop, step):
        """``start:stop:step`` of one axis, as Python reads it."""
        places = range(*slice(start, stop, step).indices(view.shape[axis]))
        shape, strides = list(view.shape), list(view.strides)
        offset = view.offset + (places[0] * strides[axis] if places else 0)
        shape[axis] = len(places)
        strides[axis] *= places.step if len(places) > 1 else 1
        return replace(view, shape=tuple(shape), strides=tuple(strides), offset=offset)

    @staticmethod
    def expand(view, shape):
        """Longer axes have stride 0: all their elements lie in one cell."""
        new = len(shape) - view.ndim
        fits = new >= 0 and all(n in (1, m) for n, m in zip(view.shape, shape[new:], strict=True))
        if not fits:
            raise LabError(f"expand: {spec(view)} does not broadcast to {list(shape)}.")
        strides = [step if n == m else 0 for n, m, step in
                   zip(view.shape, shape[new:], view.strides, strict=True)]
        return replace(view, shape=tuple(shape), strides=(*[0] * new, *strides))

    @staticmethod
    def reshape(view, shape):
        """A view if each new axis steps evenly through the cells, else a view of a copy."""
        strides = _split(_merged(view), shape) if view.size else dense(shape)
        if strides is None:
            view, strides = Strided.of(view.numpy()), dense(shape)
        return replace(view, shape=tuple(shape), strides=strides)

    @staticmethod
    def fill(view, number):
        """Writes in place; where elements share a cell it refuses, as PyTorch does."""
        cells = view.cells().ravel().tolist()
        if len(set(cells)) < len(cells):
            raise LabError(f"{spec(view)} with strides {view.strides}: elements share cells, and "
                           f"would change together; write in view.contiguous().")
        view.storage[cells] = number


def _merged(view):
    """``[length, stride]`` of runs of axes that step through the cells as one axis would."""
    runs = []
    for n, step in zip(view.shape, view.strides, strict=True):
        if runs and runs[-1][1] == n * step:
            runs[-1] = [runs[-1][0] * n, step]
        elif n > 1:
            runs.append([n, step])
    return runs


def _split(runs, shape):
    """Strides of the new axes, each a part of one run; None where one would span two."""
    strides = []
    for n in reversed(shape):
        length, step = runs[-1] if runs else (1, 1)
        if length % n:
            return None
        strides.append(step)
        if runs:
            runs[-1] = [length // n, step * n]
            if runs[-1][0] == 1:
                runs.pop()
    return tuple(reversed(strides))
