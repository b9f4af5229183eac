"""Figure «rungs on the roofline»: the same products under the roof of the second cache.

Across: operations for each byte that moves between the first and the second cache, counted on those
of the machine on which the rungs were measured. Up: what one thread of it reaches. The roof is
what the second cache can bring, and the peak of the thread (Williams, Waterman, Patterson 2009).
"""


import numpy as np

from aisys_lab.chips import Cache, Hierarchy
from aisys_lab.core.text import si, significant
from aisys_lab.viz.cards import HIGH, TOP, axes_of, ticks
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.ladder import counted
from aisys_lab.viz.measured import SMALL, stored
from aisys_lab.viz.svg import PALETTE, WIDTH, num, picture, stroke, words

LEVEL, BELOW = "L1", "L2"  # bytes between these two
SIDES = SMALL[1:]
LOW, MOST, FLOOR = -1, 2, 1e9  # powers of ten of op/B that are drawn, and op/s


def compute(n):
    """Operations a byte and a second of every rung, and the roof above them."""
    known = stored()
    caches = Hierarchy(Cache(name=name, **shape) for name, shape in known["caches"].items())
    rungs, rates = counted(n, "float64", caches), known["rates"]["f64"][str(n)]
    intensity = np.array([rung.count.intensity(LEVEL) for rung in rungs])
    bandwidth, peak = known["bandwidth"][BELOW], known["peak"]["f64"]
    return {"n": n, "names": [rung.name for rung in rungs], "intensity": intensity,
            "rate": np.array([rates[rung.name] for rung in rungs]),
            "roof": np.minimum(peak, intensity * bandwidth), "bandwidth": bandwidth,
            "peak": peak, "machine": known["machine"]}


def draw(data):
    """The roof, and a dot a rung with its distance to the roof."""
    top = 2 * data["peak"]
    place, ridge = axes_of(LOW, MOST, FLOOR, top), data["peak"] / data["bandwidth"]
    parts = [words(0, 14, f"{data['n']} by {data['n']} matrices, f64", bold=True),
             *ticks(LOW, MOST, place),
             stroke([place(10.0 ** LOW, data["bandwidth"] * 10.0 ** LOW),
                     place(ridge, data["peak"])], "compute", 2.5),
             stroke([place(ridge, data["peak"]), place(10.0 ** MOST, data["peak"])], "compute",
                    2.5),
             words(WIDTH - 4, place(1, data["peak"])[1] - 6,
                   f"peak {si(data['peak'], 'op/s')}", anchor="end", size=12),
             words(12, TOP + 10, f"{BELOW} brings {si(data['bandwidth'], 'B/s')}", size=12),
             words(WIDTH / 2, TOP + HIGH + 36, f"operations for each byte between {LEVEL} and "
                                               f"{BELOW}", "quiet", "middle", 12)]
    return picture(TOP + HIGH + 42, parts + dots(data, place), sentence(data))


def dots(data, place):
    """A rung is a dot with a dashed line up to the roof; names step aside for each other."""
    parts, free = [], 0
    for i in np.argsort(-data["rate"]):
        x, y = place(data["intensity"][i], data["rate"][i])
        free = max(y + 4, free + 14)
        parts += [stroke([(x, y), place(data["intensity"][i], data["roof"][i])], "rest", 1,
                         dash="3 3"),
                  f"<circle class='f-accent' fill='{PALETTE['accent']}' cx='{num(x)}' "
                  f"cy='{num(y)}' r='4.5'/>", words(x + 8, free, data["names"][i], size=12)]
    return parts


def sentence(data):
    """The point of a frame."""
    said = "; ".join(
        f"{name} {significant(data['intensity'][i])} op/B, {si(data['rate'][i], 'op/s')}, "
        f"{data['rate'][i] / data['roof'][i]:.0%} of its roof"
        for i, name in enumerate(data["names"]))
    return (f"Products of {data['n']} by {data['n']} matrices in f64 on one thread of "
            f"{data['machine']}, by the bytes that move between {LEVEL} and {BELOW}: {said}.")


FIGURES.define("rungs_on_the_roofline", Figure(
    "rungs_on_the_roofline", "Each rung under its roof", compute, draw,
    grid={"n": SIDES}, labels={"n": "Side of the matrices"}, start={"n": 64}))
