"""Figures that move, pictures of any noun, and the maps on top of the chapters."""

import aisys_lab.viz.cards
import aisys_lab.viz.chooser
import aisys_lab.viz.forms
import aisys_lab.viz.hotloops
import aisys_lab.viz.ladder
import aisys_lab.viz.lens
import aisys_lab.viz.memory
import aisys_lab.viz.paradigms
import aisys_lab.viz.rates
import aisys_lab.viz.reports
import aisys_lab.viz.roofline
import aisys_lab.viz.strides
import aisys_lab.viz.theatre
import aisys_lab.viz.valley
import aisys_lab.viz.workers  # noqa: F401  (each module adds its rows)
from aisys_lab.viz.drawings import SHOW, show
from aisys_lab.viz.figures import FIGURES, Figure, figure
from aisys_lab.viz.svg import Picture
from aisys_lab.viz.tour import stack, tour_map

__all__ = ["FIGURES", "SHOW", "Figure", "Picture", "figure", "show", "stack", "tour_map"]
