"""``aisys check`` and ``aisys list`` as a student calls them."""

import json
import os
import subprocess
import sys

import pytest

from aisys_lab.exercises import EXERCISES, exercise
from aisys_lab.grading.cell import Cell, to_text
from aisys_lab.grading.cli import main
from aisys_lab.grading.solutions import solution

ID = "core.bench"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AISYS_HOME", str(tmp_path))
    return tmp_path


def put(home, name, text):
    (home / f"{name}.py").write_text(to_text(Cell(name, text)))


def aisys(*args):
    return subprocess.run([sys.executable, "-m", "aisys_lab.grading.cli", *args],
                          capture_output=True, text=True, env=os.environ, timeout=120)


def test_the_module_runs(home):
    put(home, ID, solution(EXERCISES[ID]).text)
    run = aisys("check", ID)
    assert run.returncode == 0 and "10/10" in run.stdout and not run.stderr


def test_a_wrong_answer_exits_with_one(home, capsys):
    put(home, ID, EXERCISES[ID].mutants["no warm-up"])
    assert main(["check", ID]) == 1
    out = capsys.readouterr().out
    assert "0/10" in out and "core.bench: no — f 20 % faster" in out


def test_nothing_kept_is_to_do(home, capsys):
    assert main(["check"]) == 1
    assert capsys.readouterr().out.count("todo") == len(EXERCISES)


def test_an_endless_loop_is_ended(home, capsys):
    put(home, "core.loop", "def loop(x):\n    while True:\n        pass\n")

    @exercise("core.loop", code="I.1-Y", points=1, seconds=1)
    def loop(answer, rng):
        """loops"""
        answer(1)
        yield None

    try:
        assert main(["check", "core.loop"]) == 1
    finally:
        EXERCISES.sheets[0].pop("core.loop"), EXERCISES.pop("core.loop")
    assert "did not finish in 1 s" in capsys.readouterr().out


def test_json(home, capsys):
    put(home, ID, EXERCISES[ID].mutants["never concludes"])
    assert main(["check", "--lab", "I.1", "--json", "--seed", "5"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert list(result) == ["schema", "seed", "score", "max", "exercises"]
    assert result["schema"] == 1 and result["seed"] == 5 and result["score"] == 0
    entry = next(e for e in result["exercises"] if e["id"] == ID)
    assert list(entry) == ["id", "code", "status", "score", "max", "message", "cases"]
    assert entry["status"] == "no" and "(seed 5)" in entry["message"]
    assert {c["status"] for c in entry["cases"]} == {"pass", "wrong"}
    assert {e["status"] for e in result["exercises"] if e["id"] != ID} <= {"todo"}


def test_list(capsys):
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["exercises"]
    assert {row["id"] for row in rows} == set(EXERCISES)
    assert set(rows[0]) == {"id", "code", "lab", "points", "needs", "hides", "task"}
    assert main(["list"]) == 0
    assert ID in capsys.readouterr().out


def test_a_code_may_have_several_exercises(home, capsys):
    assert main(["check", "V.1-B"]) == 1
    out = capsys.readouterr().out
    assert "autodiff.broadcast" in out and "autodiff.unbroadcast" in out


@pytest.mark.parametrize(("args", "words"), [
    (["check", "core.bnch"], "did you mean: core.bench"), (["check", "--lab", "IX.9"], "no lab"),
    (["check", "--from", "/nowhere.ipynb"], "does not exist")])
def test_bad_questions_are_sentences(home, capsys, args, words):
    assert main(args) == 2
    err = capsys.readouterr().err
    assert words in err and err.startswith("aisys: ") and err.count("\n") == 1


def test_a_corrupt_file_is_named_and_the_others_are_judged(home, capsys):
    (home / "nets.hunt_counters.py").write_bytes(b"\x00\xff garbage")
    put(home, ID, solution(EXERCISES[ID]).text)
    assert main(["check"]) == 1
    out = capsys.readouterr().out
    assert "nets.hunt_counters.py cannot be used: it is not text" in out and "10/10" in out
    assert (home / "nets.hunt_counters.py").read_bytes() == b"\x00\xff garbage"


def test_a_notebook_is_checked_too(home, capsys, tmp_path):
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps({"cells": [{
        "cell_type": "code", "source": f"%%exercise {ID}\n{solution(EXERCISES[ID]).text}"}]}))
    assert main(["check", "I.1-C", "--from", str(path)]) == 0


def test_by_code_and_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["frobnicate"])
    assert stop.value.code == 2
