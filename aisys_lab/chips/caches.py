"""The cache simulator of the course: what hits, what misses, and which bytes move between levels.

Every level is set-associative with lines of one size. The least recently used line of a set makes
room (LRU). A write brings its line in like a read (write-allocate) and leaves it dirty; a dirty
line goes down when it falls out (write-back). First the line that falls out goes down, then the
new one is fetched. Levels are neither inclusive nor exclusive: a fetched line stays on all levels
that it comes through, and what falls out of a lower level stays in the upper ones. A line that
comes down is the most recently used one there; it need not be fetched, as it is whole, and counts
as no access. Real caches differ in details: pseudo-LRU, prefetching, hashed sets.
"""

from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.chips.cache import LINE, Cache
from aisys_lab.chips.cards import HOST, card
from aisys_lab.chips.traffic import LevelTraffic, Traffic
from aisys_lab.core import LabError
from aisys_lab.core.text import count


@dataclass(frozen=True)
class Hierarchy:
    """Caches, the one next to the processor first; below the last one is the memory."""

    levels: tuple[Cache, ...]

    def __post_init__(self):
        levels = (self.levels,) if isinstance(self.levels, Cache) else tuple(self.levels)
        if not levels or not all(isinstance(level, Cache) for level in levels):
            raise LabError("Hierarchy takes one or more caches, as in Hierarchy([Cache(32 << 10, "
                           "8), Cache(512 << 10, 8)]).")
        if len({level.line for level in levels}) > 1:
            raise LabError(f"Hierarchy: lines of one size on all levels, not "
                           f"{[level.line for level in levels]}.")
        named = tuple(replace(level, name=level.name or f"L{i + 1}")
                      for i, level in enumerate(levels))
        object.__setattr__(self, "levels", named)

    def __str__(self):
        return "\n".join(map(str, self.levels))

    __repr__ = __str__

    def run(self, address, write=False, size=1):
        """The Traffic of accesses to byte addresses, in their order: ``size`` bytes each, reads or
        writes; or of a Trace. The caches are empty at the start."""
        simulation = Simulation(self)
        if isinstance(address, Trace):
            address, size, write = address.address, address.size, address.write
        simulation.feed(address, size, write)
        return simulation.traffic()


@dataclass(frozen=True)
class Trace:
    """Accesses in their order: byte addresses, bytes of each, and which of them write."""

    address: np.ndarray
    size: np.ndarray
    write: np.ndarray

    def __len__(self):
        return len(self.address)

    def __str__(self):
        written = int(self.size[self.write].sum())
        return (f"{count(len(self))} accesses: {count(int(self.size.sum()) - written)} B read, "
                f"{count(written)} B written")

    __repr__ = __str__


class Simulation:
    """Caches at work: ``feed`` accesses, and ask for the ``traffic`` so far."""

    def __init__(self, hierarchy):
        from aisys_lab.kernels.lru import EMPTY
        self.hierarchy, self.empty = hierarchy, EMPTY
        lines = [level.size // level.line for level in hierarchy.levels]
        starts = np.cumsum([0, *lines[:-1]])
        self.levels = np.array([(start, level.sets, level.ways) for start, level in
                                zip(starts, hierarchy.levels, strict=True)], np.int64)
        self.tags = np.full(sum(lines), EMPTY, np.int64)
        self.counts = np.zeros((len(lines), 3), np.int64)

    def feed(self, address, size, write):
        """Accesses in their order; numbers and arrays as NumPy broadcasts them."""
        from aisys_lab.kernels.lru import feed
        address, size = (np.asarray(x, np.int64) for x in (address, size))
        address, size, write = np.broadcast_arrays(address, size, np.asarray(write, bool))
        if address.size and (address.min() < 0 or size.min() < 1):
            raise LabError("a cache takes addresses of 0 or more, and accesses of 1 byte or more.")
        feed(self.tags, self.levels, self.counts, self.hierarchy.levels[0].line,
             address.ravel(), size.ravel(), write.ravel())

    def traffic(self):
        """What has happened so far."""
        starts = [*self.levels[:, 0], len(self.tags)]
        dirty = [int(((tags != self.empty) & (tags & 1 == 1)).sum()) for tags in
                 (self.tags[a:b] for a, b in zip(starts, starts[1:], strict=False))]
        return Traffic(tuple(LevelTraffic(level, *map(int, row), left) for level, row, left in
                             zip(self.hierarchy.levels, self.counts, dirty, strict=True)))


# ---- the kinds of misses

@dataclass(frozen=True)
class MissKinds:
    """Misses by their cause; ``conflict`` may be negative, where LRU over all lines is worse."""

    compulsory: int
    capacity: int
    conflict: int

    def __str__(self):
        total = self.compulsory + self.capacity + self.conflict
        return (f"{count(total)} misses: {count(self.compulsory)} compulsory, "
                f"{count(self.capacity)} capacity, {count(self.conflict)} conflict")

    __repr__ = __str__


def miss_kinds(cache, address, size=1):
    """Why accesses miss in one cache (Hill and Smith 1989, Evaluating Associativity in CPU Caches).

    Compulsory: no cache has the line yet. Capacity: what a fully associative cache of the same
    size misses beyond that. Conflict: what this one misses beyond that one.
    """
    if isinstance(address, Trace):
        address, size = address.address, address.size
    alone = (Cache(cache.size * many, ways, cache.line) for many, ways in
             ((1, cache.ways), (1, None)))
    own, full = (Hierarchy([one]).run(address, size=size)[0].misses for one in alone)
    lines = distinct_lines(address, size, cache.line)
    return MissKinds(lines, full - lines, own - full)


def distinct_lines(address, size, line):
    """How many lines accesses touch."""
    address = np.asarray(address, np.int64)
    first, last = (np.ravel(at) // line for at in np.broadcast_arrays(address, address + size - 1))
    most = int((last - first).max(initial=0))
    return len(np.unique([np.minimum(first + i, last) for i in range(most + 1)]))


# ---- the caches of a chip

def hierarchy(chip=HOST):
    """The caches of a chip's card; of this machine, what the system tells of them.

    Where nobody says so, a set has 8 ways next to the processor and 16 below.
    """
    from aisys_lab.chips.host import cache_shapes
    if chip in (HOST, "host", "this machine"):
        shapes = [(name, *shape) for name, shape in cache_shapes().items()]
    else:
        shapes = [(level.name, level.bytes, None, LINE) for level in card(chip).levels
                  if level.bytes]
    if not shapes:
        raise LabError(f"the card of {card(chip).id} tells of no memory on the chip.")
    return Hierarchy(_shaped(*shape, 16 if i else 8) for i, shape in enumerate(shapes))


def _shaped(name, size, ways, line, assumed):
    """A cache of whole sets, of that size or a little less."""
    ways = ways or assumed
    return Cache(int(size) // (ways * line) * ways * line, ways, line, name)
