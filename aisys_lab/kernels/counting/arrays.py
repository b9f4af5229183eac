"""Counting arrays and pointers: they hold numbers, and write down every access to them.

An array is a grid of places in a block of memory. NumPy itself does what views do: a slice, a
transpose or a reshape of the grid is the grid of the view.
"""

import math
from types import SimpleNamespace

import numpy as np

from aisys_lab.core import LabError, whole

PLACE = np.int64
KEYS = {int, slice, type(None), type(...), *(np.dtype(kind).type for kind in "bhilqBHILQ")}


def refuse_whole(*args):
    """What arithmetic on a whole array gets."""
    raise LabError("arithmetic on a whole array is not counted; write the loop over its numbers.")


class Array:
    """An array whose single numbers are loaded by ``a[i, j]`` and stored by ``a[i, j] = x``."""

    __slots__ = ("block", "grid")

    def __init__(self, block, grid):
        self.block, self.grid = block, grid

    def __getitem__(self, key):
        at = self.places(key)
        return self.block.load(int(at)) if type(at) is PLACE else Array(self.block, at)

    def __setitem__(self, key, value):
        at = self.places(key)
        if type(at) is PLACE:
            self.block.store(int(at), value)
        else:
            value = value.block.load_all(value.grid) if isinstance(value, Array) else value
            self.block.store_all(at, value)

    def places(self, key):
        """The place that a key names, or a grid of places."""
        for part in key if type(key) is tuple else (key,):
            if type(part) not in KEYS:
                raise LabError(f"{self.block.name or 'an array'} is indexed by whole numbers and "
                               f"slices, not by a {type(part).__name__}.")
        try:
            return self.grid[key]
        except IndexError as error:
            raise LabError(f"{self.block.name or 'an array'}{list(self.shape)}: {error}.") from None

    def __array__(self, *args, **kwargs):
        raise LabError("a NumPy function that counting has no model of was given an array; write "
                       "the loop over its numbers.")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = refuse_whole
    __rtruediv__ = __matmul__ = __rmatmul__ = __neg__ = __lt__ = __gt__ = refuse_whole

    def __len__(self):
        return len(self.grid)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    # ---- what NumPy's arrays say of themselves

    shape = property(lambda self: self.grid.shape)
    ndim = property(lambda self: self.grid.ndim)
    size = property(lambda self: self.grid.size)
    dtype = property(lambda self: self.block.values.dtype)
    itemsize = property(lambda self: self.block.item)
    nbytes = property(lambda self: self.size * self.itemsize)
    T = property(lambda self: Array(self.block, self.grid.T))
    flags = property(lambda self: self.grid.flags)

    @property
    def strides(self):
        """Bytes from number to number along each axis."""
        return tuple(step // 8 * self.itemsize for step in self.grid.strides)

    @property
    def first(self):
        """The place of the first number."""
        return int(self.grid.flat[0]) if self.size else 0

    @property
    def ctypes(self):
        """``.data`` is the address that the array would have."""
        return SimpleNamespace(data=self.block.base + self.first * self.itemsize)

    def numpy(self):
        """What it holds, as an array of NumPy's; this counts as no access."""
        return self.block.values[self.grid]

    # ---- all numbers, one after another

    def fill(self, value):
        """Stores a number everywhere."""
        self.block.store_all(self.grid, value)

    def sum(self):
        """The sum: an addition a number but one."""
        return self.reduced("additions", np.add)

    def max(self):
        """The largest: a comparison a number but one."""
        return self.reduced("others", np.maximum)

    def min(self):
        return self.reduced("others", np.minimum)

    def reduced(self, counter, function):
        self.block.tally.add({counter: max(self.size - 1, 0)})
        return function.reduce(self.block.load_all(self.grid).ravel())

    # ---- views and copies

    def transpose(self, *axes):
        """A view with its axes in another order."""
        return Array(self.block, self.grid.transpose(*axes))

    def reshape(self, *shape):
        """A view of another shape, or a copy where a view cannot be had."""
        grid = self.grid.reshape(*shape)
        return Array(self.block, grid) if np.may_share_memory(grid, self.grid) or not grid.size \
            else self.copy().reshape(*shape)

    def ravel(self):
        """All numbers in one line: a view where they lie so."""
        return self.reshape(-1)

    def copy(self):
        """A copy in C order: a load and a store a number."""
        return self.astype(self.dtype)

    def astype(self, dtype, copy=True):
        """A copy of another dtype."""
        if np.dtype(dtype) == self.dtype and not copy:
            return self
        out = new_array(self.block.tally, self.shape, dtype)
        out[...] = self
        return out


class Pointer:
    """The address of a number of some dtype: ``p[i]`` is the number i places on."""

    __slots__ = ("block", "byte", "dtype")

    def __init__(self, block, byte, dtype):
        self.block, self.byte, self.dtype = block, byte, dtype

    def further(self, bytes):
        """The address so many bytes on."""
        return Pointer(self.block, self.byte + bytes, self.dtype)

    def __getitem__(self, i):
        return self.block.read(self.byte + i * self.dtype.itemsize, self.dtype, 1)[0]

    def __setitem__(self, i, value):
        with np.errstate(over="ignore"):
            self.block.write(self.byte + i * self.dtype.itemsize,
                             np.array([value]).astype(self.dtype))


def new_array(tally, shape, dtype=np.float64, name="", order="C"):
    """An array in C order (or Fortran's) whose content is not set."""
    shape = tuple(whole("an array", "size", n) for n in
                  (shape if isinstance(shape, tuple) else (shape,)))
    size = math.prod(shape)
    tally.room(size)
    places = np.arange(size, dtype=PLACE)
    return Array(tally.block(places.size, dtype, name), places.reshape(shape, order=order))


def counting_array(tally, x, name):
    """A NumPy array as a counting one, in the layout that it has."""
    if not x.size:
        return new_array(tally, x.shape, x.dtype, name)
    low, high = np.lib.array_utils.byte_bounds(x)
    block = tally.block((high - low) // x.itemsize, x.dtype, name)
    places = np.arange(len(block.values), dtype=PLACE)
    first = (x.__array_interface__["data"][0] - low) // x.itemsize
    steps = [step // x.itemsize * 8 for step in x.strides]
    grid = np.lib.stride_tricks.as_strided(places[first:], x.shape, steps)
    block.values[grid] = x
    return Array(block, grid)
