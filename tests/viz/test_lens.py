"""The stack lens: each text is what the package makes, and the captured code belongs to it."""

import platform
from importlib.metadata import version

import pytest

import aisys_lab as lab
from aisys_lab.viz import capture, lens


@pytest.mark.parametrize("layer", list(lens.LENS))
def test_captured_code_belongs_to_these_loops(layer):
    stored = lens.captured()["layers"][layer]["loops"]
    assert stored == lens.digest(lens.LENS[layer]), "stale: run python -m aisys_lab.viz.capture"


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"),
                    reason="the captured target is x86-64; this machine cannot compile for it")
def test_a_fresh_capture_is_the_same():
    if lens.captured()["numba"] != version("numba"):
        pytest.skip(f"captured with Numba {lens.captured()['numba']}, not {version('numba')}")
    assert capture.fresh() == lens.captured()


def test_hot_loop_of_the_linear_layer_is_the_blocked_kernel():
    lines = lens.machine_text(lens.LENS["linear"])
    assert sum(line.startswith("vfmadd") for line in lines) == 4  # four rows of out at a time
    assert sum("(%rdi" in line or ",%rdi,4)" in line for line in lines) == 9


def test_counters_of_the_linear_layer_by_hand():
    text = lens.counter_text(lens.LENS["linear"])
    assert text[-1].split()[:4] == ["total", "528", "384", "57.9"]
    assert 2 * 32 * 64 * 128 + 32 * 128 == 528384


def test_a_new_layer_is_a_row():
    with lab.attempt():
        lab.viz.lens.LENS["double"] = lens.Lens(double, ((4,),), "vmul")
        assert "return x + x" in lens.compute("double", "python")["text"][-1]
        assert "1 node" in lens.compute("double", "graph")["said"]
        assert "not captured" in lens.compute("double", "machine")["text"][0]


def double(x):
    """Twice x."""
    return x + x
