"""A chip card as text: rates with status, ridge point and where each number is from."""

from aisys_lab.core.text import listing, si, significant, table


def sheet(chip) -> str:
    """The card as aligned text of at most 15 lines."""
    vendor = "" if chip.vendor in chip.name else chip.vendor
    lines = [_join(f"{chip.id}: {chip.name}", vendor, chip.kind, chip.year, chip.form),
             _join(_units(chip), _with(chip.clock_MHz, "MHz"), chip.process,
                   _with(chip.transistors and chip.transistors / 1e9, "billion transistors"),
                   _with(chip.die_mm2, "mm2"), _with(chip.power_W, "W"))]
    rows = [*_peaks(chip), *_flows(chip)]
    if rows:
        lines.append(table(rows, ("", "rate", "status", "op/B", "from"), "lrlrl"))
    extra = {"holds": _holds(chip), "sources": _sources(chip), "note": chip.note}
    lines += [f"{title}: {text}" for title, text in extra.items() if text]
    return "\n".join(line for line in lines if line)


def unit_of(dtype):
    """FLOP/s, or op/s for whole numbers."""
    return "FLOP/s" if dtype.lstrip("bt").startswith("f") else "op/s"


def _peaks(chip):
    groups = {}
    for dtype, rate in chip.peaks.items():
        groups.setdefault(rate, []).append(dtype)
    known = chip.memory.value
    return [(" ".join(names), si(rate.value, unit_of(names[0])), rate.status,
             significant(rate.value / known) if known and rate.dense else "",
             _origin(rate, unit_of(names[0]))) for rate, names in groups.items()]


def _flows(chip):
    rows = [(level.name, si(level.bandwidth, "B/s"), "measured", "", "read, all cores")
            for level in chip.levels if level.bandwidth]
    for name, rate in (("memory", chip.memory), ("link", chip.link)):
        if rate.value is not None:
            both = "both ways; " if name == "link" else ""
            rows.append((name, si(rate.value, "B/s"), rate.status, "",
                         (both + _origin(rate, "B/s")).rstrip("; ")))
    return rows


def _origin(rate, unit):
    """Structure, own source and remark, and what other sources say."""
    parts = [_structure(rate, unit), rate.source, rate.note]
    parts += [f"{'not' if claim.wrong else 'also'} {si(claim.value, unit, 4)}"
              + (f" ({claim.source})" if claim.source else "") for claim in rate.also]
    return "; ".join(filter(None, parts))


def _structure(rate, unit):
    if rate.derived is None:
        return ""
    factors = [f"{rate.count:g}" if rate.count < 1e5 else f"{rate.count:.0f}"]
    factors += [_factor(rate, unit)] if unit == "B/s" else [
        f"{rate.each:g}", f"{rate.clock / 1e6:g} MHz"]
    return f"{' × '.join(factors)} = {si(rate.derived, unit, 4)}"


def _factor(rate, unit):
    if rate.clock == 1:
        return si(rate.each, unit)
    return f"{rate.each * 8:g} bit × {si(rate.clock, 'T/s')}"


def _holds(chip):
    sizes = [si(chip.memory_bytes, "B"), chip.memory_type] if chip.memory_bytes else [
        chip.memory_type]
    levels = [" ".join(filter(None, (size(level.bytes), level.name, level.each)))
              for level in chip.levels]
    return "; ".join(filter(None, [" ".join(filter(None, sizes)), *levels, chip.link_name]))


def size(count):
    """Bytes as sheets print them: 192 KiB of a cache, 40 MB where the sheet says MB."""
    if count and count % 1024 == 0 and count % 1e6:
        power = 2 if count % 2**20 == 0 else 1
        return f"{count / 1024**power:g} {('KiB', 'MiB')[power - 1]}"
    return si(count, "B") if count else ""


def _sources(chip):
    grade = f" (confidence {chip.confidence})" if chip.confidence else ""
    return listing(chip.sources) + grade if chip.sources else ""


def _units(chip):
    return _with(chip.units, chip.unit)


def _with(value, unit):
    return f"{value:g} {unit}" if value is not None and value < 1e5 else \
        f"{value:.0f} {unit}" if value is not None else ""


def _join(*parts):
    return ", ".join(str(part) for part in parts if part)
