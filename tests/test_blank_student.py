"""An empty student scores nothing on every exercise; the solutions score full marks."""

import json

from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.extract import extract
from aisys_lab.grading.run import judge_all
from aisys_lab.grading.solutions import solution

ROWS = list(EXERCISES.values())


def notebook(path, cells):
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": c} for c in cells]}))
    return path


def scores(cells):
    return [verdict.points for verdict in judge_all(ROWS, cells)]


def test_there_are_exercises():
    assert ROWS


def test_an_empty_notebook_and_an_empty_folder(tmp_path):
    assert scores(extract(notebook(tmp_path / "lab.ipynb", []))) == [0] * len(ROWS)
    (tmp_path / "my_aisys").mkdir()
    assert scores(extract(tmp_path / "my_aisys")) == [0] * len(ROWS)


def test_the_solutions_score_full_marks(tmp_path):
    cells = [f"%%exercise {row.id}\n{solution(row).text}" for row in ROWS]
    assert scores(extract(notebook(tmp_path / "lab.ipynb", cells))) == [r.points for r in ROWS]
