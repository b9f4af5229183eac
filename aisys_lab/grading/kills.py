"""The kill table: every wrong answer that a check must catch, and on how many seeds it does."""

import sys
from dataclasses import dataclass

from aisys_lab.core.text import table
from aisys_lab.exercises import EXERCISES
from aisys_lab.exercises.judge import judge_cell
from aisys_lab.grading.cell import Cell

HEADER = ("code", "exercise", "wrong answer", "killed")


@dataclass(frozen=True)
class Kill:
    """One wrong answer: on how many of the seeds the check says no."""

    code: str
    id: str
    mutant: str
    killed: int
    seeds: int

    @property
    def cells(self):
        return self.code, self.id, self.mutant, f"{self.killed}/{self.seeds}"


def kills(seeds=10, rows=None):
    """The table of all wrong answers, judged in this process on that many seeds."""
    return [Kill(row.code, row.id, name, killed(row, text, seeds), seeds)
            for row in sorted(rows or EXERCISES.values(), key=lambda row: row.code)
            for name, text in row.mutants.items()]


def killed(row, text, seeds):
    """On how many seeds a wrong answer gets no points."""
    cell = Cell(row.id, text)
    return sum(judge_cell(row, cell, seed, public=False).status != "ok" for seed in range(seeds))


def as_text(rows):
    """Aligned columns."""
    return table([row.cells for row in rows], HEADER, "lllr")


def as_markdown(rows):
    """A table for the book."""
    lines = [HEADER, ("---", "---", "---", "---:"),
             *((k.code, f"`{k.id}`", k.mutant, f"{k.killed}/{k.seeds}") for k in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":  # python -m aisys_lab.grading.kills [seeds]
    print(as_markdown(kills(int(sys.argv[1]) if sys.argv[1:] else 10)))
