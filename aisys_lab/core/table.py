"""Tables: named rows with a sheet of tracing paper on top, the place where a student extends."""

import difflib
import functools
from contextlib import contextmanager

from aisys_lab.core.errors import LabError

TABLES = {}  # every table of the package, by name


class Table(dict):
    """Rows by key. The package's rows are the lowest sheet; what a notebook writes lies above it.

    Reading is a plain dict lookup of the flattened sheets. ``table[key] = row`` writes on the top
    sheet, ``del table[key]`` takes the top row away and so brings the one below back.
    """

    def __init__(self, name, doc, noun="row"):
        super().__init__()
        self.name, self.doc, self.noun = name, doc, noun
        self.sheets = [{}, {}]  # package, notebook, then one more for every attempt()
        TABLES[name] = self

    def define(self, key, row):
        """The package's own row (lowest sheet)."""
        self.sheets[0][key] = row
        self._flatten(key)
        return row

    def row(self, key):
        """Decorator form of ``define``."""
        return lambda row: self.define(key, row)

    def reference(self, key):
        """The package's row, whatever lies above it."""
        return self.sheets[0][key] if key in self.sheets[0] else self.__missing__(key)

    def mine(self):
        """Keys of the rows that do not come from the package."""
        return sorted({key for sheet in self.sheets[1:] for key in sheet})

    def __setitem__(self, key, row):
        self.sheets[-1][key] = row
        self._flatten(key)

    def __delitem__(self, key):
        for sheet in reversed(self.sheets[1:]):
            if key in sheet:
                del sheet[key]
                return self._flatten(key)
        if key in self.sheets[0]:
            raise LabError(f"{self.name}[{key!r}] is the package's own row; only rows written by "
                           f"a notebook can be deleted.")
        return self.__missing__(key)

    def _flatten(self, key):
        for sheet in reversed(self.sheets):
            if key in sheet:
                return super().__setitem__(key, sheet[key])
        return self.pop(key, None)

    def __missing__(self, key):
        near = [name for name in map(str, self) if str(key) and str(key) in name][:3] or \
            difflib.get_close_matches(str(key), map(str, self), n=3, cutoff=0.4)
        known = near or sorted(map(str, self))
        many = f"{self.noun}es" if self.noun.endswith("s") else f"{self.noun}s"
        more = "did you mean" if near else f"the {many} are"
        raise LabError(f"no {self.noun} {key!r} in {self.name}; {more}: {', '.join(known)}.")

    def __repr__(self):
        marks = dict.fromkeys(self.mine(), "*")
        keys = ", ".join(f"{key}{marks.get(key, '')}" for key in self)
        return f"{self.name}: {self.doc} ({len(self)} {self.noun}s; * yours)\n  {keys}"


@contextmanager
def attempt():
    """A fresh sheet on every table: rows written inside vanish at the end."""
    depth = {name: len(table.sheets) for name, table in TABLES.items()}
    for table in TABLES.values():
        table.sheets.append({})
    try:
        yield
    finally:
        for name, table in TABLES.items():
            while len(table.sheets) > depth.get(name, 2):
                for key in list(table.sheets.pop()):
                    table._flatten(key)


SLOTS = Table("SLOTS", "functions of the package that an exercise replaces", noun="slot")


def slot(key):
    """Makes a package function replaceable: calls go through ``SLOTS[key]``."""

    def wrap(reference):
        SLOTS.define(key, reference)

        @functools.wraps(reference)
        def call(*args, **kwargs):
            return SLOTS[key](*args, **kwargs)

        call.slot = key
        return call

    return wrap
