"""Interactive figures: compute over a grid, draw, and a sentence; live here, frames on the site."""

import html
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from aisys_lab.core import LabError, Table

FIGURES = Table("FIGURES", "interactive figures: compute(**params), draw(data)", noun="figure")


@dataclass(frozen=True)
class Figure:
    """``compute(**params) -> dict`` and ``draw(dict) -> Picture`` over a grid of parameters."""

    name: str
    title: str
    compute: Callable
    draw: Callable
    grid: dict  # parameter -> its values, in order
    labels: dict = field(default_factory=dict)  # parameter -> words beside its control
    start: dict = field(default_factory=dict)  # parameter -> value at first sight
    units: dict = field(default_factory=dict)  # parameter -> text of a value, a function

    def default(self, **start):
        """The parameters at first sight, with some of them chosen otherwise."""
        for key, value in start.items():
            self.check(key, value)
        return {key: values[0] for key, values in self.grid.items()} | self.start | start

    def check(self, key, value):
        """A sentence if the figure has no such control or value."""
        if key not in self.grid:
            raise LabError(f"figure {self.name!r} has no control {key!r}; it has "
                           f"{', '.join(self.grid)}.")
        if value not in self.grid[key]:
            raise LabError(f"figure {self.name!r}: {key} can be "
                           f"{', '.join(map(str, self.grid[key]))}, not {value!r}.")

    def points(self):
        """All points of the grid, the last parameter moving fastest."""
        return [dict(zip(self.grid, values, strict=True))
                for values in itertools.product(*self.grid.values())]

    def frame(self, **params):
        """The picture at one point."""
        return self.draw(self.compute(**params))

    def text(self, key, value):
        """A value as its control shows it."""
        return str(self.units.get(key, str)(value))

    def label(self, key):
        """The words beside a control."""
        return self.labels.get(key, key)

    def __repr__(self):
        sizes = " x ".join(f"{key} {len(values)}" for key, values in self.grid.items())
        return f"figure {self.name}: {self.title} ({sizes})"


@dataclass(frozen=True)
class View:
    """A figure at a point: a widget where a kernel runs, a picture in a stored notebook."""

    figure: Figure
    params: dict

    @property
    def data(self):
        """What the picture shows, as numbers."""
        return self.figure.compute(**self.params)

    def __repr__(self):
        return self.figure.draw(self.data).alt

    def _repr_html_(self):
        point = html.escape(json.dumps(self.params))
        return (f'<div class="aisys-figure" data-figure="{self.figure.name}" '
                f'data-start="{point}">{self.figure.draw(self.data)._repr_html_()}</div>')

    def _repr_mimebundle_(self, include=None, exclude=None):
        from aisys_lab.viz.live import widget
        return {**widget(self.figure, self.params),
                "text/plain": repr(self), "text/html": self._repr_html_()}


def figure(name, **start):
    """The interactive figure of that name: ``lab.figure("training_vs_inference", batch=8)``."""
    row = FIGURES[name]
    return View(row, row.default(**start))
