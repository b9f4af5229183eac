"""A chip as a card: rates with the structure that should reproduce them, and their sources."""

from dataclasses import dataclass, field, fields, replace

from aisys_lab.chips.formats import FORMATS, format_name
from aisys_lab.core import LabError
from aisys_lab.core.text import listing

TOLERANCE = 0.03  # structure that comes this near a stated rate reproduces it


@dataclass(frozen=True)
class Claim:
    """What another source says; ``wrong`` if it is refuted, ``why`` says how it differs."""

    value: float
    source: str = ""
    why: str = ""
    wrong: bool = False


@dataclass(frozen=True)
class Rate:
    """A rate per second: as stated, and as ``count × each × clock`` where these are known.

    Of a peak: units, operations of one unit in one clock, Hz. Of a memory: pins, bytes of one
    transfer, transfers a second. Of a link: ports, bytes, 1 / s.
    """

    stated: float | None = None
    count: float | None = None
    each: float | None = None
    clock: float | None = None
    also: tuple[Claim, ...] = ()
    dense: bool = True
    measured: bool = False
    source: str = ""
    note: str = ""

    @property
    def derived(self):
        """The rate that the structure gives, or None."""
        parts = (self.count, self.each, self.clock)
        return None if None in parts else self.count * self.each * self.clock

    @property
    def value(self):
        """The stated rate, else the derived one, else None: unknown."""
        return self.derived if self.stated is None else self.stated

    @property
    def error(self):
        """How far the structure is off the stated rate, as a fraction; None if not known."""
        known = self.stated is not None and self.derived is not None
        return self.derived / self.stated - 1 if known else None

    @property
    def disputes(self):
        """Claims of other sources, not refuted, that differ from the value."""
        return tuple(claim for claim in self.also if not claim.wrong
                     and abs(claim.value / self.value - 1) > TOLERANCE)

    @property
    def status(self):
        """measured, derived (structure reproduces it), disputed, stated, or unknown."""
        if self.measured or self.value is None:
            return "measured" if self.measured else "unknown"
        if self.error is not None and abs(self.error) <= TOLERANCE:
            return "derived"
        clash = self.disputes or self.error is not None or not self.dense
        return "disputed" if clash else "stated" if self.stated is not None else "derived"

    def scaled(self, part, factor):
        """The rate with its ``count`` or ``clock`` multiplied; what others say is left behind."""
        old = getattr(self, part)
        return replace(self, stated=self.stated and self.stated * factor, also=(),
                       **{part: old and old * factor})


@dataclass(frozen=True)
class Level:
    """One level of memory on the chip: its size, the reach of it, its bandwidth if measured."""

    name: str
    bytes: float | None = None
    each: str = ""  # '' for the whole chip, else 'a unit'
    bandwidth: float | None = None


@dataclass(frozen=True)
class Chip:
    """One chip: structure, rates, memory, link, sources. None and '' mean unknown, never zero."""

    id: str
    name: str
    vendor: str = ""
    region: str = ""
    kind: str = ""
    year: int | None = None
    form: str = ""
    process: str = ""
    transistors: float | None = None
    die_mm2: float | None = None
    units: float | None = None
    unit: str = ""
    clock_MHz: float | None = None
    matrix: str = ""
    power_W: float | None = None
    peaks: dict[str, Rate] = field(default_factory=dict)
    memory: Rate = Rate()
    memory_type: str = ""
    memory_bytes: float | None = None
    levels: tuple[Level, ...] = ()
    link: Rate = Rate()  # both directions together
    link_name: str = ""
    switch: str = ""
    launch_overhead_s: float | None = None
    confidence: str = ""
    sources: tuple[str, ...] = ()
    note: str = ""
    reach: dict[str, float] = field(default_factory=dict)  # measured: what one core, numpy get
    is_leaf = True

    def __str__(self):
        from aisys_lab.chips.sheet import sheet
        return sheet(self)

    __repr__ = __str__

    def serves(self, dtype) -> str:
        """The dtype whose dense rate serves ``dtype`` here: its own, else as FORMATS says."""
        name = format_name(dtype)
        for served in (name, *FORMATS[name].falls):
            rate = self.peaks.get(served)
            if rate is not None and rate.value is not None and rate.dense:
                return served
        dense = [name for name, rate in self.peaks.items() if rate.dense]
        unclear = name in self.peaks and f" (its {name} rate is not known to be dense)"
        raise LabError(f"{self.id} has no rate for {name}{unclear or ''}; its card has: "
                       f"{listing(dense)}. Choose one of them as dtype=, or another chip.")

    def peak(self, dtype="f32") -> float:
        """Dense operations a second in a dtype; a multiply-add is two."""
        return self.peaks[self.serves(dtype)].value

    @property
    def bandwidth(self) -> float:
        """Bytes a second from its memory; a sentence where no source gave it."""
        if self.memory.value is None:
            raise LabError(f"the memory bandwidth of {self.id} is unknown: its card is blank "
                           f"there. To try one: CHIPS[{self.id!r}].but(bandwidth=1e12).")
        return self.memory.value

    def ridge(self, dtype="f32") -> float:
        """Operations a byte at which compute and memory take equally long."""
        return self.peak(dtype) / self.bandwidth

    def but(self, **changes):
        """The chip with changes. ``clock_MHz`` and ``units`` scale all peaks; ``bandwidth`` is in
        B/s; ``peaks={'f32': 1e12}`` sets rates; other names are fields."""
        chip = self
        for name, value in changes.items():
            change = CHANGES.get(name, _replaced)
            chip = change(chip, name, value)
        return replace(chip, id=changes.get("id", f"{self.id.rstrip('*')}*"))


def _replaced(chip, name, value):
    if name not in {f.name for f in fields(Chip)}:
        raise LabError(f"a chip has no {name!r}; it has: bandwidth, "
                       f"{', '.join(f.name for f in fields(Chip))}.")
    return replace(chip, **{name: value})


def _scaled(chip, name, value):
    old = getattr(chip, name)
    if old is None or not value > 0:
        raise LabError(f"cannot set {name} of {chip.id} to {value}: " + (
            f"its {name} is unknown, so its peaks cannot be scaled; give but(peaks=…)."
            if old is None else "it must be above zero."))
    part = {"clock_MHz": "clock", "units": "count"}[name]
    scaled = {rate: rate.scaled(part, value / old) for rate in set(chip.peaks.values())}
    peaks = {dtype: scaled[rate] for dtype, rate in chip.peaks.items()}
    return replace(chip, peaks=peaks, **{name: value})


def _banded(chip, name, value):
    if not value > 0:
        raise LabError(f"cannot set the bandwidth of {chip.id} to {value}: it must be above zero.")
    return replace(chip, memory=Rate(stated=value, source="set by but()"))


def _peaked(chip, name, value):
    rates = {format_name(dtype): rate if isinstance(rate, Rate) else
             Rate(stated=rate, source="set by but()") for dtype, rate in value.items()}
    return replace(chip, peaks=chip.peaks | rates)


CHANGES = {"clock_MHz": _scaled, "units": _scaled, "bandwidth": _banded, "peaks": _peaked}
