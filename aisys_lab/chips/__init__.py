"""Chip cards with sources, the roofline, estimates of graphs, and this machine as a card."""

from aisys_lab.chips.auditor import Audit, Finding, audit
from aisys_lab.chips.bottleneck import BottleneckReport, bottleneck, bottleneck_report
from aisys_lab.chips.bound import attainable, roofline
from aisys_lab.chips.card import Chip, Claim, Level, Rate
from aisys_lab.chips.cards import CHIPS, card, sources
from aisys_lab.chips.formats import FORMATS, Format, format_name
from aisys_lab.chips.host import measure_card
from aisys_lab.chips.report import Comparison, Estimate, Report, compare, estimate

__all__ = ["CHIPS", "FORMATS", "Audit", "BottleneckReport", "Chip", "Claim", "Comparison",
           "Estimate", "Finding", "Format", "Level", "Rate", "Report", "attainable", "audit",
           "bottleneck", "bottleneck_report", "card", "compare", "estimate", "format_name",
           "measure_card", "roofline", "sources"]
