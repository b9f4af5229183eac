"""The kill table of the book."""

from pathlib import Path

from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.kills import as_markdown, as_text, kills
from aisys_lab.grading.page import page


def test_every_wrong_answer_is_a_row_and_is_killed():
    rows = kills(seeds=1, rows=[EXERCISES["core.bench"], EXERCISES["nets.hunt_counters"]])
    assert all(kill.killed == 1 for kill in rows) and len(rows) >= 8
    assert as_markdown(rows).splitlines()[2] == (
        "| I.1-C | `core.bench` | no warm-up | 1/1 |")
    assert as_text(rows).splitlines()[0].split() == ["code", "exercise", "wrong", "answer",
                                                     "killed"]


def test_the_page_of_the_book_is_the_table_of_today():
    said = (Path(__file__).parents[2] / "book/instructors/kills.md").read_text()
    assert said == page(), "run: python -m aisys_lab.grading.page > book/instructors/kills.md"
