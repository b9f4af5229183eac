"""Honest timing: warm up, take turns, use medians, and conclude only outside the noise."""

import math
import statistics
import time
from dataclasses import dataclass

from aisys_lab.core.errors import LabError, whole
from aisys_lab.core.table import slot
from aisys_lab.core.text import si


@dataclass(frozen=True)
class Timing:
    """Median seconds of two functions, the 99 % interval of g/f, and which is faster."""

    f: float
    g: float
    low: float
    high: float
    faster: str  # 'f', 'g' or 'inconclusive'

    def __str__(self):
        word = self.faster if self.faster == "inconclusive" else f"{self.faster} is faster"
        return (f"f {si(self.f, 's')}, g {si(self.g, 's')}; g/f between {self.low:.2f} and "
                f"{self.high:.2f}: {word}")

    __repr__ = __str__


@slot("core.bench")
def bench(f, g, clock=time.perf_counter, warmup=3, repeats=31):
    """Which of ``f()`` and ``g()`` is faster, as a Timing; 'inconclusive' inside the noise."""
    if not callable(f) or not callable(g):
        raise LabError("bench takes two functions without arguments, as in bench(lambda: f(x), "
                       "lambda: g(x)).")
    warmup, repeats = whole("bench", "warmup", warmup), whole("bench", "repeats", repeats, 1)
    for _ in range(warmup):  # compilation and cold caches stay outside
        f(), g()
    pairs = [_pair(f, g, clock, turn % 2) for turn in range(repeats)]
    if not all(a > 0 and b > 0 for a, b in pairs):
        raise LabError("a call took no time on this clock; let each call do more work.")
    low, high = interval([b / a for a, b in pairs])
    faster = "f" if low > 1 else "g" if high < 1 else "inconclusive"
    return Timing(*map(statistics.median, zip(*pairs, strict=True)), low, high, faster)


def _pair(f, g, clock, swapped):
    """Seconds of one call each; every other pair runs in the other order, so that drift cancels."""
    if swapped:
        return _pair(g, f, clock, False)[::-1]
    start = clock()
    f()
    middle = clock()
    g()
    return middle - start, clock() - middle


def interval(values):
    """A 99 % interval of the median by ranks, whatever the distribution (sign test)."""
    values, n = sorted(values), len(values)
    rank = math.floor((n - 1) / 2 - 1.29 * math.sqrt(n))
    return (values[rank], values[n - 1 - rank]) if rank >= 0 else (0.0, math.inf)
