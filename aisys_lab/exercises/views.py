"""What lab V.1 asks of arrays: views that move no element."""

import numpy as np

from aisys_lab.exercises.declare import Case, edits, exercise

STRIDES = '''
from dataclasses import replace

class tensor_views:
    def permute(view, axes):
        return replace(view, shape=tuple(view.shape[a] for a in axes),
                       strides=tuple(view.strides[a] for a in axes))

    def slice(view, axis, start, stop, step):
        start, stop, step = slice(start, stop, step).indices(view.shape[axis])
        shape, strides = list(view.shape), list(view.strides)
        shape[axis] = len(range(start, stop, step))
        strides[axis] = strides[axis] * step
        offset = view.offset + start * view.strides[axis]
        return replace(view, shape=tuple(shape), strides=tuple(strides), offset=offset)

    def expand(view, shape):
        strides = [0] * (len(shape) - len(view.shape))
        for n, m, step in zip(view.shape, shape[len(strides):], view.strides):
            strides.append(step if n == m else 0)
        return replace(view, shape=tuple(shape), strides=tuple(strides))

    def reshape(view, shape):
        axes = [(n, s) for n, s in zip(view.shape, view.strides) if n > 1]
        strides = []
        for n in reversed(shape):
            if n == 1:
                strides.append(0)
                continue
            size, step = axes.pop()
            while axes and axes[-1][1] == size * step:
                size *= axes.pop()[0]
            if size % n:
                return tensor_views.reshape(lab.Strided.of(view.numpy()), shape)
            strides.append(step)
            if size > n:
                axes.append((size // n, step * n))
        return replace(view, shape=tuple(shape), strides=tuple(strides[::-1]))

    def fill(view, number):
        if any(s == 0 and n > 1 for n, s in zip(view.shape, view.strides)):
            raise lab.LabError("elements share cells")
        view.storage[view.cells()] = number
'''
BY_CELLS = '''
class tensor_views:
    """Does with the cells what NumPy does with elements, and looks whether strides can say it."""

    @staticmethod
    def fit(view, cells):
        shape, flat = cells.shape, cells.ravel()
        offset = int(flat[0]) if flat.size else 0
        strides = []
        for axis, n in enumerate(shape):
            at = [0] * len(shape)
            at[axis] = 1
            strides.append(int(cells[tuple(at)]) - offset if n > 1 and flat.size else 0)
        new = lab.Strided(view.storage, shape, tuple(strides), offset)
        return new if np.array_equal(new.cells(), cells) else None

    @classmethod
    def permute(cls, view, axes):
        return cls.fit(view, view.cells().transpose(axes))

    @classmethod
    def slice(cls, view, axis, *part):
        return cls.fit(view, view.cells()[(slice(None),) * axis + (slice(*part),)])

    @classmethod
    def expand(cls, view, shape):
        return cls.fit(view, np.broadcast_to(view.cells(), shape))

    @classmethod
    def reshape(cls, view, shape):
        copy = lab.Strided.of(view.numpy().reshape(shape))
        return cls.fit(view, view.cells().reshape(shape)) or copy

    @staticmethod
    def fill(view, number):
        cells = view.cells().ravel()
        if len(np.unique(cells)) < len(cells):
            raise lab.LabError("shared")
        for cell in cells:
            view.storage[cell] = number
'''
WRONG_VIEWS = edits(STRIDES, {
    "a negative step begins at the front": ("view.offset + start *", "view.offset + 0 *"),
    "a negative step reads forward": ("strides[axis] * step", "strides[axis] * abs(step)"),
    "a slice forgets the step": ("strides[axis] * step\n", "strides[axis]\n"),
    "a slice of a slice begins anew": ("view.offset + start *", "start *"),
    "start counts cells": ("start * view.strides[axis]", "start"),
    "reshapes what is not contiguous as a view": (
        "return tensor_views.reshape(lab.Strided.of(view.numpy()), shape)",
        "return replace(view, shape=tuple(shape), strides=lab.autodiff.views.dense(shape))"),
    "always copies in reshape": (
        "        axes = [(n, s)", "        view = lab.Strided.of(view.numpy())\n"
                                  "        axes = [(n, s)"),
    "an axis of length one is in the way of reshape": ("if n > 1]\n", "]\n"),
    "views only what is contiguous": (
        "        axes = [(n, s)",
        "        if view.strides != lab.autodiff.views.dense(view.shape):\n"
        "            view = lab.Strided.of(view.numpy())\n        axes = [(n, s)"),
    "joins axes without looking at strides": ("while axes and axes[-1][1] == size * step:",
                                              "while axes and size < n:"),
    "expand copies": ("return replace(view, shape=tuple(shape), strides=tuple(strides))\n\n"
                      "    def reshape",
                      "return lab.Strided.of(np.broadcast_to(view.numpy(), shape))\n\n"
                      "    def reshape"),
    "expand keeps the stride": ("step if n == m else 0", "step"),
    "expand adds axes behind": ("shape[len(strides):]", "shape"),
    "writes into shared cells": (" and n > 1 for", " and n > 99 for"),
    "refuses every stride of 0": ("s == 0 and n > 1", "s == 0"),
    "writes a copy": ("view.storage[view.cells()] = number",
                      "view.storage.copy()[view.cells()] = number"),
    "writes the whole storage": ("view.storage[view.cells()]", "view.storage[:]"),
    "permutes the shape alone": ("tuple(view.strides[a] for a in axes)", "view.strides"),
    "permutes the other way round": ("strides=tuple(view.strides[a] for a in axes)",
                                     "strides=tuple(view.strides[axes.index(a)] "
                                     "for a in range(len(axes)))"),
})


