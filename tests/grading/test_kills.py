"""The kill table of the book."""

import os
from pathlib import Path

import pytest

from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.kills import Kill, as_markdown, as_text, kills
from aisys_lab.grading.page import page

PAGE = Path(__file__).parents[2] / "book/instructors/kills.md"
CURE = "run: python -m aisys_lab.grading.page > book/instructors/kills.md"


def test_every_wrong_answer_is_a_row_and_is_killed():
    rows = kills(seeds=1, rows=[EXERCISES["core.bench"], EXERCISES["nets.hunt_counters"]])
    assert all(kill.killed == 1 for kill in rows) and len(rows) >= 8
    assert as_markdown(rows).splitlines()[2] == (
        "| I.1-C | `core.bench` | no warm-up | 1/1 |")
    assert as_text(rows).splitlines()[0].split() == ["code", "exercise", "wrong", "answer",
                                                     "killed"]


def test_the_page_of_the_book_has_a_row_for_every_wrong_answer_of_today():
    rows = [Kill(row.code, row.id, name, 10, 10) for row in
            sorted(EXERCISES.values(), key=lambda row: row.code) for name in row.mutants]
    assert PAGE.read_text() == page(rows), CURE


@pytest.mark.skipif("AISYS_SEEDS" not in os.environ, reason="minutes: make test-grading judges")
def test_the_page_of_the_book_is_the_table_of_today():
    assert PAGE.read_text() == page(kills()), CURE
