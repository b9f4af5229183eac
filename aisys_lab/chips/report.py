"""Estimates: what a chip would need for a graph or a list of layers, row by row."""

from dataclasses import dataclass
from functools import cached_property

from aisys_lab.chips.bound import roofline
from aisys_lab.chips.card import Chip
from aisys_lab.chips.cards import HOST, card
from aisys_lab.chips.formats import FORMATS, format_name
from aisys_lab.core import LabError
from aisys_lab.core.text import listing, si, table
from aisys_lab.ir import Graph, work

SHOWN = 7  # rows of a report that are printed
BOUNDS = ("compute", "memory", "overhead")


@dataclass(frozen=True)
class Estimate:
    """One op or layer on a chip; ``time`` includes the launch overhead."""

    name: str
    op: str
    flops: float
    bytes: float
    time: float
    bound: str


@dataclass(frozen=True)
class Report:
    """The estimates of all rows in their order; prints the longest ones and the total."""

    name: str
    chip: Chip
    rows: tuple[Estimate, ...]
    notes: tuple[str, ...] = ()

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    @cached_property
    def time(self):
        """Seconds, one row after the other."""
        return sum(row.time for row in self.rows)

    @cached_property
    def flops(self):
        return sum(row.flops for row in self.rows)

    @cached_property
    def bytes(self):
        return sum(row.bytes for row in self.rows)

    @cached_property
    def shares(self):
        """The fraction of the time that each bound accounts for."""
        return {bound: sum(row.time for row in self.rows if row.bound == bound)
                / (self.time or 1) for bound in BOUNDS}

    @property
    def bound(self):
        """What bounds the largest part of the time."""
        return max(self.shares, key=self.shares.get)

    def __str__(self):
        rows = sorted(self.rows, key=lambda row: -row.time)
        cells = [_cells(row) for row in rows[:SHOWN]]
        if len(rows) > SHOWN:
            rest = Report("", self.chip, tuple(rows[SHOWN:]))
            cells.append(_cells(rest, f"… {len(rest)} more"))
        shares = ", ".join(f"{bound} {share:.0%}" for bound, share in self.shares.items() if share)
        cells.append(_cells(self, "total", f"{len(rows)} rows"))
        text = table(cells, ("name", "op", "ops", "bytes", "time", "bound by"), "llrrrl")
        notes = [f"bound by: {shares or 'nothing'}", *self.notes]
        return "\n".join([f"{self.name} on {self.chip.id}", text, *notes])

    __repr__ = __str__


def _cells(row, name=None, op=""):
    single = isinstance(row, Estimate)
    label = row.op if single else op
    return (name or row.name, label if len(label) <= 32 else f"{label[:31]}…", si(row.flops),
            si(row.bytes, "B"), si(row.time, "s"), row.bound if single else "")


def estimate(graph_or_layers, chip, dtype=None) -> Report:
    """What a chip would do with a traced graph, a network, or a sequence of layer counts.

    Time of a row = max(operations / peak, bytes / bandwidth) + launch overhead. ``dtype`` counts
    all floating-point work of a graph as if it were in that format; of layer counts, which have
    sizes already, it says the format (f32 unless given).
    """
    chip, dtype = card(chip), dtype and format_name(dtype)
    name, tasks = _tasks(graph_or_layers, dtype)
    rows = tuple(_estimate(task, chip) for task in tasks)
    return Report(name, chip, rows, tuple(_notes({task[4] for task in tasks if task[2]}, chip)))


def _estimate(task, chip):
    name, op, flops, bytes, dtype = task
    time, bound = roofline(flops, bytes, chip, dtype)
    overhead = chip.launch_overhead_s or 0.0
    return Estimate(name, op, flops, bytes, time + overhead,
                    "overhead" if overhead > time else bound)


def _tasks(source, dtype):
    """``(name, rows)`` with rows (name, op, operations, bytes, dtype)."""
    if isinstance(source, Graph):
        return source.name, [_converted(row, dtype) for row in work(source)]
    if hasattr(source, "counts"):  # a network: its layers counted at the batch that it has
        name, batch = source.name, source.layers[0].shape[0]
        return name, _tasks(source.counts(batch, dtype or "f32"), dtype)[1]
    try:
        rows = [(row.name, getattr(row, "op", None) or row.kind, row.flops, row.bytes,
                 getattr(row, "dtype", None) or dtype or "f32") for row in source]
    except (TypeError, AttributeError):
        raise LabError(f"estimate: a {type(source).__name__} has no counts; give a graph from "
                       f"trace(...), a network, or counts with name, kind, flops, bytes."
                       ) from None
    return getattr(source, "network", "layers"), rows


def _converted(row, dtype):
    """A graph's work, its floating-point part in another format if one is asked for."""
    floating = row.dtype in ("f64", "f32", "f16")
    target = dtype if dtype and floating else row.dtype
    factor = FORMATS[target].bytes / FORMATS[row.dtype].bytes
    moved = row.bytes if target == row.dtype else row.bytes * factor
    return row.name, row.op, row.flops, moved, target


def _notes(dtypes, chip):
    lent = {dtype: chip.serves(dtype) for dtype in sorted(dtypes)}
    lent = [f"{dtype} at the {served} rate" for dtype, served in lent.items() if served != dtype]
    if lent:
        yield f"no own rate on the card: {listing(lent)}"
    if chip.launch_overhead_s is None:
        yield "launch overhead unknown: counted as 0"


# ---- several chips

@dataclass(frozen=True)
class Comparison:
    """Reports of the same work on several chips; ``missing`` says why a chip has none."""

    reports: tuple[Report, ...]
    missing: tuple[tuple[str, str], ...] = ()

    def __iter__(self):
        return iter(self.reports)

    def __getitem__(self, chip):
        """The report on a chip, by its id."""
        found = next((report for report in self.reports if report.chip.id == chip), None)
        if found is None:
            ids = listing(report.chip.id for report in self.reports)
            raise LabError(f"no report on {chip!r}; there are: {ids}.")
        return found

    def __str__(self):
        cells = [(report.chip.id, si(report.time, "s"), si(_pace(report), "op/s"),
                  f"{self.reports[0].time / report.time:.3g}×" if report.time else "",
                  report.bound, f"{report.shares[report.bound]:.0%}") for report in self.reports]
        title = self.reports[0].name if self.reports else "nothing"
        text = table(cells, ("chip", "time", "pace", "speed", "mostly", "share"), "lrrrlr")
        return "\n".join([title, text, *(f"no estimate: {why}" for _, why in self.missing)])

    __repr__ = __str__


def _pace(report):
    return report.flops / report.time if report.time else 0


def compare(graph_or_layers, chips=(HOST, "a100-sxm-80", "tpu-v4", "ascend-910"),
            dtype=None) -> Comparison:
    """The same work on several chips, speeds relative to the first."""
    reports, missing = [], []
    for chip in map(card, [chips] if isinstance(chips, str | Chip) else chips):
        try:
            reports.append(estimate(graph_or_layers, chip, dtype))
        except LabError as sentence:
            missing.append((chip.id, str(sentence)))
    if not reports and missing:
        raise LabError(missing[0][1])
    return Comparison(tuple(reports), tuple(missing))
