"""JupyterLab as ``make lab`` opens it: a live slider, an exercise from todo to ok."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import aisys_lab as lab
from tests.course import ROOT, chapters

CHAPTER = "book/1_overview/1_ai_systems.ipynb"
LAB = "labs/1_overview/1_ai_systems.ipynb"
TRACKER = "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the notebooks, and settings that show all cells at once."""
    folder = tmp_path_factory.mktemp("course")
    for part in ("book", "labs", "tools"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.rglob("*.ipynb"):
        path.write_text(blank(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    settings = folder / "config" / TRACKER
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')
    return folder


def blank(notebook):
    """The notebook as if it had never run."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return json.dumps(notebook)


@pytest.fixture(scope="module")
def address(course, chromium):
    """JupyterLab on a free port, as the tool behind ``make lab`` starts it: its first page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | {
        "AISYS_HOME": str(course / "my_aisys"), "JUPYTER_CONFIG_DIR": str(course / "config"),
        "JUPYTER_RUNTIME_DIR": str(course / "runtime"), "IPYTHONDIR": str(course / "ipython")}
    with (course / "log").open("w") as log, subprocess.Popen(
            [sys.executable, "tools/lab.py", CHAPTER, str(port)], cwd=course, env=env,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT) as server:
        try:
            yield announced(server, course / "log")
        finally:
            server.terminate()


def announced(server, log):
    """The address that JupyterLab prints."""
    for _ in range(240):
        found = re.search(r"http://(?:localhost|127\.0\.0\.1):\d+/\S*\?token=\w+", log.read_text())
        if found or server.poll() is not None:
            break
        time.sleep(0.25)
    assert found, log.read_text()
    return found[0]


@pytest.fixture
def desk(page, address):
    """A page with a notebook open on it; ``open_at`` opens one."""

    def open_at(name):
        page.goto(re.sub(r"/lab/tree/[^?]*", f"/lab/tree/{name}", address) + "&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell .cm-content", timeout=60_000)
        page.get_by_text("| Idle").wait_for(timeout=60_000)  # the kernel, in the status bar
        return page
    return open_at


def cell_with(page, words):
    """The first code cell whose source holds these words."""
    return page.locator(".jp-CodeCell", has=page.locator(
        ".jp-InputArea-editor", has_text=words)).first


def run(page, cell):
    """Runs a cell with Shift and Enter and waits until the kernel has done it."""
    cell.locator(".cm-content").click()
    before = prompt(cell)
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("([cell, before]) => { const text = cell.querySelector("
                           "'.jp-InputPrompt').textContent; return /\\d/.test(text) &&"
                           " text !== before; }", arg=[cell.element_handle(), before],
                           timeout=60_000)


def prompt(cell):
    """``[3]:`` of a cell."""
    return cell.locator(".jp-InputPrompt").first.text_content()


@pytest.mark.skipif(CHAPTER.removesuffix(".ipynb") not in chapters(), reason="no chapter I.1 yet")
def test_a_slider_redraws_live(desk):
    page = desk(CHAPTER)
    run(page, cell_with(page, "import aisys_lab"))
    shown = cell_with(page, 'lab.figure("training_vs_inference"')
    run(page, shown)
    figure = lab.FIGURES["training_vs_inference"]
    point = figure.default()
    said = shown.locator("p[aria-live]")
    said.wait_for(timeout=60_000)
    assert said.text_content() == figure.frame(**point).alt
    shown.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    batches = figure.grid["batch"]
    point["batch"] = batches[batches.index(point["batch"]) + 1]
    picture = figure.frame(**point)
    page.wait_for_function("([p, text]) => p.ownerDocument.body.innerText.includes(text)",
                           arg=[said.element_handle(), picture.alt], timeout=30_000)
    svg = shown.locator(".aisys-live svg")
    assert svg.get_attribute("aria-label") == picture.alt


@pytest.mark.skipif(not (ROOT / LAB).exists(), reason="no lab I.1 yet")
def test_an_answer_turns_todo_into_ok(desk, course):
    from aisys_lab.grading.solutions import solved
    notebook = json.loads((ROOT / LAB).read_text(encoding="utf-8"))
    answers = ["".join(cell["source"]) for cell in solved(notebook)["cells"]]
    answer = next(text for text in answers if text.startswith("%%exercise"))
    page = desk(LAB)
    run(page, cell_with(page, "import aisys_lab"))
    cell = cell_with(page, answer.splitlines()[0])
    run(page, cell)
    assert verdict(page, cell) == "todo"
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(answer)
    run(page, cell)
    assert verdict(page, cell) == "ok"
    kept = Path(course, "my_aisys", f"{answer.split()[1]}.py")
    assert kept.is_file()


def verdict(page, cell):
    """The word that an exercise cell prints."""
    output = cell.locator(".jp-OutputArea-output").last
    output.wait_for(timeout=60_000)
    return re.match(r"\w+", output.inner_text().strip().splitlines()[-1])[0]
