"""Figure «GEMM ladder»: what each rung of the matrix product loads and misses, and what it gains.

Loads and misses are counted on small caches, so that small matrices already do not fit; how fast
the rungs are is measured, on one thread of a named machine, and stored.
"""

from functools import cache

import numpy as np

from aisys_lab.chips import Cache, Hierarchy, count_rungs
from aisys_lab.core.text import si, significant
from aisys_lab.viz.drawings import SHOW
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.measured import LARGE, SMALL, operands, stored
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

CACHES = Hierarchy([Cache(4 << 10, 4), Cache(32 << 10, 8)])


@cache
def counted(n, dtype="float32", caches=CACHES):
    """The rungs of a product of two matrices [n,n]."""
    return count_rungs("matmul", *operands(n, dtype), caches=caches)


def compute(n):
    """Of every rung: loads a multiply-add, misses a thousand of them, operations a second."""
    known = stored()
    rates = known["rates"]["f32"][str(LARGE)]
    data = columns_of(counted(n))
    return data | {
        "n": n, "title": f"{n} by {n} matrices", "peak": known["peak"]["f32"],
        "rate": np.array([rates[name] for name in data["names"]]), "machine": known["machine"],
        "aside": f"measured with {LARGE} by {LARGE}: peak {si(known['peak']['f32'], 'op/s')}"}


def columns_of(rungs):
    """The columns of the figure: of what was counted and, where it was, measured."""
    counts = [rung.count for rung in rungs]
    levels = [level.cache.name for level in counts[0].traffic][:2]
    return {"names": [rung.name for rung in rungs], "levels": levels,
            "loads": np.array([count.loads_per_fma for count in counts]),
            "misses": [np.array([1000 * count.traffic[name].misses / count.fmas
                                 for count in counts]) for name in levels],
            "rate": np.array([rung.rate or 0 for rung in rungs])}


# ---- the drawing

LEFT, WIDE, HIGH, TOP = 78, 88, 38, 66


def draw(data):
    """A row a rung, a column a count; the longest bar of a column is its largest number."""
    names, low = data["names"], TOP + HIGH * len(data["names"])
    parts = [words(0, 14, data["title"], bold=True),
             words(WIDTH, 14, data["aside"], "quiet", "end", 12)]
    for i, (first, second, values, look) in enumerate(columns(data)):
        x = LEFT + WIDE * i
        parts += [words(x, 38, first, "quiet", size=12), words(x, 52, second, "quiet", size=12)]
        for row, value in enumerate(values):
            parts += bar(x, TOP + HIGH * row, value, max(values), look)
    parts += [words(0, TOP + HIGH * row + 21, name, size=13) for row, name in enumerate(names)]
    parts.append(stroke([(LEFT - 4, TOP - 6), (LEFT - 4, low - 6)], "rest", 1))
    return picture(low + 4, parts, sentence(data))


def columns(data):
    """``(two lines of words, numbers, colour)`` of each column."""
    yield "loads a", "multiply-add", data["loads"], "compute"
    for name, values, look in zip(data["levels"], data["misses"], ("memory", "rest"),
                                  strict=False):
        yield f"{name} misses", "a thousand", values, look
    if data["rate"].any():
        yield "Gop/s", "measured", data["rate"] / 1e9, "accent"


def bar(x, y, value, most, look):
    """A bar and its number above it."""
    return [words(x, y + 9, short(value), size=11, mono=True),
            box(x, y + 13, (WIDE - 10) * value / (most or 1), 12, look, r=0)]


def short(value):
    return significant(value) if value < 1000 else f"{value:.0f}"


def sentence(data):
    """The point of a frame."""
    return f"{counted_words(data)} {measured_words(data)}".strip()


def counted_words(data):
    loads, missed = data["loads"], data["misses"][0]
    return (f"{data['title']}: from {data['names'][0]} to {data['names'][-1]}, loads a "
            f"multiply-add go from {short(loads[0])} to {short(loads[-1])}, and "
            f"{data['levels'][0]} misses a thousand from {short(missed[0])} to "
            f"{short(missed[-1])}.")


def measured_words(data):
    if not data["rate"].any():
        return ""
    return (f"Measured on one thread of {data['machine']}: from {si(data['rate'][0], 'op/s')} to "
            f"{si(data['rate'][-1], 'op/s')}.")


@SHOW.row("Rungs")
def show_rungs(rungs):
    """The ladder of any op, on the caches and the machine that it was counted and measured on."""
    return draw(columns_of(rungs) | {"title": rungs.op, "aside": rungs.shapes,
                                     "machine": "this machine"})


FIGURES.define("gemm_ladder", Figure(
    "gemm_ladder", "The ladder of the matrix product", compute, draw,
    grid={"n": SMALL}, labels={"n": "Side of the matrices"}, start={"n": 64}))
