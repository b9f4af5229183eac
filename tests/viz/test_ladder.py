"""The ladder of the matrix product and its rungs under the roof; hot loops as pictures."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.chips import Cache, Rung, Rungs, count_kernel, count_rungs
from aisys_lab.kernels.assembly import X86, Loop
from aisys_lab.kernels.hotloop import HotLoop
from aisys_lab.viz import ladder
from aisys_lab.viz.measured import operands, stored


def test_columns_are_what_is_counted():
    data = lab.figure("gemm_ladder", n=16).data
    assert data["names"] == list(lab.kernels.KERNELS["matmul"])
    count = count_kernel("matmul", "naive", *operands(16, "f"), caches=ladder.CACHES)
    assert data["loads"][0] == count.loads_per_fma == 2
    assert data["misses"][0][0] == 1000 * count.traffic["L1"].misses / 16**3
    assert data["rate"][-1] == stored()["rates"]["f32"]["512"]["packed"]


def test_the_ladder_climbs():
    """From the definition to the best: fewer loads, fewer misses in the first cache, faster."""
    data = lab.figure("gemm_ladder", n=64).data
    assert data["loads"][-1] < data["loads"][0] / 4
    assert data["misses"][0][-1] < data["misses"][0][0] / 10
    assert data["rate"][0] < data["rate"][-1] < data["peak"]
    assert "from naive to packed" in repr(lab.figure("gemm_ladder"))


def test_rungs_stay_under_the_roof():
    for n in lab.FIGURES["rungs_on_the_roofline"].grid["n"]:
        data = lab.figure("rungs_on_the_roofline", n=n).data
        assert (data["rate"] < data["roof"]).all()
        assert (data["roof"] <= data["peak"]).all()
        assert (data["intensity"] > 0).all()


def test_stored_rates_name_their_machine_and_every_rung():
    known = stored()
    assert known["machine"]
    assert set(known["caches"]) == {"L1", "L2", "L3"}
    for rates in known["rates"].values():
        for row in rates.values():
            assert list(row) == list(lab.kernels.KERNELS["matmul"])


def test_rungs_print_and_draw(golden):
    rungs = count_rungs("matmul", *operands(16, "f"), caches=[Cache(1024, 2), Cache(8192, 4)])
    golden("rungs", str(rungs))
    picture = lab.show(rungs)
    assert "loads a multiply-add go from 2.00" in picture.alt and "Measured" not in picture.alt
    measured = Rungs(rungs.op, rungs.shapes, tuple(Rung(rung.name, rung.count, 1e9 * (i + 1))
                                                   for i, rung in enumerate(rungs)))
    assert "measured" in str(measured)
    assert "Measured on one thread of this machine: from 1.00 Gop/s" in lab.show(measured).alt


def test_measured_rungs_have_rates():
    from aisys_lab.chips.rungs import measure_rungs
    rungs = measure_rungs("matmul", *operands(8, "f"), caches=[Cache(1024, 2)])
    assert all(1e3 < rung.rate < 1e12 for rung in rungs)


def test_multiply_adds_stand_out():
    lines = ("vmovups (%rax), %ymm0", "vfmadd231ps %ymm0, %ymm1, %ymm2", "jne .L1")
    picture = lab.show(HotLoop("packed.blocks", Loop(X86, ".L1", lines)))
    assert picture.alt.startswith("hot loop of packed.blocks, x86-64, 256 bits wide: 3 instruct")
    marked = [line for line in picture.svg.split("<text") if "f-accent" in line]
    assert len(marked) == 1 and "vfmadd231ps" in marked[0]
    long = lab.show(HotLoop("f", Loop(X86, ".L1", lines * 40)))
    assert "… 60 more" in long.svg
    assert all(len(words.split("<")[0]) <= 68 for words in long.svg.split(" font-size='11'>")[1:])


@pytest.mark.parametrize("name", ["gemm_ladder", "rungs_on_the_roofline"])
def test_numbers_of_a_frame_are_finite(name):
    data = lab.figure(name).data
    for value in data.values():
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all()
