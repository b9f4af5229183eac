"""What the README and the docstrings say runs as it is printed."""

import doctest
import importlib
import os
import re
import subprocess
import sys

import pytest

from course import ROOT, code_cells

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CALM = {**os.environ, "MPLBACKEND": "agg", "PYTHONWARNINGS": "error::DeprecationWarning:__main__"}


def test_the_code_of_the_readme_runs_as_printed(tmp_path):
    assert len(BLOCKS) == 1
    script = tmp_path / "tour.py"
    script.write_text(BLOCKS[0], encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, env=CALM, capture_output=True,
                          text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_the_first_chapter_runs_the_same_lines():
    path = ROOT / "book" / "1_overview" / "1_ai_systems.ipynb"
    chapter = squeezed("\n".join(cell.source for cell in code_cells(path)))
    missing = [line for line in BLOCKS[0].splitlines()
               if squeezed(line) and squeezed(line) not in chapter]
    assert not missing


def squeezed(code):
    """Code without comments and spaces."""
    return re.sub(r"\s+", "", re.sub(r"  #.*", "", code))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_what_a_page_names_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"(?:^|[`;] ?)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    links = re.findall(r"\]\(([^):#]+)\)", text)
    assert all((ROOT / link).exists() for link in links), links
    folders = re.findall(r"`([a-z.]+/[\w/.-]*)`", text)
    assert all((ROOT / path).exists() for path in folders if path != "my_aisys/"), folders


def documented():
    """The modules whose docstrings show a session."""
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            for path in sorted((ROOT / "aisys_lab").rglob("*.py"))
            if ">>> " in path.read_text(encoding="utf-8")]


def test_docstrings_run():
    assert documented()
    failed = {name: doctest.testmod(importlib.import_module(name)).failed for name in documented()}
    assert not any(failed.values()), failed
