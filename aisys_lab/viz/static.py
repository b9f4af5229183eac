"""Writes the book's drawn diagrams: ``python -m aisys_lab.viz.static book/figures``."""

import sys
from pathlib import Path

from aisys_lab.viz.frameworks import frameworks_map
from aisys_lab.viz.inference import inference_map
from aisys_lab.viz.svg import box, picture
from aisys_lab.viz.tour import stack, tour_map


def favicon():
    """Four layers, one of them lit."""
    looks = ("compute", "accent", "memory", "compute")
    return picture(32, [box(2, 2 + 7.5 * i, 28, 6, look) for i, look in enumerate(looks)],
                   "AISys Lab", width=32)


DIAGRAMS = {"stack.svg": stack, "tour.svg": lambda: tour_map("I.1"), "favicon.svg": favicon,
            "frameworks.svg": frameworks_map, "inference.svg": inference_map}


def write(folder):
    """One SVG file a diagram."""
    for name, draw in DIAGRAMS.items():
        Path(folder, name).write_text(draw().svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
