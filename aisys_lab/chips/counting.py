"""Kernels on simulated caches: operations, loads and stores, and what misses on which level.

A kernel is run by its own text on counting arrays (``aisys_lab.kernels.counting`` says what counts
as a load and as a multiply-add); its accesses, in their order, go through the caches. Arrays lie
one after another in memory, each from the beginning of a line on. Caches are empty at the start.
"""

from dataclasses import dataclass, field

import numpy as np

from aisys_lab.chips.caches import Hierarchy, Simulation, Trace
from aisys_lab.chips.traffic import Traffic
from aisys_lab.core import LabError
from aisys_lab.core.text import count, si, significant, table


@dataclass(frozen=True)
class ArrayCount:
    """Numbers read from an array and written to it; arrays of one name are one row."""

    name: str
    loads: int
    stores: int
    itemsize: int

    @property
    def bytes(self):
        return (self.loads + self.stores) * self.itemsize


@dataclass(frozen=True)
class Count:
    """What a kernel did. Additions include subtractions; ``fmas``, products that go straight into
    a sum, are counted among both. ``others`` are comparisons, maxima, roots, exponentials.

    ``held``: the most numbers of data that the names of one function hold, which is how many
    registers it would need. ``result`` and ``arguments`` are as they are after the run.
    """

    name: str
    arrays: tuple[ArrayCount, ...]
    multiplications: int
    additions: int
    fmas: int
    divisions: int
    others: int
    held: int
    traffic: Traffic | None
    result: object = field(repr=False, compare=False)
    arguments: tuple = field(repr=False, compare=False)

    @property
    def loads(self):
        """Numbers read from memory."""
        return sum(row.loads for row in self.arrays)

    @property
    def stores(self):
        """Numbers written to memory."""
        return sum(row.stores for row in self.arrays)

    @property
    def bytes(self):
        """Bytes between registers and the first cache."""
        return sum(row.bytes for row in self.arrays)

    @property
    def flops(self):
        """All operations; a multiply-add is two."""
        return self.multiplications + self.additions + self.divisions + self.others

    @property
    def loads_per_fma(self):
        """Numbers read for each multiply-add."""
        return self.loads / self.fmas if self.fmas else float("inf")

    def intensity(self, level=-1):
        """Operations for each byte that moved between a level, by name or number, and the next."""
        if self.traffic is None:
            raise LabError("no bytes between levels were counted; count with caches=…, such as "
                           "caches=lab.chips.hierarchy().")
        moved = self.traffic[level].bytes
        return self.flops / moved if moved else float("inf")

    def __str__(self):
        rows = [(row.name or "unnamed", count(row.loads), count(row.stores), si(row.bytes, "B"))
                for row in self.arrays]
        total = ("total", count(self.loads), count(self.stores), si(self.bytes, "B"))
        lines = [f"{self.name}: {count(self.multiplications)} multiplications, "
                 f"{count(self.additions)} additions, {count(self.fmas)} fused",
                 table([*rows, total], ("array", "loads", "stores", "bytes"), "lrrr")]
        if self.divisions or self.others:
            lines[0] += f"; divisions {count(self.divisions)}, others {count(self.others)}"
        if self.fmas:
            lines.append(f"{significant(self.loads_per_fma)} loads a multiply-add; names hold up "
                         f"to {self.held} numbers")
        return "\n".join([*lines, *([str(self.traffic)] if self.traffic else [])])

    __repr__ = __str__


def count_kernel(op, kernel, *args, caches=None, isa="avx2", **options) -> Count:
    """A rung of an op's ladder, counted: ``count_kernel("matmul", "blocked", a, b)``.

    ``caches``, a Hierarchy, also simulates these; ``isa`` names the registers that vector kernels
    use, whatever this machine has. Raises LabError as the op does.
    """
    from aisys_lab.kernels.counting.run import run_kernel
    return counted(f"{op}, {kernel}", caches, lambda sink: run_kernel(
        op, kernel, args, options, isa, sink))


def count_source(text, name, *args, caches=None, isa="avx2", pieces=()) -> Count:
    """The function ``name`` of a kernel's text, counted.

    The text may use loops over ranges, branches, numbers, tuples, arrays, its own functions and a
    few of NumPy's; LabError names what else it uses, and the line where it fails. ``pieces`` names
    operations on registers that it may call.
    """
    from aisys_lab.kernels.counting.run import run_source
    return counted(name, caches, lambda sink: run_source(text, name, args, isa, sink, pieces))


def counted(name, caches, run):
    """The Count of ``run(sink)``."""
    caches = caches if caches is None or isinstance(caches, Hierarchy) else Hierarchy(caches)
    simulation = Simulation(caches) if caches else None
    done = run(simulation.feed if simulation else None)
    tally = done.tally
    return Count(name, array_counts(tally.blocks), tally.multiplications + tally.fmas,
                 tally.additions + tally.fmas, tally.fmas, tally.divisions, tally.others,
                 tally.held, simulation.traffic() if simulation else None, done.result,
                 done.arguments)


def array_counts(blocks):
    """A row a name, in the order in which the arrays were made."""
    rows = {}
    for block in blocks:
        if block.loads or block.stores:
            rows.setdefault((block.name, block.item), []).append(block)
    return tuple(ArrayCount(name, sum(block.loads for block in same),
                            sum(block.stores for block in same), item)
                 for (name, item), same in rows.items())


# ---- the accesses themselves

def trace_kernel(op, kernel, *args, isa="avx2", **options) -> Trace:
    """The accesses of a rung to memory, in their order."""
    from aisys_lab.kernels.counting.run import run_kernel
    return traced(lambda sink: run_kernel(op, kernel, args, options, isa, sink))


def trace_source(text, name, *args, isa="avx2", pieces=()) -> Trace:
    """The accesses of the function ``name`` of a kernel's text, in their order."""
    from aisys_lab.kernels.counting.run import run_source
    return traced(lambda sink: run_source(text, name, args, isa, sink, pieces))


def traced(run):
    """The Trace of ``run(sink)``."""
    parts = []
    run(lambda *accesses: parts.append(accesses))
    return Trace(*map(np.concatenate, zip(*parts, strict=True))) if parts else Trace(
        *(np.empty(0, kind) for kind in (np.int64, np.int64, bool)))