@exercise("autodiff.tensor_views", code="V.1-A", points=10, driver="views", mutants=WRONG_VIEWS,
          different={"by strides": STRIDES, "by cells": BY_CELLS},
          hides=("autodiff.views:tensor_views", "autodiff.views:_merged", "autodiff.views:_split"))
def tensor_views(answer, rng):
    """class tensor_views holds five functions on a lab.Strided, which has storage (one axis of
    cells), shape, strides and offset (both in cells). permute(view, axes): axis i of the result
    is axis axes[i]. slice(view, axis, start, stop, step): as Python slices, step may be negative,
    any of the three None. expand(view, shape): as NumPy broadcasts. These three give a view: a
    lab.Strided (dataclasses.replace makes one) with the very same storage. reshape(view, shape):
    the same elements, the last axis fastest, in a shape of the same size; a view of the same
    storage wherever strides can say it (also of a permuted or sliced view), else a view of a
    copy, which lab.Strided.of(view.numpy()) makes. fill(view, number) writes number into the
    cells of all elements, and no others; where two elements share a cell it raises a LabError
    and writes nothing."""
    for start, ops in CHAINS:
        yield from _chain(answer, np.arange(np.prod(start)).reshape(start), ops)
    for _ in range(25):
        array = rng.permutation(24).reshape([(24,), (4, 6), (2, 3, 4), (3, 1, 8)][rng.integers(4)])
        yield from _chain(answer, array, _random_ops(rng, array))


CHAINS = (
    ((2, 3, 4), [["permute", (2, 0, 1)], ["fill", 7]]),
    ((2, 3, 4), [["permute", (1, 2, 0)], ["permute", (1, 2, 0)]]),
    ((3, 5), [["slice", 1, None, None, -1], ["slice", 0, 1, None, None], ["fill", 7]]),
    ((3, 5), [["slice", 1, 4, 0, -2], ["slice", 1, None, None, -1], ["slice", 0, -1, -9, -2]]),
    ((9,), [["slice", 0, 2, None, None], ["slice", 0, 1, None, 3], ["slice", 0, 5, 2, 1]]),
    ((3, 1), [["expand", (2, 3, 4)], ["fill", 7], ["slice", 2, 0, 1, 1], ["slice", 0, 0, 1, 1],
              ["fill", 8]]),
    ((2, 3), [["expand", (2, 2, 3)], ["reshape", (4, 3)], ["fill", 9]]),
    ((1, 4), [["expand", (6, 4)], ["reshape", (2, 3, 2, 2)], ["reshape", (24,)]]),
    ((2, 6), [["reshape", (3, 4)], ["slice", 0, None, None, 2], ["reshape", (2, 2, 2)],
              ["fill", 7]]),
    ((2, 3), [["permute", (1, 0)], ["reshape", (6,)], ["fill", 7]]),
    ((4, 6), [["slice", 1, 0, 4, 1], ["reshape", (2, 2, 4)], ["reshape", (16,)]]),
    ((2, 3, 4), [["permute", (1, 2, 0)], ["reshape", (12, 2)], ["reshape", (3, 4, 2)]]),
    ((4, 3), [["slice", 0, 1, 2, 1], ["permute", (1, 0)], ["reshape", (1, 3, 1)], ["fill", 7]]),
    ((6, 2), [["slice", 0, None, None, -1], ["reshape", (2, 3, 2)], ["reshape", (6, 2)],
              ["reshape", (12,)]]),
    ((), [["expand", (3,)], ["reshape", (1, 3)], ["slice", 1, 1, 2, 1], ["reshape", ()]]))


