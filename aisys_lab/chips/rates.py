"""Calls side by side: how fast each is at its best, on one thread of this machine."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from aisys_lab.chips.host import measure_card
from aisys_lab.chips.rungs import one_thread
from aisys_lab.core import LabError, whole
from aisys_lab.core.text import si, table

LEAST = 0.004  # seconds that the calls of one turn last at least
CLOCK = time.perf_counter if sys.platform == "win32" else time.thread_time  # others may work too


@dataclass(frozen=True)
class Rates:
    """Seconds of one call each, by name; ``flops`` is what a call has to do, however it does it,
    and ``peak`` what one thread could do in a second."""

    title: str
    flops: float
    seconds: dict
    peak: float

    def rate(self, name):
        """Operations a second."""
        return self.flops / self.seconds[name]

    def share(self, name):
        """The part of the peak that a call reaches, as text."""
        part = self.rate(name) / self.peak
        return f"{part:.1%}" if part < 0.095 else f"{part:.0%}"

    @property
    def best(self):
        """The name of the fastest."""
        return min(self.seconds, key=self.seconds.get)

    def __str__(self):
        rows = [(name, si(seconds, "s"), si(self.rate(name), "op/s"),
                 self.share(name)) for name, seconds in self.seconds.items()]
        return "\n".join([f"{self.title}: {si(self.flops)}op a call, one thread, peak "
                          f"{si(self.peak, 'op/s')}", table(rows, ("", "a call", "rate", "of peak"),
                                                            "lrrr")])

    __repr__ = __str__


def race(title, flops, calls, dtype="f32", rounds=7) -> Rates:
    """The Rates of functions without arguments, by name: they take turns, the best turn counts.

    NumPy's BLAS and Numba's kernels take one thread meanwhile, and what counts is the time that
    this thread works. The first call of each, which may compile, is thrown away.
    """
    rounds = whole("race", "rounds", rounds, 1)
    if not calls or not all(map(callable, calls.values())):
        raise LabError("race takes functions by name, as in race('product', 2 * n**3, {'mine': "
                       "lambda: mine(a, b), 'numpy': lambda: a @ b}).")
    peak = measure_card().reach[f"one thread {dtype}"]
    with alone():
        passes = {name: enough(call) for name, call in calls.items()}
        turns = [{name: seconds(call, passes[name]) for name, call in calls.items()}
                 for _ in range(rounds)]
    return Rates(title, flops, {name: min(turn[name] for turn in turns) for name in calls}, peak)


def alone():
    """BLAS and Numba on one thread."""
    from threadpoolctl import threadpool_limits
    stack = ExitStack()
    stack.enter_context(threadpool_limits(1, "blas"))
    stack.enter_context(one_thread())
    return stack


def enough(call):
    """How many calls last long enough to time."""
    call()
    passes = 1
    while seconds(call, passes) * passes < LEAST:
        passes *= 2
    return passes


def seconds(call, passes):
    """Seconds of a call, over so many."""
    start = CLOCK()
    for _ in range(passes):
        call()
    return (CLOCK() - start) / passes
