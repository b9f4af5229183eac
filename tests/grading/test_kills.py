"""The kill table of the book."""

from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.kills import as_markdown, as_text, kills


def test_every_wrong_answer_is_a_row_and_is_killed():
    rows = kills(seeds=1, rows=[EXERCISES["core.bench"], EXERCISES["nets.hunt_counters"]])
    assert all(kill.killed == 1 for kill in rows) and len(rows) >= 8
    assert as_markdown(rows).splitlines()[2] == (
        "| I.1-C | `core.bench` | no warm-up | 1/1 |")
    assert as_text(rows).splitlines()[0].split() == ["code", "exercise", "wrong", "answer",
                                                     "killed"]
