"""Figure «conv chooser»: six ways to convolve, what they cost, and which one wins."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from aisys_lab.core.text import si
from aisys_lab.viz.convolutions import WAYS, cost, shape_of
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import box, picture, stroke, words

STORED = Path(__file__).parent / "data/convs.json"
GRID = {"side": (7, 14, 28, 56), "channels": (8, 32, 128),
        "window": ("1×1", "3×3", "5×5", "3×3 depthwise"), "stride": (1, 2)}


@cache
def stored():
    """What was measured on one named machine: its peak, its levels of memory, seconds by point
    and way. ``python -m aisys_lab.viz.measure_convs`` measures this machine and stores that."""
    return json.loads(STORED.read_text(encoding="utf-8"))


def key(side, channels, window, stride):
    """A point of the grid as the stored file names it."""
    return f"{side} {channels} {window} {stride}"


def compute(side, channels, window, stride):
    """Counts and seconds of every way; 0 where it cannot serve, and ``why``."""
    known, g = stored(), shape_of(side, channels, window, stride)
    costs = {way: cost(way, g) for way in WAYS}
    measured = known["seconds"][key(side, channels, window, stride)]
    columns = {
        "multiplications": [c.multiplications for c in costs.values()],
        "bytes": [c.bytes for c in costs.values()],
        "workspace": [c.workspace for c in costs.values()],
        "predicted": [c.seconds(known["peak"], known["levels"]) for c in costs.values()],
        "measured": [measured.get(way, 0) for way in costs]}
    return {"side": side, "channels": channels, "window": window, "stride": stride,
            "ways": list(WAYS), "why": [c.why for c in costs.values()],
            "machine": known["machine"], **{name: np.array(v) for name, v in columns.items()}}


def winner(data, column):
    """The place of the way with the least seconds."""
    return int(np.argmin(np.where(data[column] > 0, data[column], np.inf)))


# ---- the drawing

COLUMNS = (("multiplications", "", 118, "multipli-", "cations"),  # where its numbers end
           ("bytes", "B", 184, "bytes", "moved"), ("workspace", "B", 250, "work-", "space"))
LEFT, LONG, TOP, STEP = 262, 122, 60, 40
SCALE = 6  # times the fastest: longer bars are cut


def draw(data):
    """A row a way: three counts, and below each other the time of the model and of the machine."""
    fastest = data["measured"][winner(data, "measured")]
    longest = min(SCALE * fastest, max(data["predicted"].max(), data["measured"].max()))
    parts = [words(0, 14, title(data), bold=True, size=13)]
    for _, _, end, *lines in COLUMNS:
        parts += [words(end, 34 + 13 * i, text, "quiet", "end", 11) for i, text in enumerate(lines)]
    parts += [words(LEFT, 34, "time by the model,", "quiet", size=11),
              words(LEFT, 47, "below it measured", "quiet", size=11)]
    for row in range(len(data["ways"])):
        parts += line(data, row, longest)
    low = TOP + STEP * len(data["ways"])
    parts.append(stroke([(LEFT - 4, TOP - 2), (LEFT - 4, low - 6)], "rest", 1))
    return picture(low + 2, parts, sentence(data))


def line(data, row, longest):
    """One way."""
    y = TOP + STEP * row
    best = row == winner(data, "measured")
    parts = [words(0, y + 18, data["ways"][row], "accent" if best else "ink", size=13, bold=best)]
    if data["why"][row]:
        return [*parts, words(LEFT, y + 18, data["why"][row], "quiet", size=11)]
    for column, unit, end, *_ in COLUMNS:
        value = data[column][row]
        parts.append(words(end, y + 18, si(value, unit) if value else "–", anchor="end", size=11))
    looks = {"predicted": "memory", "measured": "accent" if best else "compute"}
    for i, (column, look) in enumerate(looks.items()):
        if data[column][row]:
            parts += bar(y + 3 + 15 * i, data[column][row], longest, look,
                         row == winner(data, column))
    return parts


def bar(y, seconds, longest, look, best):
    """A time as a bar with its number, bold if it is the least; dashed if the bar is cut."""
    cut, wide = seconds > longest, max(LONG * min(seconds / longest, 1), 1)
    return [box(LEFT, y, wide, 12, "none" if cut else look, look if cut else None, r=0,
                dash="4 3" if cut else None),
            words(LEFT + wide + 4, y + 10, si(seconds, "s"), size=11, bold=best)]


def title(data):
    """The convolution in one line."""
    return (f"{data['side']} × {data['side']} pixels, {data['channels']} channels, "
            f"{data['window']}, stride {data['stride']}")


def sentence(data):
    """The point of a frame."""
    guess, best = winner(data, "predicted"), winner(data, "measured")
    least = int(np.argmin(np.where(data["workspace"] > 0, -data["workspace"], np.inf)))
    return (f"{title(data)}: direct multiplies {si(data['multiplications'][0])} times. Most "
            f"workspace takes {data['ways'][least]}, {si(data['workspace'][least], 'B')}. Measured "
            f"on one thread of {data['machine']}, {data['ways'][best]} wins with "
            f"{si(data['measured'][best], 's')}"
            + (", as the model says." if guess == best else
               f"; the model says {data['ways'][guess]}, which takes "
               f"{si(data['measured'][guess], 's')}."))


FIGURES.define("conv_chooser", Figure(
    "conv_chooser", "Which way to convolve", compute, draw, grid=GRID,
    labels={"side": "Pixels", "channels": "Channels", "window": "Window",
            "stride": "Stride"}, start={"side": 28, "channels": 32, "window": "3×3"}))
