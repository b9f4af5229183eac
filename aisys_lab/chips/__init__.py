"""Chip cards with sources, the roofline, estimates of graphs, this machine as a card; caches."""

from aisys_lab.chips.auditor import Audit, Finding, audit
from aisys_lab.chips.bottleneck import BottleneckReport, bottleneck, bottleneck_report
from aisys_lab.chips.bound import attainable, roofline
from aisys_lab.chips.cache import Cache
from aisys_lab.chips.caches import Hierarchy, MissKinds, Trace, hierarchy, miss_kinds
from aisys_lab.chips.card import Chip, Claim, Level, Rate
from aisys_lab.chips.cards import CHIPS, card, sources
from aisys_lab.chips.counting import (
    ArrayCount,
    Count,
    count_kernel,
    count_source,
    trace_kernel,
    trace_source,
)
from aisys_lab.chips.formats import FORMATS, Format, format_name
from aisys_lab.chips.host import measure_card
from aisys_lab.chips.rates import Rates, race
from aisys_lab.chips.report import Comparison, Estimate, Report, compare, estimate
from aisys_lab.chips.rungs import Rung, Rungs, count_rungs, measure_rungs
from aisys_lab.chips.traffic import LevelTraffic, Traffic

__all__ = ["CHIPS", "FORMATS", "ArrayCount", "Audit", "BottleneckReport", "Cache", "Chip", "Claim",
           "Comparison", "Count", "Estimate", "Finding", "Format", "Hierarchy", "Level",
           "LevelTraffic", "MissKinds", "Rate", "Rates", "Report", "Rung", "Rungs", "Trace",
           "Traffic", "attainable", "audit", "bottleneck", "bottleneck_report", "card", "compare",
           "count_kernel", "count_rungs", "count_source", "estimate", "format_name", "hierarchy",
           "measure_card", "measure_rungs", "miss_kinds", "race", "roofline", "sources",
           "trace_kernel", "trace_source"]
