"""The auditor: recomputes every rate that has a structure and names what does not add up."""

from dataclasses import dataclass

from aisys_lab.chips.card import TOLERANCE
from aisys_lab.chips.cards import CHIPS, HOST, card
from aisys_lab.chips.sheet import unit_of
from aisys_lab.core.text import si, table


@dataclass(frozen=True)
class Finding:
    """One rate of one card: what is stated, what the structure gives, what is amiss with it."""

    chip: str
    what: str
    stated: float | None
    derived: float | None
    status: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The findings of one card, or of all."""

    findings: tuple[Finding, ...]

    def __iter__(self):
        return iter(self.findings)

    def __len__(self):
        return len(self.findings)

    @property
    def faults(self):
        """The findings that do not add up."""
        return tuple(finding for finding in self.findings if finding.faults)

    def __str__(self):
        rows = [(f.chip, f.what, si(f.stated, _unit(f)) if f.stated else "",
                 si(f.derived, _unit(f), 4) if f.derived else "", f.status, _error(f),
                 "; ".join(f.faults)) for f in self.findings]
        return table(rows, ("chip", "what", "stated", "structure", "status", "error", "amiss"),
                     "llrrlrl")

    __repr__ = __str__


def audit(chip=None) -> Audit:
    """Every rate of a card, recomputed; without a card, what does not add up in all of them."""
    if chip is not None:
        return Audit(tuple(_findings(card(chip))))
    everything = (f for id, chip in CHIPS.items() if id != HOST for f in _findings(chip))
    return Audit(tuple(finding for finding in everything if finding.faults))


def _findings(chip):
    groups = {}
    for dtype, rate in chip.peaks.items():
        groups.setdefault(rate, []).append(dtype)
    rates = [(" ".join(dtypes), rate) for rate, dtypes in groups.items()]
    for what, rate in (*rates, ("memory", chip.memory), ("link", chip.link)):
        if rate.value is not None:
            finding = Finding(chip.id, what, rate.stated, rate.derived, rate.status)
            yield Finding(chip.id, what, rate.stated, rate.derived, rate.status,
                          tuple(_faults(rate, _unit(finding))))


def _faults(rate, unit):
    if rate.error is not None and abs(rate.error) > TOLERANCE:
        yield f"structure gives {si(rate.derived, unit)}"
    if not rate.dense:
        yield "not known to be dense"
    for claim in rate.also:
        off = claim.value / rate.value - 1
        if claim.wrong or abs(off) > TOLERANCE:
            where = claim.source or "another page"
            yield f"{where} says {si(claim.value, unit)}" + (claim.why and f" ({claim.why})")


def _unit(finding):
    flow = finding.what in ("memory", "link")
    return "B/s" if flow else unit_of(finding.what.split()[0])


def _error(finding):
    if finding.stated is None or finding.derived is None:
        return ""
    return f"{100 * (finding.derived / finding.stated - 1):+.1f} %"
