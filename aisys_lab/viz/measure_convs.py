"""Measures the ways to convolve for the chooser: ``python -m aisys_lab.viz.measure_convs``."""

import itertools
import json
from importlib.metadata import version

import numpy as np

from aisys_lab.chips import hierarchy, measure_card
from aisys_lab.chips.rates import alone, enough, seconds
from aisys_lab.kernels import conv2d, pack_conv
from aisys_lab.viz.chooser import GRID, STORED, key
from aisys_lab.viz.convolutions import WAYS, shape_of

ROUNDS = 5


def measure():
    """What ``chooser.stored`` gives, of one thread of this machine."""
    chip = measure_card()
    levels = [[level.bytes, short(level.bandwidth / chip.units)] for level in chip.levels]
    return {"machine": chip.name, "numba": version("numba"),
            "peak": short(chip.reach["one thread f32"]),
            "levels": [*levels, [chip.memory_bytes, short(chip.bandwidth / chip.units)]],
            "caches": [str(cache) for cache in hierarchy().levels],
            "seconds": {key(*point): times(*point)
                        for point in itertools.product(*GRID.values())}}


def times(*point):
    """Seconds of every way that serves, in turns, the best turn; weights are packed before."""
    g, rng = shape_of(*point), np.random.default_rng(0)
    x = rng.standard_normal((1, *g.image, g.channels), dtype=np.float32)
    w = rng.standard_normal((*g.window, g.channels // g.groups, g.out), dtype=np.float32)
    calls = {way: call(row.rung(g), x, w, g) for way, row in WAYS.items() if not row.refuses(g)}
    with alone():
        passes = {way: enough(one) for way, one in calls.items()}
        turns = [{way: seconds(one, passes[way]) for way, one in calls.items()}
                 for _ in range(ROUNDS)]
    return {way: short(min(turn[way] for turn in turns)) for way in calls}


def call(rung, x, w, g):
    """A function without arguments that convolves by a rung."""
    packed = pack_conv(w, "NHWC", g.groups, rung)
    return lambda: conv2d(x, packed, None, g.stride, g.pads, 1, g.groups, kernel=rung)


def short(value):
    """Three digits: what such a measurement is good for."""
    return float(f"{value:.3g}")


if __name__ == "__main__":
    STORED.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
