"""Every check is itself tested: rules a to h, for every declared exercise by its existing."""

import ast
import importlib
import os

import pytest

from aisys_lab.core import TABLES, LabError
from aisys_lab.exercises import EXERCISES, Exercise
from aisys_lab.exercises.drivers import DRIVERS
from aisys_lab.exercises.judge import judge, judge_cell, local
from aisys_lab.grading.cell import Cell
from aisys_lab.grading.extract import from_notebook
from aisys_lab.grading.mask import cut
from aisys_lab.grading.run import judge_all, judge_apart
from aisys_lab.grading.solutions import solution

SEEDS = range(int(os.environ.get("AISYS_SEEDS", 2)))
ROWS = list(EXERCISES.values())
ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
WRONG = [pytest.param(row, name, id=f"{row.id}-{name}") for row in ROWS for name in row.mutants]
OTHER = [pytest.param(row, name, id=f"{row.id}-{name}") for row in ROWS for name in row.different]


def stub(row, body="..."):
    """The solution's signature around another body."""
    node = next(n for n in ast.parse(solution(row).text).body if getattr(n, "name", "") == row.name)
    node.body = ast.parse(body).body
    return "import time\n" + ast.unparse(node)


def no_points(row, text):
    """The verdict through the pipe and in the lab: neither gives points."""
    cell = Cell(row.id, text)
    apart, here = judge_apart(row, cell), judge_cell(row, cell, public=False)
    assert apart.points == here.points == 0
    return apart


@ROW
def test_a_blank(row):
    assert no_points(row, stub(row)).status == "todo"


@ROW
def test_a_function_that_does_nothing(row):
    verdict = no_points(row, stub(row, "return None"))
    assert verdict.word == "no" and len(verdict.message) > 20


@ROW
@pytest.mark.parametrize("source", ["", "# %%exercise {id}\n# def {name}(): ...",
                                    "%%exercise {id}\n# def {name}(*args):\n#     return 1",
                                    "%%exercise {id}\ndef {name}(*args):\n    return (1"],
                         ids=["empty notebook", "commented magic", "commented out", "syntax"])
def test_b_nothing_there(row, source):
    source = source.format(id=row.id, name=row.name)
    cells = from_notebook(notebook(source))
    assert sum(verdict.points for verdict in judge_all([row], cells)) == 0


def notebook(*sources):
    import json
    return json.dumps({"cells": [{"cell_type": "code", "source": s} for s in sources]}).encode()


@ROW
def test_c_solution(row):
    assert [judge_cell(row, solution(row), s, False).message for s in SEEDS] == [""] * len(SEEDS)
    assert judge_apart(row, solution(row)).message == ""


@ROW
def test_c_reference(row):
    for path in row.hides:
        importlib.import_module(f"aisys_lab.{path.partition(':')[0]}")
    table, key = TABLES[row.slot[0]], row.slot[1]
    if key not in table.sheets[0]:
        pytest.skip("the package has no row for this slot")
    answer = local(DRIVERS[row.driver]({row.name: table.reference(key)}, row.name))
    assert [judge(row, answer, seed).message for seed in SEEDS] == [""] * len(SEEDS)


@pytest.mark.parametrize(("row", "name"), OTHER)
def test_d_different_right_answers(row, name):
    cell = Cell(row.id, row.different[name])
    assert [judge_cell(row, cell, s, False).message for s in SEEDS] == [""] * len(SEEDS)
    assert judge_apart(row, cell).message == ""


@ROW
def test_d_e_there_are_enough(row):
    assert len(row.different) >= 1 and len(row.mutants) >= 4


@pytest.mark.parametrize(("row", "name"), WRONG)
def test_e_mutants(row, name):
    cell = Cell(row.id, row.mutants[name])
    assert all(judge_cell(row, cell, s, public=False).word == "no" for s in SEEDS)
    verdict = judge_apart(row, cell)
    assert verdict.word == "no" and verdict.message


def cheats(row):
    """Answers that fetch the reference instead of being one."""
    take = "def {name}(*args, **kwargs):\n    return {what}(*args, **kwargs)\n"
    for path in row.hides:
        module, _, name = path.partition(":")
        top = f"from aisys_lab.{module} import {name.partition('.')[0]} as reference\n"
        yield top + take.format(name=row.name, what="reference")
        yield take.format(name=row.name, what=f"lab.{name}")
        yield ("import importlib\n" + take.format(
            name=row.name, what=f"importlib.import_module('aisys_lab.{module}').{name}"))
    yield take.format(name=row.name, what=f"lab.SLOTS[{row.id!r}]")
    yield take.format(name=row.name, what=f"lab.SLOTS.reference({row.id!r})")
    yield take.format(name=row.name, what=f"lab.EXERCISES[{row.id!r}].different")
    yield ("from aisys_lab.exercises.declare import EXERCISES\n"
           + take.format(name=row.name, what="print"))


@ROW
def test_f_the_reference_is_hidden(row):
    for text in cheats(row):
        assert judge_apart(row, Cell(row.id, text)).points == 0, text


@ROW
def test_f_what_is_hidden_exists(row):
    for path in row.hides:
        module, _, name = path.partition(":")
        file = importlib.util.find_spec(f"aisys_lab.{module}").origin
        with open(file, encoding="utf-8") as source:
            cut(ast.parse(source.read()), {name})


@ROW
def test_g_pipe_and_lab_agree(row):
    for text in [solution(row).text, *row.different.values(), *row.mutants.values()]:
        cell = Cell(row.id, text)
        assert judge_apart(row, cell, seed=1).status == judge_cell(row, cell, 1, False).status


def test_h_no_case_is_an_error():
    row = Exercise("core.none", "I.1-Z", 1, lambda answer, rng: iter(()))
    with pytest.raises(LabError, match="collected no case"):
        judge(row, lambda: None)


@ROW
def test_it_is_declared_well(row):
    assert 0 < len(row.task) < 1200 and row.points > 0 and row.hides
    assert set(row.needs) <= set(EXERCISES)
    assert str(row).startswith(f"{row.code}  {row.id}")
