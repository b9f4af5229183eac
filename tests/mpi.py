"""Whether MPI is here, and what processes a test has left behind."""

import os
import time
import uuid
from pathlib import Path

import pytest

from aisys_lab.core import LabError
from aisys_lab.distributed import mpiexec


def missing():
    """Why MPI tests cannot run; empty where they can, and in CI, where they must."""
    try:
        mpiexec()
    except LabError as error:
        return "" if os.environ.get("CI") else str(error)
    return ""


needs_mpi = pytest.mark.skipif(bool(missing()), reason=missing() or "MPI is here")


def marked(monkeypatch):
    """A word in the environment of this test's processes, to find them by."""
    word = f"AISYS_TEST_WORD={uuid.uuid4().hex}"
    monkeypatch.setenv(*word.split("="))
    return word.encode()


def running(word):
    """Living processes that carry the word (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and word in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(word, seconds=10):
    """True once no such process is left."""
    deadline = time.monotonic() + seconds
    while running(word) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not running(word)
