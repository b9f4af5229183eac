"""This machine's card: its form, orders that must hold, loops that do what they are counted for.

Seconds are never asserted."""

import numpy as np
import pytest

import aisys_lab.chips.host as host
from aisys_lab.chips import CHIPS, card, compare, estimate, measure_card
from aisys_lab.core import LabError
from aisys_lab.kernels.meter import CHAIN_FLOPS, chains, read, triad


@pytest.fixture(scope="module")
def mine():
    return measure_card()


def test_card(mine):
    assert mine is measure_card() is CHIPS["this-machine"] is card("host") is card("this machine")
    assert mine.id == "this-machine" and mine.name and mine.kind == "CPU"
    assert mine.units == host.count_threads() >= 1
    assert {"f32", "f64"} == set(mine.peaks)
    assert all(rate.status == "measured" for rate in (*mine.peaks.values(), mine.memory))
    assert [level.name for level in mine.levels] == ["L1", "L2", "L3"]
    assert mine.launch_overhead_s > 0
    assert len(str(mine).splitlines()) <= 15


def test_orders_that_must_hold(mine):
    one = {dtype: mine.reach[f"one thread {dtype}"] for dtype in mine.peaks}
    for dtype, peak in one.items():
        assert mine.peak(dtype) >= 0.8 * peak
        assert mine.reach[f"numpy matmul {dtype}"] <= 1.5 * mine.peak(dtype)
    assert one["f32"] >= 0.8 * one["f64"]
    assert all(level.bandwidth >= 0.8 * mine.bandwidth for level in mine.levels[:2])
    assert 1e8 < one["f64"] < 1e12  # a core: more than a loop without vectors, less than any core
    assert mine.ridge("f32") > 0.1


def test_it_is_a_row_of_every_table(mine):
    rows = [type("Row", (), {"name": "a", "kind": "linear", "flops": 1e9, "bytes": 1e6})]
    assert estimate(rows, "this machine").time > 0
    assert compare(rows).reports[0].chip is mine


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_chains_does_what_it_is_counted_for(kind):
    """Sixteen multiply-adds an element and pass: x -> x + 16 where a = b = 1."""
    x = np.zeros((4, 37), kind)
    chains(x, kind(1), kind(1), 3)
    assert (x == 3 * CHAIN_FLOPS // 2).all()


def test_triad_and_read_do_what_they_are_counted_for():
    b, c, out = np.arange(100.0), np.ones(100), np.zeros(100)
    triad(out, b, c, 3.0, 1)
    assert (out == b + 3).all()
    assert read(np.arange(100), 7) == 7 * 4950


def test_best_throws_the_first_run_away_and_takes_the_fastest(monkeypatch):
    clock = {"now": 0.0, "runs": 0}
    slow = iter([5.0, 1.0, 1.0, 1.0, 1.3, 1.0, 1.5] + [1.2] * 1000)  # the first one compiles

    def run(passes):
        clock["runs"] += 1
        clock["now"] += passes * 1e-3 * next(slow)

    monkeypatch.setattr(host.time, "perf_counter", lambda: clock["now"])
    assert host.best(run) == pytest.approx(1000)
    assert clock["runs"] > 5


def test_a_loop_that_computes_wrong_is_a_sentence():
    with pytest.raises(LabError, match="the triad loop computed a wrong result"):
        host._check(False, "triad")


def test_what_the_machine_says(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("processor: 0\nmodel name\t: A Chip @ 2 GHz\n")
    assert host.cpu_name(tmp_path / "cpuinfo") == "A Chip @ 2 GHz"
    monkeypatch.setattr(host.platform, "processor", lambda: "")
    monkeypatch.setattr(host.platform, "machine", lambda: "arm64")
    assert host.cpu_name(tmp_path / "none") == "arm64"
    assert host.cache_sizes(tmp_path) == host.CACHES
    for level, kind, size in (1, "Data", "48K"), (1, "Instruction", "32K"), (2, "Unified", "2M"):
        folder = tmp_path / f"index{level}{kind}"
        folder.mkdir()
        for name, value in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{value}\n")
    assert host.cache_sizes(tmp_path) == {"L1": 48 << 10, "L2": 2 << 20, "L3": host.CACHES["L3"]}


def test_aligned():
    x = host.aligned(100, np.float32)
    assert x.shape == (100,) and x.ctypes.data % 64 == 0 and not x.any()
