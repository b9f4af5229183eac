"""The tools behind make: a sentence for what goes wrong, a form for notebooks, a sum of tests."""

import socket
import subprocess
import sys

import nbformat
import notebooks
import parts
import pytest

from course import ROOT

START = "README.md"  # any file: nothing opens it here


def refusal(*arguments):
    """What ``make lab`` says instead of starting."""
    done = subprocess.run([sys.executable, ROOT / "tools" / "lab.py", *arguments], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_busy_port_is_one_sentence_with_the_cure():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        said = refusal(START, str(port))
    assert f"port {port}" in said
    assert "make lab PORT=" in said


@pytest.mark.parametrize("port", ["", "0", "abc", "70000", "-1"])
def test_a_port_that_is_none(port):
    assert "make lab PORT=8888" in refusal(START, port)


def test_a_start_page_that_is_not_there():
    assert "labs/none.ipynb" in refusal("labs/none.ipynb", "8888")


def test_make_alone_lists_the_targets():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "lab", "book", "test", "notebooks", "bench", "fuzz", "lint"):
        assert f"make {target} " in said


def messy():
    """A notebook as editors leave it."""
    output = nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=7)
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=7, outputs=[output],
                                     metadata={"tags": ["a"], "execution": {"iopub": "now"}})
    later = nbformat.v4.new_code_cell("x = 1", execution_count=9, metadata={"collapsed": True})
    return nbformat.v4.new_notebook(cells=[cell, later], metadata={"widgets": {}, "by": "me"})


def test_normal_form_keeps_outputs_and_drops_the_rest():
    text = notebooks.text(messy())
    book = nbformat.reads(text, as_version=4)
    first, second = book.cells
    assert (first.execution_count, second.execution_count) == (1, 2)
    assert first.outputs[0].data == {"text/plain": "2"}
    assert first.outputs[0].execution_count == 1
    assert (first.metadata, second.metadata) == ({"tags": ["a"]}, {})
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert notebooks.text(book) == text


def test_normal_form_does_not_hide_that_a_cell_was_not_run():
    book = messy()
    book.cells[1].execution_count = None
    again = nbformat.reads(notebooks.text(book), as_version=4)
    assert [cell.execution_count for cell in again.cells] == [1, None]


def test_running_and_checking_a_notebook(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    nbformat.write(messy(), path)
    assert not notebooks.check(path)
    assert "tidy" in capsys.readouterr().out
    notebooks.run(path)
    assert notebooks.check(path)
    assert list(notebooks.found([tmp_path])) == [path]


def test_the_sum_counts_what_pytest_reports(tmp_path, capsys):
    (tmp_path / "test_a.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('no')\n", encoding="utf-8")
    make = tmp_path / "make"
    make.write_text(f"#!/bin/sh\n[ $3 = bad ] && exit 2\ncd {tmp_path}\n"
                    f"{sys.executable} -m pytest -q -p no:cacheprovider test_a.py\n",
                    encoding="utf-8")
    make.chmod(0o755)
    assert parts.main(str(make), "good") is False
    assert "===== 1 passed, 0 failed, 1 skipped" in capsys.readouterr().out.splitlines()[-1]
    assert parts.main(str(make), "good", "bad") is True
    assert "FAILED" in capsys.readouterr().out
