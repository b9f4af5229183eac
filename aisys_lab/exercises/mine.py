"""The student's own rows: plugged in at the top of a lab, checked, and reported."""

from aisys_lab.core import LabError
from aisys_lab.core.text import table
from aisys_lab.exercises.declare import EXERCISES, AnswerError
from aisys_lab.exercises.judge import Verdict, judge_cell, load, refused, unfinished
from aisys_lab.exercises.keep import UNFINISHED, kept, remember, remembered
from aisys_lab.exercises.magic import SESSION, _quietly, plug


def mine():
    """Plugs in every kept answer that is right; the reference serves for the others."""
    own = sum([_plug_kept(row) for row in EXERCISES.values()])
    print(f"{own} row{'s' * (own != 1)} of yours, {len(EXERCISES) - own} borrowed")


def _plug_kept(row):
    """Whether a kept answer of the student's now serves; says why if it is kept but does not."""
    try:
        cell = kept(row.id)
        if cell is None:
            return False
        status = _status(row, cell)
        if status == "ok":
            plug(row, load(cell)[row.name])
            return True
        why = unfinished(row).message if status == UNFINISHED else "the reference serves."
        print(f"{row.id}: your answer is kept but not right yet; {why}")
    except (LabError, AnswerError) as error:
        print(f"{row.id}: {error}")
    return False


def _status(row, cell):
    known = remembered(cell)
    if known is None:
        _quietly(remember, cell, UNFINISHED)
        known = judge_cell(row, cell).status
        if known != "interrupted":
            _quietly(remember, cell, known)
    return known


def verdict(id, seed=0):
    """The verdict of the cell that ran last, else of the kept one."""
    row = EXERCISES[id]
    try:
        cell = SESSION.get(id) or kept(id)
    except LabError as error:
        return refused(row, error)
    if cell is None:
        return Verdict(id, "todo")
    if remembered(cell) == UNFINISHED:
        return unfinished(row)
    return judge_cell(row, cell, seed)


def check(id, seed=0):
    """Judges the answer to one exercise again and prints the verdict."""
    print(verdict(id, seed))


def report(lab):
    """Prints exercises, verdicts and points of one lab: ``report('I.1')``."""
    rows = [row for row in EXERCISES.values() if row.lab == lab]
    if not rows:
        labs = ", ".join(sorted({row.lab for row in EXERCISES.values()}))
        raise LabError(f"no exercises of lab {lab!r}; there are labs {labs}.")
    verdicts = [verdict(row.id) for row in rows]
    lines = [(row.code, row.id, v.word, f"{v.points}/{row.points}")
             for row, v in sorted(zip(rows, verdicts, strict=True), key=lambda p: p[0].code)]
    lines.append(("", "all", "", f"{sum(v.points for v in verdicts)}/"
                                 f"{sum(row.points for row in rows)}"))
    print(table(lines, ("code", "exercise", "verdict", "points"), "lllr"))


def exercise(id):
    """Prints what an exercise asks."""
    print(EXERCISES[id])
