"""The labs with the solutions in them, run by a student with an empty folder: every verdict ok."""

import json
from pathlib import Path

import nbclient
import nbformat
import pytest

from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.extract import EXERCISE
from aisys_lab.grading.solutions import solved

ROOT = Path(__file__).parents[1]
LABS = sorted(p for p in (ROOT / "labs").glob("*_*/*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def exercises_in(notebook):
    """``id -> text printed`` of the exercise cells."""
    found = {}
    for cell in notebook["cells"]:
        match = EXERCISE.match("".join(cell["source"]))
        if cell["cell_type"] == "code" and match:
            printed = [out.get("text", "") for out in cell["outputs"]]
            found[match[1]] = "".join("".join(text) for text in printed)
    return found


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
@pytest.mark.timeout(600)
def test_every_verdict_is_ok(path, tmp_path, monkeypatch):
    monkeypatch.setenv("AISYS_HOME", str(tmp_path))
    lab = solved(json.loads(path.read_text(encoding="utf-8")))
    notebook = nbformat.reads(json.dumps(lab), as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, startup_timeout=120, kernel_name="python3",
                            resources={"metadata": {"path": str(path.parent)}}).execute()
    verdicts = exercises_in(notebook)
    assert verdicts
    assert all(text.splitlines()[-1:] == ["ok"] for text in verdicts.values()), verdicts
    assert sorted(p.stem for p in tmp_path.glob("*.py")) == sorted(verdicts)


@pytest.mark.skipif(not LABS, reason="no lab yet")
def test_every_exercise_stands_in_one_lab():
    asked = [key for path in LABS
             for key in exercises_in(json.loads(path.read_text(encoding="utf-8")))]
    assert sorted(set(asked)) == sorted(EXERCISES)
