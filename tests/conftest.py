"""What all tests share: the length of property tests, an empty student's folder, goldens."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "agg")
settings.register_profile("course", deadline=None, max_examples=60, print_blob=True)
settings.load_profile("course")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden texts anew")


def pytest_collection_modifyitems(items):
    """``make fuzz N=1000`` gives every property test N examples, whatever it asks for itself."""
    for item in items if os.environ.get("AISYS_FUZZ") else ():
        mine = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if mine:
            item.obj._hypothesis_internal_use_settings = settings(
                mine, max_examples=int(os.environ["AISYS_FUZZ"]))


def pytest_terminal_summary(terminalreporter):
    """What became of torch's samples, op by op: one table from all processes of pytest."""
    lines = [value for reports in terminalreporter.stats.values() for report in reports
             for name, value in getattr(report, "user_properties", ())
             if name == "opinfo" and report.when == "call"]
    if lines:
        from autodiff.opinfo import table
        terminalreporter.section("our operations on torch's samples")
        terminalreporter.write("\n".join(table(lines)) + "\n")


@pytest.fixture(autouse=True)
def empty_home(tmp_path_factory, monkeypatch):
    """Every test is a student without answers; no test touches ``my_aisys/``."""
    monkeypatch.setenv("AISYS_HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(scope="session")
def digits():
    import aisys_lab as lab
    return lab.datasets.digits()


@pytest.fixture(scope="session")
def mlp(digits):
    """A trained MLP, once for all tests."""
    import aisys_lab as lab
    return lab.fit(lab.models.MLP([64, 32, 10]), digits[0], seed=0, epochs=10)


@pytest.fixture
def golden(request):
    """``golden(name, text)``: the text equals ``golden/<name>.txt`` beside the test."""

    def compare(name, text):
        path = Path(request.path).parent / "golden" / f"{name}.txt"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{text}\n", encoding="utf-8")
        assert path.exists(), f"no golden text {path}; write it with --update-golden and read it"
        assert f"{text}\n" == path.read_text(encoding="utf-8")

    return compare
