"""How an exercise is declared: its id, its task, its check, and the wrong answers it must catch.

    @exercise("nets.count_layer", code="I.1-A", points=8, hides=("ir.layers:count",),
              mutants=edits(PLAIN, {"forgets groups": ("c_in // groups", "c_in")}),
              different={"by loops": LOOPS})
    def count_layer(answer, rng):
        \"\"\"what the student reads: one paragraph.\"\"\"
        layer = draw(rng)
        yield same(f"count_layer({layer})", oracle(layer), answer(layer))

``answer`` takes and returns values (`aisys_lab.grading.codec`): plain Python, arrays, the nouns
listed there, and callables as arguments. It raises `AnswerError` where the student's code raises.
``answer.cell`` is the cell that it comes from; a row of the package has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import fill

import numpy as np

from aisys_lab.core import LabError, Table

EXERCISES = Table("EXERCISES", "what a student writes, and how it is judged", noun="exercise")


@dataclass(frozen=True)
class Case:
    """One thing looked at; ``message`` says input, expected property, what came."""

    ok: bool
    message: str
    hidden: bool = False


@dataclass(frozen=True)
class Exercise:
    """A slot of the package that a student fills, with everything needed to judge the answer."""

    id: str
    code: str
    points: int
    check: Callable = field(repr=False)
    needs: tuple = ()  # ids served by the reference while this one is graded
    hides: tuple = ()  # "package.module:name", cut out of the package while grading
    mutants: dict = field(default_factory=dict, repr=False)  # wrong answers, name -> source
    different: dict = field(default_factory=dict, repr=False)  # right answers, name -> source
    driver: str = "function"  # row of drivers.DRIVERS: how values become calls of the answer
    slot: tuple = ()  # (table, key) that the answer replaces
    seconds: float = 10.0  # deadline in the grader

    @property
    def name(self):
        """The name that the student's cell defines."""
        return self.id.rpartition(".")[2]

    @property
    def lab(self):
        """The topic whose lab asks for it: ``I.1``."""
        return self.code.rpartition("-")[0]

    @property
    def task(self):
        """What the student reads."""
        return " ".join(self.check.__doc__.split())

    def __str__(self):
        return f"{self.code}  {self.id}  ({self.points} points)\n{fill(self.task, 78)}"

    __repr__ = __str__


class AnswerError(Exception):
    """The answer raised: type name, message and line of its cell, as values."""

    def __init__(self, kind, message, line=None):
        super().__init__(kind, message, line)
        self.kind, self.message, self.line = kind, message, line

    def __str__(self):
        if self.kind == "CellError":  # a sentence of ours about the cell
            return self.message
        where = f" at line {self.line} of your cell" if self.line else ""
        return f"raised {self.kind}{where}" + (f": {self.message}" if self.message else "")


class AnswerLost(Exception):
    """The answer's process is gone: ``status`` timeout, died or protocol; judging ends."""

    def __init__(self, status, message):
        super().__init__(status, message)
        self.status = status

    def __str__(self):
        return self.args[1]


def exercise(id, code, points, *, needs=(), hides=(), mutants=None, different=None,
             driver="function", slot=None, seconds=10.0):
    """Makes a check generator the row ``id`` of EXERCISES; its docstring is the task."""
    if not re.fullmatch(r"[a-z]\w*\.\w+", id) or not re.fullmatch(r"[IV]+(\.\d+)?-\w+", code):
        raise LabError(f"exercise {id!r}, code {code!r}: write them as in 'graph.plan_memory', "
                       f"'III.3-B'.")

    def declare(check):
        if not check.__doc__:
            raise LabError(f"exercise {id} has no docstring; the student reads it as the task.")
        row = Exercise(id, code, points, check, tuple(needs), tuple(hides), dict(mutants or {}),
                       dict(different or {}), driver, tuple(slot or ("SLOTS", id)), seconds)
        return EXERCISES.define(id, row).check

    return declare


def edits(source, changes):
    """Mutants of a right answer: ``{name: (old text, new text, …)}`` -> ``{name: source}``."""
    return {name: _edited(name, source, texts) for name, texts in changes.items()}


def _edited(name, source, texts):
    for old, new in zip(texts[::2], texts[1::2], strict=True):
        if source.count(old) != 1:
            raise LabError(f"mutant {name!r}: {old!r} occurs {source.count(old)} times in the "
                           f"source; an edit needs a text that occurs once.")
        source = source.replace(old, new)
    return source


def same(given, want, came, rtol=0.0, hidden=False):
    """The case that ``came`` equals ``want``: keys, lengths and shapes, numbers to ``rtol``."""
    return Case(equal(want, came, rtol), f"{given}: expected {brief(want)}, came {brief(came)}",
                hidden)


def equal(want, came, rtol=0.0):
    """Whether two values are equal, through lists, tuples, dicts and arrays; nan equals nan."""
    if isinstance(want, dict):
        return (isinstance(came, dict) and want.keys() == came.keys()
                and all(equal(want[key], came[key], rtol) for key in want))
    if isinstance(want, list | tuple):
        return (isinstance(came, list | tuple) and len(want) == len(came)
                and all(equal(w, c, rtol) for w, c in zip(want, came, strict=True)))
    if isinstance(want, np.ndarray):
        return isinstance(came, np.ndarray) and want.shape == came.shape and _close(
            want, came, rtol)
    return _scalar(want, came, rtol)


def _scalar(want, came, rtol):
    numbers = all(isinstance(x, int | float | complex | np.generic) for x in (want, came))
    if numbers and isinstance(want, bool | np.bool_) == isinstance(came, bool | np.bool_):
        return _close(want, came, rtol)
    return type(want) is type(came) and bool(want == came)


def _close(want, came, rtol):
    """Whole numbers exactly (they may be too big for a float), others to ``rtol``."""
    if rtol == 0 or np.asarray(want).dtype.kind not in "fciu":
        nan = (want != want) & (came != came)
        return bool(np.all((want == came) | nan))
    return np.allclose(came, want, rtol=rtol, atol=0.0, equal_nan=True)


def brief(value, limit=120):
    """A value in one short line."""
    if isinstance(value, np.ndarray) and value.size > 6:
        first = ", ".join(map(repr, value.ravel()[:4].tolist()))
        return f"{value.dtype}{list(value.shape)} array [{first}, …]"
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[:limit - 1] + "…"
