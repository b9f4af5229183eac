"""Runs a check against an answer: every case, and the one line that the student reads."""

import functools
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from aisys_lab.core import TABLES, LabError, attempt, whole
from aisys_lab.exercises.declare import EXERCISES, AnswerError, AnswerLost, Case
from aisys_lab.grading import cell as cells
from aisys_lab.grading.codec import ProtocolError, travel


@dataclass(frozen=True)
class Verdict:
    """What judging an answer gave: ``todo``, ``ok`` or ``no``, and the cases."""

    id: str
    status: str  # todo, ok, no; where no value came: error, timeout, died, protocol, interrupted
    message: str = ""
    cases: tuple = ()

    @property
    def points(self):
        """All points of the exercise, or none."""
        return EXERCISES[self.id].points if self.status == "ok" else 0

    @property
    def word(self):
        """``todo``, ``ok`` or ``no``."""
        return self.status if self.status in ("todo", "ok") else "no"

    def __str__(self):
        return f"{self.word} — {self.message}" if self.message else self.word

    __repr__ = __str__


def judge(row, answer, seed=0, public=False):
    """The verdict of an exercise's check on a callable; ``public`` leaves out hidden cases."""
    cases, status = [], "no"
    rng = np.random.default_rng(whole("check", "seed", seed))
    try:
        for case in row.check(answer, rng):
            cases.append(Case(bool(case.ok), str(case.message), case.hidden))
    except AnswerError as error:
        cases.append(Case(False, f"{row.name} {error}"))
        status = "error"
    except AnswerLost as error:
        cases.append(Case(False, f"{row.name} {error}"))
        status = error.status
    except Exception as error:  # a value that the check cannot even compare is a wrong one
        cases.append(Case(False, f"{row.name} returned what cannot be judged "
                                 f"({type(error).__name__}: {error})"))
    counted = tuple(case for case in cases if not (public and case.hidden))
    if not counted:
        raise LabError(f"the check of {row.id} collected no case; that is an error of the check.")
    wrong = [case for case in counted if not case.ok]
    if not wrong:
        return Verdict(row.id, "ok", cases=counted)
    message = f"{wrong[0].message} (seed {seed})" if not wrong[0].hidden else "a hidden case"
    return Verdict(row.id, status, message, counted)


def judge_cell(row, cell, seed=0, public=True):
    """The verdict of a cell in this process: what the lab prints."""
    try:
        return unready(row, cell) or judge_names(row, cell, load(cell), seed, public)
    except (cells.CellError, AnswerError) as error:
        return refused(row, error)
    except KeyboardInterrupt:
        return interrupted(row)


def interrupted(row):
    """The verdict of an answer that the student stopped."""
    return Verdict(row.id, "interrupted", "interrupted; your cell is kept, and the package's own "
                                          "serves until you run a new one.")


def unfinished(row):
    """The verdict of a kept answer whose last run never came to an end."""
    return Verdict(row.id, "interrupted", "did not finish when it last ran; run its cell again.")


def judge_names(row, cell, names, seed=0, public=True):
    """The verdict of a cell that has run; all other slots are served by the reference."""
    from aisys_lab.exercises.drivers import DRIVERS
    answer = local(raising(cell.file, DRIVERS[row.driver], names, row.name), cell.file)
    answer.cell = cell
    with references():
        return judge(row, answer, seed, public)


@contextmanager
def references():
    """Every row of the package as the package wrote it; rows with new keys stay."""
    with attempt():
        for table in list(TABLES.values()):
            for key in table.mine():
                if key in table.sheets[0]:
                    table[key] = table.reference(key)
        yield


def unready(row, cell):
    """The verdict of a blank, which need not be run; else None."""
    return Verdict(row.id, "todo") if cells.blank(cell) else None


def refused(row, error):
    """The verdict of a cell that did not come to an answer."""
    return Verdict(row.id, "error", str(error), (Case(False, str(error)),))


def load(cell):
    """The names that the cell defines, run in this process."""
    return raising(cell.file, cells.names, cell)


def raising(file, function, *args, **kwargs):
    """``function(*args)``, with the student's exceptions as AnswerError."""
    try:
        return function(*args, **kwargs)
    except (AnswerError, cells.CellError):
        raise
    except (Exception, SystemExit) as error:
        raise AnswerError(*cells.trouble(error, file)) from None


def local(function, file=""):
    """A callable as the grader's proxy would be: only values go in and come out."""

    @functools.wraps(function)
    def answer(*args, **kwargs):
        args, kwargs = travel((args, kwargs), _back)
        result = raising(file, function, *args, **kwargs)
        try:
            return travel(result)
        except ProtocolError as error:
            raise AnswerError("TypeError", f"its result: {error}") from None

    return answer


def _back(function):
    return lambda *args, **kwargs: travel(function(*travel(args), **travel(kwargs)))
