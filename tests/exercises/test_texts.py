"""The text of an answer: the part that is counted, and the fence around it."""

import functools

import pytest

from aisys_lab.core import SLOTS, attempt
from aisys_lab.exercises import EXERCISES, magic
from aisys_lab.exercises.convolving import LIBRARY
from aisys_lab.exercises.texts import fenced, needed, serving
from aisys_lab.grading.cell import Cell
from aisys_lab.grading.solutions import solution

TEXT = """import math
from numba import njit

SIZE, OTHER = 4, 5

def unused():
    return open("x")

@njit
def inner(x):
    return x * SIZE

def f(x):
    return inner(x) + helped(x)
"""
HELPER = """# HELPER
def helped(x):
    return x

def inner(x):
    return None
"""


def answer(text, *helpers):
    @functools.wraps(answer)
    def found():
        pass
    found.cell = Cell("kernels.f", text, helpers)
    return found


def test_what_a_function_needs_stays_on_its_lines():
    lines = needed(answer(TEXT, HELPER), "f").split("\n")
    cell = ["", *TEXT.splitlines()]
    for number, line in enumerate(cell):
        unwanted = line.startswith(("import", "from", "@", "def unused")) or "open" in line
        assert lines[number] == ("" if unwanted else line)
    helped = lines.index("def helped(x):")
    assert helped > len(cell) and "    return None" not in lines


def test_a_function_that_is_not_there_needs_nothing():
    assert not needed(answer(TEXT), "g").strip()


def test_the_package_s_own_row_has_the_text_of_its_module():
    row = EXERCISES["kernels.microkernel"]
    text = serving(row.id)
    assert "def microkernel" in text and "slot" not in text and "import" not in text
    with attempt():
        magic.SESSION[row.id] = Cell(row.id, "def microkernel(a, b, out):\n    pass")
        SLOTS[row.id] = print
        assert serving(row.id).strip() == "def microkernel(a, b, out):\n    pass"


@pytest.mark.parametrize(("text", "sentence"), [
    ("from scipy.signal import correlate", "line 2 of your cell: an import of correlate is not"),
    ("import torch", "an import of torch is not allowed here; there are numpy, math"),
    ("import aisys_lab", "an import of aisys_lab is not"),
    ("import aisys_lab as own", "an import of aisys_lab is not"),
    ("from aisys_lab.kernels import conv2d", "an import of conv2d is not"),
    ("from numpy import convolve as c", "convolve is a ready-made convolution; write your own"),
    ("\nnp.convolve(x, y)", "line 3 of your cell: convolve is a ready-made"),
    ("lab.kernels.conv2d(x)", "conv2d is a ready-made"), ("x = lab", "lab serves here for lab.k"),
    ("lab.OPS['conv']", "lab serves here for"), ("np.__dict__", "__dict__ is not allowed here"),
    ("getattr(np, 'con' + 'volve')", "getattr is not allowed here")])
def test_what_is_ready_made_is_refused(text, sentence):
    (case,) = fenced(answer(text), *LIBRARY)
    assert not case.ok and sentence in case.message


def test_solutions_and_what_they_may_use_pass():
    for row in EXERCISES.values():
        if row.lab == "IV.5":
            assert not list(fenced(answer(solution(row).text), *LIBRARY))
