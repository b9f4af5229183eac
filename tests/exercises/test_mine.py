"""``lab.mine``, ``check`` and ``report``: what is kept goes on serving, what is broken is named."""

import pytest

import aisys_lab as lab
from aisys_lab.exercises import EXERCISES
from aisys_lab.exercises.keep import remembered
from aisys_lab.exercises.magic import SESSION, answer
from aisys_lab.grading.cell import Cell, to_text
from aisys_lab.grading.solutions import solution

ID, HUNT = "core.bench", "nets.hunt_counters"
ALL = len(EXERCISES)


def keep(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(to_text(Cell(name, text)))


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_nothing_kept(capsys):
    lab.mine()
    assert lines(capsys) == [f"0 rows of yours, {ALL} borrowed"]


def test_right_answers_serve_and_wrong_ones_wait(my_aisys, capsys):
    keep(my_aisys, ID, solution(EXERCISES[ID]).text)
    keep(my_aisys, HUNT, EXERCISES[HUNT].mutants["passes everything"])
    lab.mine()
    assert lines(capsys) == [
        f"{HUNT}: your answer is kept but not right yet; the reference serves.",
        f"1 row of yours, {ALL - 1} borrowed"]
    assert lab.SLOTS.mine() == [ID]


def test_a_corrupt_file_is_named_and_left(my_aisys, capsys):
    keep(my_aisys, ID, solution(EXERCISES[ID]).text)
    (my_aisys / f"{HUNT}.py").write_bytes(b"\xff\x00")
    (my_aisys / "verdicts.json").write_text("{broken")
    lab.mine()
    told = lines(capsys)
    assert len(told) == 2 and f"{HUNT}.py cannot be used: it is not text" in told[0]
    assert told[1] == f"1 row of yours, {ALL - 1} borrowed"
    assert (my_aisys / f"{HUNT}.py").read_bytes() == b"\xff\x00"


def test_a_file_that_another_editor_saved_is_read(my_aisys, capsys):
    keep(my_aisys, ID, solution(EXERCISES[ID]).text)
    path = my_aisys / f"{ID}.py"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    lab.mine()
    assert lines(capsys) == [f"1 row of yours, {ALL - 1} borrowed"]


def test_a_verdict_belongs_to_one_text(my_aisys, capsys):
    right = solution(EXERCISES[ID])
    print(answer(ID, right.text))
    assert remembered(right) == "ok" and remembered(Cell(ID, right.text + "\n# new")) is None
    keep(my_aisys, ID, EXERCISES[ID].mutants["no warm-up"])  # edited by hand
    lab.mine()
    assert "not right yet" in lines(capsys)[1]


def test_check_looks_at_the_last_cell_or_the_kept_one(my_aisys, capsys):
    lab.check(ID)
    print(answer(ID, solution(EXERCISES[ID]).text))
    lab.check(ID)
    SESSION.clear()
    lab.check(ID, seed=7)
    assert lines(capsys) == ["todo", "ok", "ok", "ok"]


def test_report(capsys):
    answer(ID, solution(EXERCISES[ID]).text)
    lab.report("I.1")
    told = lines(capsys)
    assert told[0].split() == ["code", "exercise", "verdict", "points"]
    assert ["I.1-C", ID, "ok", "10/10"] in [line.split() for line in told]
    total = sum(row.points for row in EXERCISES.values() if row.lab == "I.1")
    assert told[-1].split() == ["all", f"10/{total}"]


def test_a_seed_that_is_none_is_a_sentence(my_aisys):
    keep(my_aisys, ID, solution(EXERCISES[ID]).text)
    for seed in ("x", -1):
        with pytest.raises(lab.LabError, match=f"seed={seed!r}; it is a whole number of 0 or more"):
            lab.check(ID, seed)


def test_unknown_lab_and_exercise():
    with pytest.raises(lab.LabError, match="there are labs .*I.1"):
        lab.report("I.9")
    with pytest.raises(lab.LabError, match="did you mean: core.bench"):
        lab.check("core.bnch")


def test_the_task_is_printed(capsys):
    lab.exercise(ID)
    told = lines(capsys)
    assert told[0] == "I.1-C  core.bench  (10 points)" and max(map(len, told)) <= 78
