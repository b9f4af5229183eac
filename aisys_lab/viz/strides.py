"""Figure «stride viewer»: two steps on a small tensor, its cells in memory, copy or view."""

import numpy as np

from aisys_lab.autodiff.views import Strided
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, words

SHAPE = (3, 4)
CELLS = 12
FIRST = {  # what is done to x, and how
    "x": lambda x: x,
    "x.T": lambda x: x.T,
    "x[:, ::2]": lambda x: x[:, ::2],
    "x[::-1]": lambda x: x[::-1],
    "x[1:2]": lambda x: x[1:2],
}
THEN = {
    "": lambda x: x,
    ".reshape(-1)": lambda x: x.reshape(-1),
    ".reshape(-1, 2)": lambda x: x.reshape(-1, 2),
    ".expand(2, …)": lambda x: x.expand(2, *x.shape),
}


def compute(first, then, step):
    """The numbers of a tensor after two steps, and whether its storage is that of x."""
    x = Strided.of(np.arange(CELLS).reshape(SHAPE))
    view = THEN[then](FIRST[first](x))
    index = np.unravel_index(step * view.size // CELLS, view.shape)
    return {"code": first + then, "copied": view.storage is not x.storage, "values": view.numpy(),
            "strides": np.array(view.strides), "offset": view.offset, "index": np.array(index)}


# ---- the drawing

LOOKS = (("compute", "light", "compute"), ("soft", "ink", "rest"), ("none", "ink", "compute"))
WIDE, TALL = 30, 22


def cell(x, y, wide, value, seen=True):
    """A number in the look of the row of x that it came from; without a box if not looked at."""
    look, ink, edge = LOOKS[value // SHAPE[1]]
    return [*[box(x + 1, y + 1, wide - 2, TALL - 2, look, edge)] * seen,
            words(x + wide / 2, y + 15.5, value, ink if seen else "quiet", "middle", 12)]


def draw(data):
    """The result as a table of values, how an element is found, and the memory below."""
    place = address(data)
    parts = [words(0, 14, data["code"], size=13, mono=True, bold=True),
             words(WIDTH, 14, verdict(data), "accent" if data["copied"] else "ink", "end", 13,
                   bold=True), *table(data, 26)]
    parts += [words(0, 190 + 20 * i, line, size=13) for i, line in enumerate(found(data, place))]
    parts += memory(238, "memory of x", np.arange(CELLS), None if data["copied"] else
                    set(data["values"].ravel().tolist()), None if data["copied"] else place)
    if data["copied"]:
        parts += memory(288, "memory of the copy", data["values"].ravel(),
                        set(range(CELLS)), place)
    return picture(336, parts, sentence(data, place))


def table(data, top):
    """Rows and columns of values; a third axis as blocks side by side; a ring on one of them."""
    values = data["values"]
    blocks = values.reshape((1,) * (3 - values.ndim) + values.shape)
    deep, rows, columns = blocks.shape
    block = columns * WIDE + 24
    parts = [part for (b, i, j), value in np.ndenumerate(blocks)
             for part in cell(b * block + j * WIDE, top + i * (TALL + 2), WIDE, int(value))]
    b, i, j = (0,) * (3 - values.ndim) + tuple(int(n) for n in data["index"])
    return [*parts, ring(b * block + j * WIDE, top + i * (TALL + 2), WIDE)]


def memory(y, title, values, seen, place):
    """A strip of cells; those that the result can reach are coloured."""
    wide = WIDTH / max(len(values), CELLS)
    parts = [words(0, y + 12, title, "quiet", size=13)]
    parts += [part for k, value in enumerate(values) for part in
              cell(k * wide, y + 18, wide, int(value), seen is not None and int(value) in seen)]
    return parts if place is None else [*parts, ring(place * wide, y + 18, wide)]


def ring(x, y, wide):
    """The mark on the element that is being found."""
    return box(x - 1, y - 1, wide + 2, TALL + 2, "none", "accent", r=4)


def address(data):
    """The cell of an element: offset, and a stride for each step along an axis."""
    return int(data["offset"] + np.dot(data["index"], data["strides"]))


def found(data, place):
    """Two lines: the numbers of the tensor, and the sum for one element."""
    steps = "".join(f" + {i}·{s}" if s >= 0 else f" − {i}·{-s}" for i, s in
                    zip(data["index"], data["strides"], strict=True))
    return (f"shape {tuple(data['values'].shape)}, strides {plain(data['strides'])}, "
            f"offset {data['offset']}",
            f"element {list(plain(data['index']))} lies in cell {data['offset']}{steps} = {place}")


def plain(numbers):
    """NumPy's numbers as a tuple of Python's."""
    return tuple(int(n) for n in numbers)


def verdict(data):
    """Copy or view, and what it moved."""
    return f"copy, {data['values'].size} elements moved" if data["copied"] else "view"


def sentence(data, place):
    """The point of a frame."""
    kind = f"a copy, {data['values'].size} elements moved" if data["copied"] else \
        "a view of the memory of x"
    return (f"{data['code']} is {kind}: shape {tuple(data['values'].shape)}, strides "
            f"{plain(data['strides'])}, offset {data['offset']}; element "
            f"{list(plain(data['index']))} lies in cell {place}.")


FIGURES.define("stride_viewer", Figure(
    "stride_viewer", "Shape, strides and memory", compute, draw,
    grid={"first": tuple(FIRST), "then": tuple(THEN), "step": tuple(range(CELLS))},
    labels={"first": "First", "then": "Then", "step": "Walk through it"},
    start={"first": "x.T", "step": 5},
    units={"then": lambda code: code or "nothing more", "step": lambda n: f"{n + 1} of {CELLS}"}))
