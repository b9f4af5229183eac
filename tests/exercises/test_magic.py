"""The cell magic in a real IPython shell: verdicts, keeping, plugging, and bad input."""

import signal
import time

import pytest
from IPython.core.interactiveshell import InteractiveShell

import aisys_lab
from aisys_lab.core import SLOTS
from aisys_lab.exercises import EXERCISES, keep, magic
from aisys_lab.grading.solutions import solution

ID = "core.bench"
HEAD = "import time\ndef bench(f, g, clock=time.perf_counter, warmup=3, repeats=31):\n"
RIGHT = solution(EXERCISES[ID]).text


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    import os
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    shell = InteractiveShell.instance()
    aisys_lab.load_ipython_extension(shell)
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell, capsys):
    def cell(text, magic=f"%%exercise {ID}\n"):
        shell.run_cell(magic + text, store_history=True)
        return capsys.readouterr().out.strip()
    return cell


def test_a_blank_is_to_do_and_nothing_is_written(run, my_aisys):
    assert run(HEAD + "    ...  # about 12 lines") == "todo"
    assert not my_aisys.exists() and ID not in SLOTS.mine()


def test_a_right_answer_is_kept_and_plugged_in(run, shell, my_aisys):
    assert run(RIGHT) == "ok"
    assert SLOTS[ID] is shell.user_ns["bench"] is not SLOTS.reference(ID)
    assert RIGHT.strip() in (my_aisys / f"{ID}.py").read_text()


def test_a_wrong_answer_says_why_the_same_way_every_time(run):
    first = run(EXERCISES[ID].mutants["never concludes"])
    assert first.startswith("no — f 20 % faster, noise 5 %: expected faster='f', came ")
    assert first == run(EXERCISES[ID].mutants["never concludes"]) and first.endswith("(seed 0)")


def test_an_exception_names_the_line(run):
    assert run(HEAD + "    x = 0\n    return 1 / x") == (
        "no — bench raised ZeroDivisionError at line 5 of your cell: division by zero (seed 0)")


def test_a_syntax_error_is_a_line_and_is_not_lost(run, my_aisys):
    run(RIGHT)
    assert run("def bench(f, g:\n    return 1") .startswith("no — line 2 of your cell: ")
    assert RIGHT.strip() in (my_aisys / f"{ID}.py").read_text()
    kept = [p.read_text() for p in (my_aisys / "history").iterdir()]
    assert len(kept) == 1 and "def bench(f, g:" in kept[0]


def test_every_version_is_kept_once(run, my_aisys):
    for text in (RIGHT, HEAD + "    return 1", HEAD + "    return 1", HEAD + "    return 2"):
        run(text)
    assert sorted(p.name for p in (my_aisys / "history").iterdir()) == [
        f"{ID}.0001.py", f"{ID}.0002.py"]


def test_a_blank_takes_no_answer_away(run, my_aisys):
    run(RIGHT)
    before = (my_aisys / f"{ID}.py").read_bytes()
    assert run(HEAD + "    ...").startswith("todo — this cell is blank; your answer in ")
    assert (my_aisys / f"{ID}.py").read_bytes() == before and ID in SLOTS.mine()


def test_dots_that_were_left_in_an_answer_are_named(run, my_aisys):
    left = RIGHT.replace("    for _ in range(warmup)", "    ...\n    for _ in range(warmup)", 1)
    assert left != RIGHT
    said = "todo — a line ... still stands in bench; delete it to be judged"
    assert run(left) == said and run(RIGHT) == "ok"
    assert run(left).startswith(f"{said}; your answer in ") and ID in SLOTS.mine()
    assert run(HEAD + "    ...\n    return lab.Timing(a, b, low, high, faster)") != said


def test_two_notebooks_never_share_a_number(my_aisys, monkeypatch):
    monkeypatch.setattr("pathlib.Path.glob", lambda *args: [])  # neither sees the other's files
    paths = [keep.shelve(ID, data) for data in (b"one", b"two")]
    assert [path.read_bytes() for path in paths] == [b"one", b"two"]


def test_a_cell_without_the_function(run):
    assert run("# def bench(f, g): return 1") == "no — the cell defines no bench."
    assert run("bench = 3").startswith("no — bench is of type int")


def test_helpers_and_other_cells(run):
    run("hidden_value = 3", magic="")
    assert "sees np, lab, its own cell" in run(HEAD + "    return hidden_value")
    run("# HELPER\ndef helper_value(): return 3", magic="")
    assert "came 3" in run(HEAD + "    return helper_value()")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs SIGALRM to press the button")
def test_an_endless_loop_that_is_interrupted(run, my_aisys):
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        assert run(HEAD + "    while True: pass") == (
            "no — interrupted; your cell is kept, and the package's own serves until you run a new "
            "one.")
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert "while True" in (my_aisys / f"{ID}.py").read_text()
    assert ID not in SLOTS.mine()  # the loop does not wait in the slot for the next call
    start = "import aisys_lab as lab\nlab.mine()"  # nor does it run at the next start
    assert "did not finish when it last ran" in run(start, magic="")
    assert "did not finish when it last ran" in run(f"lab.check({ID!r})", magic="")
    assert run(RIGHT) == "ok"


def test_leaving_the_kernel_is_refused(run):
    assert "SystemExit" in run(HEAD + "    raise SystemExit")


def test_an_unwritable_folder(run, my_aisys):
    my_aisys.write_text("a file where the folder should be")
    assert run(RIGHT).startswith("ok — not kept: cannot write in ")


def test_lab_errors_are_one_sentence(run):
    out = run("", magic="%%exercise core.bnch\nx=1")
    assert out.splitlines()[-1].endswith("did you mean: core.bench.") and "Traceback" not in out
    out = run("lab.SLOTS['core.benhc']", magic="import aisys_lab as lab\n")
    assert "LabError: no slot 'core.benhc'" in out and "Traceback" not in out


def test_the_check_sees_the_reference_of_all_other_slots(run):
    SLOTS["nets.count_layer"] = lambda layer, itemsize=4: {}
    run(RIGHT)
    assert SLOTS["nets.count_layer"]({}) == {}  # and the student's rows are back afterwards


def test_a_cell_that_takes_long_says_so(capsys):
    with magic.patience(0.05):
        time.sleep(0.3)
    assert "Kernel > Interrupt" in capsys.readouterr().out
    with magic.patience(5):
        pass
    assert not capsys.readouterr().out
