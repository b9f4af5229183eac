"""The table of chip cards, read from one file a vendor."""

import tomllib
from importlib.resources import files

from aisys_lab.chips.card import Chip, Claim, Level, Rate
from aisys_lab.core import LabError, Table

HOST = "this-machine"


class Cards(Table):
    """Chip cards by id; the row of this machine is measured when it is first asked for."""

    def __missing__(self, key):
        if key == HOST:
            from aisys_lab.chips.host import measure_card
            return measure_card()
        return super().__missing__(key)


CHIPS = Cards("CHIPS", "chip cards, with sources; 'this-machine' is measured", noun="chip")


def card(chip) -> Chip:
    """The card of an id, of ``'this machine'`` or ``'host'``, or the card itself."""
    if isinstance(chip, Chip):
        return chip
    if not isinstance(chip, str):
        raise LabError(f"a chip is a name such as 'a100-sxm-80' or a card, not {chip!r}.")
    return CHIPS[HOST if chip in ("this machine", "host") else chip]


def sources(key=None):
    """What a source code such as ``'S01'`` stands for; all of them without one."""
    if key is not None and key not in SOURCES:
        raise LabError(f"no source {key!r}; the cards name sources from S00 to {max(SOURCES)}.")
    return SOURCES if key is None else SOURCES[key]


# ---- from the files

def _chip(id, vendor, row):
    clock = row.get("clock_MHz")
    plain = {name: row[name] for name in PLAIN if name in row}
    memory, link = row.get("memory", {}), row.get("link", {})
    return Chip(
        id=id, vendor=row.get("vendor", vendor), **plain,
        transistors=_times(row.get("transistors_B"), 1e9),
        peaks=_peaks(row.get("peaks", {}), clock),
        memory=_rate(memory, "GBs", 1e9, memory.get("bits"), 1 / 8, memory.get("Gbps"), 1e9),
        memory_type=memory.get("type", ""), memory_bytes=_times(memory.get("GB"), 1e9),
        levels=tuple(_levels(row.get("sram", {}))),
        link=_rate(link, "GBs", 1e9, link.get("ports"), _times(link.get("port_GBs"), 1e9), 1, 1),
        link_name=link.get("name", ""), sources=tuple(row["sources"]))


PLAIN = ("name", "region", "kind", "year", "form", "process", "die_mm2", "units", "unit",
         "clock_MHz", "matrix", "power_W", "switch", "confidence", "note")


def _peaks(rows, clock):
    peaks = {}
    for dtypes, row in rows.items():
        rate = _rate(row, "TOPS", 1e12, row.get("units"), row.get("ops"),
                     row.get("MHz", clock), 1e6)
        peaks |= dict.fromkeys(dtypes.split(), rate)
    return peaks


def _rate(row, key, scale, count, each, clock, hertz):
    also = tuple(Claim(**(claim | {"value": claim["value"] * scale}))
                 for claim in row.get("also", ()))
    structure = (count, each, _times(clock, hertz))
    if None in structure:
        structure = (None, None, None)
    return Rate(_times(row.get(key), scale), *structure, also=also, dense=row.get("dense", True),
                source=row.get("source", ""), note=row.get("note", ""))


def _levels(row):
    """The memories on a chip: a unit's own, then the shared one. Sizes in KB are 1024 bytes."""
    if "local_KB" in row or "per_unit" in row:
        yield Level(row.get("per_unit") or row.get("local", "local"),
                    _times(row.get("local_KB"), 1024), "" if "per_unit" in row else "a unit")
    if "shared_MB" in row:
        yield Level(row.get("shared", "on chip"), row["shared_MB"] * 1e6)


def _times(value, factor):
    return None if value is None or factor is None else value * factor


def _load():
    folder = files("aisys_lab.chips") / "data"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml") and file.name != "sources.toml":
            rows = tomllib.loads(file.read_text("utf-8"))
            vendor = rows.pop("vendor", "")
            for id, row in rows.items():
                CHIPS.define(id, _chip(id, vendor, row))
    return tomllib.loads((folder / "sources.toml").read_text("utf-8"))


SOURCES = _load()
