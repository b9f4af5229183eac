"""Networks: a named list of layers with its source, and the totals of its counts."""

from dataclasses import dataclass, replace
from functools import cached_property

from aisys_lab.core import LabError, text
from aisys_lab.core.text import count as spaced
from aisys_lab.ir.counts import COLUMNS, KEYS, Count, count_layer, out_shape
from aisys_lab.ir.layers import Layer, axes

HEAD, TAIL = 8, 4  # rows of a long table that are printed


@dataclass(frozen=True)
class Counts:
    """The counts of a network's layers, in order; prints as a table with the total."""

    network: str
    rows: tuple

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        """By position, or by the layer's name."""
        return next((row for row in self.rows if row.name == key), None) or self._at(key)

    def _at(self, key):
        if isinstance(key, str):
            raise LabError(f"{self.network} has no layer {key!r}; print the network to see them.")
        return self.rows[key]

    @cached_property
    def total(self):
        """The sum of all rows, as one Count."""
        return Count(self.network, "total", *(sum(getattr(row, name) for row in self.rows)
                                              for name in KEYS))

    def by_kind(self):
        """The sums by kind of layer, the most MACs first."""
        kinds = dict.fromkeys(row.kind for row in self.rows)
        parts = (Counts(kind, tuple(row for row in self.rows if row.kind == kind)).total
                 for kind in kinds)
        rows = [replace(part, kind=f"{sum(row.kind == part.name for row in self.rows)} layers")
                for part in parts]
        return Counts(self.network, tuple(sorted(rows, key=lambda row: (-row.macs, -row.flops))))

    def __str__(self):
        return text.table(shortened([row.cells for row in (*self.rows, self.total)]), COLUMNS,
                          "llrrrrrr")

    __repr__ = __str__


@dataclass(frozen=True)
class Network:
    """A published or drawn-up network as a table of layers; nothing of it is built."""

    name: str
    layers: tuple[Layer, ...]
    source: str = ""

    def __iter__(self):
        return iter(self.layers)

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, name):
        """The layer of that name."""
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            raise LabError(f"{self.name} has no layer {name!r}; print the network to see them.")
        return found

    def at(self, batch):
        """The same network for another batch size."""
        return Network(self.name, tuple(layer.at(batch) for layer in self.layers), self.source)

    def counts(self, batch=1, dtype="f32") -> Counts:
        """What every layer holds, does and moves in one forward pass."""
        return Counts(self.name, tuple(count_layer(layer.at(batch), dtype)
                                       for layer in self.layers))

    def table(self, limit=HEAD + TAIL):
        """The layers as text, the middle of a long table left out; ``limit=None`` shows all."""
        counts = self.counts(self.layers[0].batch)
        rows = [(layer.name, layer.kind, axes(layer.shape), axes(out_shape(layer)),
                 spaced(row.params), text.si(row.macs), layer.details)
                for layer, row in zip(self.layers, counts, strict=True)]
        titles = ("layer", "kind", "in", "out", "parameters", "MACs", "attributes")
        return text.table(shortened(rows) if limit else rows, titles, "llllrrl")

    def __str__(self):
        total = self.counts(self.layers[0].batch).total
        return (f"{self.name}: {len(self)} layers, {spaced(total.params)} parameters, "
                f"{text.si(total.macs, 'MAC', 4)}\n{self.source}\n{self.table()}")

    __repr__ = __str__


def shortened(rows):
    """The first and last rows of a long table, with a line of dots between."""
    if len(rows) <= HEAD + TAIL + 1:
        return rows
    gap = (f"… {len(rows) - HEAD - TAIL} more", *[""] * (len(rows[0]) - 1))
    return [*rows[:HEAD], gap, *rows[-TAIL:]]
