"""One cache: how many bytes, in sets of how many lines."""

from dataclasses import dataclass

from aisys_lab.chips.sheet import size as shown
from aisys_lab.core import LabError, whole

LINE = 64  # bytes, where nobody says otherwise


@dataclass(frozen=True)
class Cache:
    """One level: ``size`` bytes, in sets of ``ways`` lines of ``line`` bytes.

    ``ways=1`` is direct mapped; ``ways=None``, one set of all lines, is fully associative.
    """

    size: int
    ways: int | None = None
    line: int = LINE
    name: str = ""

    def __post_init__(self):
        for name in ("size", "line"):
            object.__setattr__(self, name, whole("Cache", name, getattr(self, name), 1))
        lines = self.size // self.line
        ways = whole("Cache", "ways", lines if self.ways is None else self.ways, 1)
        if self.size % (ways * self.line):
            raise LabError(f"Cache: {self.size} B is no whole number of sets of {ways} lines of "
                           f"{self.line} B.")
        object.__setattr__(self, "ways", ways)

    @property
    def sets(self):
        """How many sets there are; line number n belongs to set ``n % sets``."""
        return self.size // (self.ways * self.line)

    def __str__(self):
        kind = "fully associative" if self.sets == 1 else \
            "direct mapped" if self.ways == 1 else f"{self.ways} ways"
        return f"{self.name or 'cache'}: {shown(self.size)}, {kind}, {self.sets} " \
               f"set{'s' * (self.sets != 1)} of {self.line} B lines"

    __repr__ = __str__
