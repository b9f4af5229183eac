"""A student's folder of its own for every test."""

import pytest


@pytest.fixture(autouse=True)
def my_aisys(tmp_path, monkeypatch):
    from aisys_lab.core import attempt
    from aisys_lab.exercises.magic import SESSION
    monkeypatch.setenv("AISYS_HOME", str(tmp_path / "my_aisys"))
    SESSION.clear()
    with attempt():
        yield tmp_path / "my_aisys"
    SESSION.clear()
