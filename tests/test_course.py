"""Book, labs and solutions agree, and notebooks are as a reader should find them."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from aisys_lab.exercises import EXERCISES
from course import ROOT, asked, chapters, code_cells, code_of, contents, labs, name_of, notebooks

MACHINE = re.compile(r"(?<![\w.])/(work|home|root|tmp|Users|mnt|opt)/[\w.]|[A-Z]:\\\\?Users")
OUTSIDE = re.compile(r"^\s*[!%]\s*(pip|conda|wget|curl)\b|\b(requests|urlopen|urlretrieve)\b"
                     r"|https?://(?!127\.0\.0\.1|localhost)", re.MULTILINE)
MYST = re.compile(r"\{\w+\}`|^```\{|^:::|^\(.*\)=$", re.MULTILINE)  # JupyterLab shows it raw
EMOJI = re.compile("[\U0001f000-\U0001faff☀-⛿✀-➿️]")
TEXT = {".py", ".md", ".ipynb", ".toml", ".yml", ".cff", ".cfg", ".js", ".css", ".json", ".csv"}
GENERATED = {".venv", "_build", "my_aisys", "vendor", ".git", ".ipynb_checkpoints", "build",
             ".pytest_cache", ".ruff_cache", ".hypothesis", "aisys_lab.egg-info", "node_modules"}

each_chapter = pytest.mark.parametrize("chapter", chapters())
each_lab = pytest.mark.parametrize("path", labs(), ids=name_of)
each_notebook = pytest.mark.parametrize("path", notebooks(), ids=name_of)


def test_the_course_has_begun():
    assert chapters(), "_toc.yml lists no chapter"
    assert len(labs()) >= len(chapters())


def test_contents_list_what_exists_once():
    names = contents()
    assert len(names) == len(set(names))
    missing = [name for name in names
               if not any((ROOT / f"{name}{end}").exists() for end in ("", ".md", ".ipynb"))]
    assert not missing


def test_every_chapter_on_disk_is_listed():
    on_disk = {name_of(path.with_suffix("")) for path in (ROOT / "book").glob("*_*/[0-9]*.ipynb")}
    assert on_disk == set(chapters())


@each_chapter
def test_a_chapter_has_its_lab_and_the_lab_its_solutions(chapter):
    name = chapter.removeprefix("book/")
    assert (ROOT / f"{chapter}.ipynb").exists()
    assert (ROOT / "labs" / f"{name}.ipynb").exists()
    assert (ROOT / "labs" / "solutions" / f"{name}.py").exists()


def test_every_lab_follows_a_chapter_and_every_solution_a_lab():
    names = {name_of(path.with_suffix("")).removeprefix("labs/") for path in labs()}
    topics = {name for name in names if Path(name).name[0].isdigit()}
    assert topics == {chapter.removeprefix("book/") for chapter in chapters()}
    folder = ROOT / "labs" / "solutions"
    solutions = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*_*/*.py")}
    assert solutions == names


@each_lab
def test_a_lab_asks_for_what_is_declared_for_it(path):
    declared = {row.id for row in EXERCISES.values() if row.lab == code_of(path)}
    ids = asked(path)
    assert len(ids) == len(set(ids))
    assert set(ids) == declared


def test_every_exercise_stands_in_one_lab():
    ids = [name for path in labs() for name in asked(path)]
    assert sorted(ids) == sorted(EXERCISES)


@each_lab
def test_the_solutions_answer_every_exercise(path):
    answers = ROOT / "labs" / "solutions" / path.relative_to(ROOT / "labs").with_suffix(".py")
    tree = ast.parse(answers.read_text(encoding="utf-8"))
    defined = {getattr(node, "name", "") for node in tree.body}
    assert {EXERCISES[name].name for name in asked(path)} <= defined


@each_lab
def test_a_lab_begins_with_kept_answers_and_ends_with_a_report(path):
    text = "\n".join(cell.source for cell in code_cells(path))
    assert "lab.mine()" in text
    assert "lab.report(" in text


@each_notebook
def test_every_cell_was_run_in_order_and_without_error(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        meant = "raises-exception" in cell.metadata.get("tags", ())
        assert meant or not any(out.output_type == "error" for out in cell.outputs), cell.source


@each_notebook
def test_cells_are_short(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 25, cell.source
        assert max(map(len, lines)) <= 78, max(lines, key=len)


@each_notebook
def test_text_reads_well_in_jupyterlab_too(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert not MYST.search(cell.source), cell.source


@each_notebook
def test_no_cell_needs_the_network(path):
    for cell in code_cells(path):
        assert not OUTSIDE.search(cell.source), cell.source


@each_notebook
def test_a_notebook_opens_with_a_title_and_one_import(path):
    first = code_cells(path)[0].source
    assert "import aisys_lab as lab" in first
    assert len(first.splitlines()) <= 4, first


@each_notebook
def test_a_notebook_is_in_normal_form(path):
    import notebooks as tool

    assert tool.check(path)


def texts():
    """Every text file of the project that a person wrote."""
    return [path for path in ROOT.rglob("*") if path.suffix in TEXT and path.is_file()
            and not GENERATED & set(path.relative_to(ROOT).parts)]


def test_no_file_names_a_machine_or_wears_emoji():
    files = texts()
    assert len(files) > 50
    for path in files:
        text = path.read_text(encoding="utf-8")
        for pattern in (MACHINE, EMOJI):
            found = pattern.search(text)
            if path != Path(__file__):
                assert not found, f"{name_of(path)}: {found and found[0]!r}"
