"""How fast each rung of the matrix product is on one named machine, as stored for the figures.

``python -m aisys_lab.viz.measure`` measures this machine and stores that instead.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np

STORED = Path(__file__).parent / "data/rungs.json"
LARGE = 512  # the side for which a core's rates are shown
SMALL = (16, 32, 48, 64)  # sides of products that are counted as well


def operands(n, dtype):
    """Two matrices [n,n]; what they hold changes no count."""
    return np.ones((n, n), dtype), np.ones((n, n), dtype)


@cache
def stored():
    """What was measured: rates and bandwidths a second, of one thread."""
    return json.loads(STORED.read_text(encoding="utf-8"))
