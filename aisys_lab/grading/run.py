"""Judges cells in fresh processes with a deadline."""

from aisys_lab.exercises.declare import AnswerError, AnswerLost
from aisys_lab.exercises.judge import Verdict, judge, refused, unready
from aisys_lab.grading.cell import Cell, CellError
from aisys_lab.grading.proxy import Proxy


def judge_apart(row, cell, seed=0, public=False, quiet=True, hides=None, seconds=None):
    """The verdict of an exercise on a cell that runs in a masked process of its own."""
    try:
        early = unready(row, cell)
        if early:
            return early
        with Proxy(cell, row.driver, row.hides if hides is None else hides,
                   seconds or row.seconds, quiet) as answer:
            return judge(row, answer, seed, public)
    except (CellError, AnswerError) as error:
        return refused(row, error)
    except AnswerLost as error:
        return Verdict(row.id, error.status, f"{row.name} {error}")


def judge_all(rows, cells, **options):
    """A verdict an exercise, of extracted cells; what is not there is still to do."""
    return [_judge_found(row, cells.get(row.id), options) for row in rows]


def _judge_found(row, found, options):
    if found is None:
        return Verdict(row.id, "todo")
    return judge_apart(row, found, **options) if isinstance(found, Cell) else refused(row, found)
