"""What accesses did on every level of a hierarchy of caches, and how many bytes moved."""

from dataclasses import dataclass

from aisys_lab.chips.cache import Cache
from aisys_lab.chips.sheet import size as shown
from aisys_lab.core import LabError
from aisys_lab.core.text import count, si, table


@dataclass(frozen=True)
class LevelTraffic:
    """One level: lines asked for, not found, sent down as they were dirty, and dirty in the end."""

    cache: Cache
    accesses: int
    misses: int
    write_backs: int
    dirty: int

    @property
    def hits(self):
        return self.accesses - self.misses

    @property
    def fetched(self):
        """Bytes that came up from the level below."""
        return self.misses * self.cache.line

    @property
    def sent(self):
        """Bytes that went down to the level below; what is still dirty has not gone yet."""
        return self.write_backs * self.cache.line

    @property
    def bytes(self):
        """Bytes that moved between this level and the one below."""
        return self.fetched + self.sent


@dataclass(frozen=True)
class Traffic:
    """What accesses did on every level of a hierarchy."""

    levels: tuple[LevelTraffic, ...]

    def __iter__(self):
        return iter(self.levels)

    def __len__(self):
        return len(self.levels)

    def __getitem__(self, name):
        """A level by its name, or by its number from the top; the last one is -1."""
        names = [level.cache.name for level in self.levels]
        if name in names:
            return self.levels[names.index(name)]
        if name not in range(-len(names), len(names)):
            raise LabError(f"no level {name!r}; there are: {', '.join(names)}.")
        return self.levels[name]

    @property
    def memory_bytes(self):
        """Bytes that moved between the last level and the memory."""
        return self.levels[-1].bytes

    def __str__(self):
        rows = [(level.cache.name, shown(level.cache.size), level.cache.ways, count(level.accesses),
                 count(level.hits), count(level.misses), count(level.write_backs),
                 count(level.dirty), si(level.bytes, "B")) for level in self.levels]
        head = ("level", "size", "ways", "accesses", "hits", "misses", "write-backs", "dirty",
                "moved below")
        return table(rows, head, "lrrrrrrrr")

    __repr__ = __str__