def _random_ops(rng, array):
    """Ops that are legal one after the other; the last one writes."""
    ops = []
    for _ in range(int(rng.integers(2, 6))):
        kind = ("permute", "slice", "expand", "reshape")[rng.integers(4)]
        op = [kind, *DRAW[kind](rng, array)]
        if kind == "slice" and not array.ndim:
            continue
        array, ops = _on_numpy(array, op), [*ops, op]
    return [*ops, ["fill", -1]]


def _draw_slice(rng, array):
    axis = int(rng.integers(max(array.ndim, 1)))
    n = (*array.shape, 1)[axis]
    step = int(rng.choice([-3, -2, -1, 1, 2, 3]))
    start = int(rng.integers(-n, n))
    ends = [start, None] if rng.random() < 0.5 else [None, None]
    return axis, *ends, step


def _draw_shape(rng, array):
    """Lengths whose product is the size, with ones here and there."""
    lengths, rest = [], array.size
    for n in (2, 3, 2, 2):
        if rest % n == 0 and rng.random() < 0.6:
            lengths.append(n)
            rest //= n
    lengths += [rest] + [1] * int(rng.integers(2))
    return (tuple(int(lengths[i]) for i in rng.permutation(len(lengths))),)


DRAW = {
    "permute": lambda rng, x: (tuple(map(int, rng.permutation(x.ndim))),),
    "slice": _draw_slice, "reshape": _draw_shape,
    "expand": lambda rng, x: ((*[2] * int(rng.integers(2)),
                               *(int(rng.integers(1, 4)) if n == 1 else n for n in x.shape)),)}


def _on_numpy(array, op):
    kind, *given = op
    if kind == "slice":
        axis, *part = given
        return array[(*[slice(None)] * axis, slice(*part), ...)]
    if kind == "fill":
        return array
    return {"permute": np.transpose, "expand": np.broadcast_to, "reshape": np.reshape}[kind](
        array, *given)


def _chain(answer, array, ops):
    """The chain on NumPy beside the answer's: elements, memory shared or not, what is written."""
    base, text = array.copy(), f"Strided.of(arange, {list(array.shape)})"
    came, view = answer(array, ops), base
    cells = np.arange(base.size).reshape(base.shape)  # which cell each element lies in
    storage = base.reshape(-1)
    for op, got in zip(ops, came, strict=False):
        text += f".{op[0]}({', '.join(map(str, op[1:]))})"
        if op[0] == "fill":
            yield from _filled(text, op[1], cells, storage, got)
            continue
        view, before = _on_numpy(cells, op), cells
        same = np.shares_memory(view, before)
        yield from _viewed(text, view, storage, same, got)
        cells, storage = (view, storage) if same else (
            np.arange(view.size).reshape(view.shape), storage[view].reshape(-1))
    yield Case(len(came) == len(ops), f"{text}: expected {len(ops)} results, came {len(came)}")


def _viewed(text, view, storage, same, got):
    """The cases of an op that gives a view."""
    cells, holds = got["cells"], got["holds"]
    yield Case(cells.shape == view.shape, f"{text}: expected shape {list(view.shape)}, came "
                                          f"{list(cells.shape)}")
    inside = not cells.size or cells.min() >= 0 and cells.max() < len(holds)
    yield Case(inside, f"{text}: expected all elements within the {len(holds)} cells, came cells "
                       f"{cells.tolist()}")
    came = holds[cells].tolist() if inside else None
    yield Case(came == storage[view].tolist(), f"{text}: expected the elements "
                                               f"{storage[view].tolist()}, came {came}")
    words = ("a copy, as no strides can say this", "a view of the same storage")
    yield Case(not view.size or got["same"] == same, f"{text}: expected {words[same]}; came "
                                                     f"{'a copy' if same else words[1]}")


def _filled(text, number, cells, storage, got):
    """The cases of a write; ``storage`` is written as it should be."""
    shared = len(np.unique(cells)) < cells.size
    yield Case(got["raised"] == shared, f"{text}, where "
               f"{'elements share' if shared else 'no two elements share'} a cell: expected "
               f"{'a LabError' if shared else 'no error'}, came "
               f"{'one' if got['raised'] else 'none'}")
    if not shared:
        storage[cells] = number
    yield Case(np.array_equal(got["before"], storage), f"{text}: expected in the cells "
               f"{storage.tolist()}, came {got['before'].tolist()}")
