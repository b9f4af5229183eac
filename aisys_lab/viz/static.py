"""Writes the book's drawn diagrams: ``python -m aisys_lab.viz.static book/figures``."""

import sys
from pathlib import Path

from aisys_lab.viz.tour import stack, tour_map

DIAGRAMS = {"stack.svg": stack, "tour.svg": lambda: tour_map("I.1")}


def write(folder):
    """One SVG file a diagram."""
    for name, draw in DIAGRAMS.items():
        Path(folder, name).write_text(draw().svg + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1])
