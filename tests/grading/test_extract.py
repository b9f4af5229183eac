"""Submissions are read strictly, and nothing of them runs but what is asked for."""

import json

import pytest

from aisys_lab.grading.cell import Cell, blank, from_text, latest, to_text
from aisys_lab.grading.extract import MOST, SubmissionError, extract, from_notebook


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": c} for c in cells]}).encode()


def test_exercise_and_helper_cells_only():
    cells = from_notebook(notebook(
        "import os; os.abort()", ["# HELPER\n", "def h(): pass"], "%%exercise core.a\nx = 1",
        "\n\n%%exercise  core.b \r\ny = 2\n", "%%exercise core.a\nx = 3", "%%time\n%%exercise c.d"))
    helpers = ("# HELPER\ndef h(): pass",)
    assert cells == {"core.a": Cell("core.a", "x = 3", helpers),
                     "core.b": Cell("core.b", "y = 2\n", helpers)}


def test_a_helper_that_is_not_python_spoils_no_exercise():
    cells = from_notebook(notebook("# HELPER\ndef h(:", "# HELPER\nh = 3", "%%exercise core.a\nh"))
    assert cells["core.a"].helpers == ("# HELPER\nh = 3",)


def test_markdown_and_outputs_are_not_looked_at():
    data = {"cells": [{"cell_type": "markdown", "source": "%%exercise core.a\nx"},
                      {"cell_type": "code", "source": [], "outputs": {"evil": 1}, "id": 3}]}
    assert from_notebook(json.dumps(data).encode()) == {}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"{}", b'{"cells": 3}',
                                  b'{"cells": [3]}', b'{"cells": [{"cell_type": "code"}]}',
                                  b'{"cells": [{"cell_type": "code", "source": [1]}]}',
                                  b'{"cells": [{"cell_type": "code", "source": 5}]}',
                                  b"[" * 200_000, b'{"cells": null}', b"print('no notebook')"])
def test_what_is_no_notebook_is_a_sentence(data):
    with pytest.raises(SubmissionError, match="is not a notebook"):
        from_notebook(data)


def test_size_and_absence(tmp_path):
    path = tmp_path / "big.ipynb"
    path.write_bytes(b" " * (MOST + 1))
    with pytest.raises(SubmissionError, match="larger than 10 MiB"):
        extract(path)
    with pytest.raises(SubmissionError, match="does not exist"):
        extract(tmp_path / "none.ipynb")


def test_a_folder_of_kept_answers(tmp_path):
    cell = Cell("core.a", "def a():\n    return 1\n", ("# HELPER\nx = 2",))
    (tmp_path / "core.a.py").write_text(to_text(cell))
    (tmp_path / "core.b.py").write_bytes(b"\xff\x00")
    (tmp_path / "core.c.py").write_text("# %%exercise core.c\ndef c(:\n")
    (tmp_path / "core.d.py").symlink_to(tmp_path / "core.a.py")
    found = extract(tmp_path)
    assert found["core.a"] == cell and sorted(found) == ["core.a", "core.b", "core.c"]
    assert "core.b.py cannot be used: it is not text" in str(found["core.b"])
    assert "core.c.py cannot be used: line 2 of your cell" in str(found["core.c"])


def test_text_form_parses_back():
    for cell in (Cell("a.b", "x = 1\n"), Cell("a.b", "x\n", ("# HELPER\ny",))):
        assert from_text(to_text(cell), "a.b") == cell


@pytest.mark.parametrize(("text", "is_blank"), [
    ("def b(): ...", True), ("def b():\n    'doc'\n    ...  # 3 lines", True),
    ("def b():\n    x = 1\n    ...\n    return x", True), ("def b(): pass", False),
    ("def b():\n    return a[..., 0]", False), ("class b:\n    def f(self): ...", True),
    ("# def b(): ...", False), ("def c(): ...", False)])
def test_blanks(text, is_blank):
    assert blank(Cell("a.b", text)) is is_blank


def test_helpers_that_are_defined_anew_are_dropped():
    old, new, bad = "# HELPER\ndef f(): 1", "# HELPER\ndef f(): 2", "# HELPER\ndef f(:"
    assert latest([old, "# HELPER\ny = 1", bad, new]) == ("# HELPER\ny = 1", new)
