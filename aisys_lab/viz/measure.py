"""Measures the rungs of the matrix product for the figures: ``python -m aisys_lab.viz.measure``."""

import json
from importlib.metadata import version

import numpy as np

from aisys_lab.chips import hierarchy, measure_card
from aisys_lab.chips.rungs import calls_a_second
from aisys_lab.kernels import KERNELS
from aisys_lab.viz.measured import LARGE, SMALL, STORED, operands

TRIES = 3


def measure():
    """What ``measured.stored`` gives, of this machine: rates and bandwidths of one thread."""
    chip = measure_card()
    return {"machine": chip.name, "numba": version("numba"),
            "caches": {cache.name: {"size": cache.size, "ways": cache.ways, "line": cache.line}
                       for cache in hierarchy().levels},
            "bandwidth": {level.name: short(level.bandwidth / chip.units)
                          for level in chip.levels},
            "peak": {dtype: short(chip.reach[f"one thread {dtype}"]) for dtype in ("f32", "f64")},
            "rates": {"f32": {str(LARGE): rates(LARGE, np.float32)},
                      "f64": {str(n): rates(n, np.float64) for n in SMALL}}}


def rates(n, dtype):
    """Operations a second of every rung, at its best of several tries."""
    return {name: short(2 * n**3 * max(calls_a_second("matmul", name, operands(n, dtype))
                                       for _ in range(TRIES))) for name in KERNELS["matmul"]}


def short(rate):
    """Three digits: what such a measurement is good for."""
    return float(f"{rate:.3g}")


if __name__ == "__main__":
    STORED.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
