"""A ladder of kernels, rung by rung: what each computes and moves, and how fast it is here."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.chips.caches import hierarchy
from aisys_lab.chips.counting import Count, count_kernel
from aisys_lab.core.text import count, si, significant, table


@dataclass(frozen=True)
class Rung:
    """One kernel: its counts, and its operations a second where they were measured."""

    name: str
    count: Count
    rate: float | None = None


@dataclass(frozen=True)
class Rungs:
    """The kernels of an op on the same arguments, slow first."""

    op: str
    shapes: str
    rungs: tuple[Rung, ...]

    def __iter__(self):
        return iter(self.rungs)

    def __len__(self):
        return len(self.rungs)

    def __str__(self):
        levels = [level.cache.name for level in self.rungs[0].count.traffic]
        head = ["rung", "loads a multiply-add",
                *(text for name in levels for text in (f"{name} misses", "op/B below"))]
        rows = [[rung.name, significant(rung.count.loads_per_fma), *_missed(rung.count)]
                for rung in self.rungs]
        if any(rung.rate for rung in self.rungs):
            head.append("measured")
            rows = [[*row, si(rung.rate, "op/s")] for row, rung in
                    zip(rows, self.rungs, strict=True)]
        return "\n".join([f"{self.op} of {self.shapes}",
                          table(rows, head, "l" + "r" * (len(head) - 1))])

    __repr__ = __str__


def _missed(counted):
    """Misses of each level, and operations for each byte that moved below it."""
    for level in counted.traffic:
        yield from (count(level.misses), significant(counted.intensity(level.cache.name)))


def count_rungs(op, *args, caches=None) -> Rungs:
    """Every rung of an op's ladder, counted on caches: those of this machine unless given."""
    from aisys_lab.kernels import KERNELS
    caches = caches or hierarchy()
    shapes = " by ".join(f"{x.dtype}{list(x.shape)}" for x in args if isinstance(x, np.ndarray))
    return Rungs(op, shapes, tuple(Rung(name, count_kernel(op, name, *args, caches=caches))
                                   for name in KERNELS[op]))


def measure_rungs(op, *args, caches=None) -> Rungs:
    """The same, with the operations a second of each rung on one thread of this machine."""
    counted = count_rungs(op, *args, caches=caches)
    return replace(counted, rungs=tuple(
        replace(rung, rate=rung.count.flops * calls_a_second(op, rung.name, args))
        for rung in counted))


def calls_a_second(op, kernel, args):
    """How often a second one thread of this machine runs a rung, at its best."""
    import aisys_lab.kernels as kernels
    from aisys_lab.chips.host import best
    verb = getattr(kernels, op)

    def run(passes):
        for _ in range(passes):
            verb(*args, kernel=kernel)

    with one_thread():
        return best(run)


@contextmanager
def one_thread():
    """Kernels take one thread meanwhile."""
    import numba
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
