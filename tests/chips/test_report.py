"""Estimates of graphs and of layer counts; comparisons of chips."""

from dataclasses import dataclass

import pytest

from aisys_lab.chips import CHIPS, compare, estimate, roofline
from aisys_lab.core import LabError
from aisys_lab.ir import parse, work

GRAPH = parse("""graph layer
  input x : f32[64,784]
  input w : f32[784,128]
  input b : f32[128]
  p       : f32[64,128] = matmul(x, w)
  s       : f32[64,128] = add(p, b)
  h       : f32[64,128] = tanh(s)
  output h""")


@dataclass(frozen=True)
class Row:
    name: str
    kind: str
    flops: float
    bytes: float


ROWS = [Row("big", "linear", 4e12, 1e9), Row("thin", "norm", 1e9, 4e9), Row("cat", "concat", 0, 8)]


def test_rows_of_a_graph_are_the_roofline_of_its_work():
    report = estimate(GRAPH, "a100-sxm-80")
    for row, done in zip(report, work(GRAPH), strict=True):
        assert (row.name, row.op, row.flops, row.bytes) == (done.name, done.op, done.flops,
                                                            done.bytes)
        assert (row.time, row.bound) == roofline(row.flops, row.bytes, "a100-sxm-80", "f32")
    assert report.time == pytest.approx(sum(row.time for row in report))
    assert report.flops >= 2 * 64 * 784 * 128
    assert sum(report.shares.values()) == pytest.approx(1)


def test_another_format_halves_bytes_and_takes_its_peak():
    full, half = (estimate(GRAPH, "a100-sxm-80", dtype) for dtype in ("f32", "f16"))
    assert half.bytes == full.bytes / 2
    assert half.flops == full.flops
    assert estimate(GRAPH, "a100-sxm-80", "fp16").rows == half.rows


def test_layer_counts():
    report = estimate(ROWS, "a100-sxm-80", dtype="f16")
    assert [row.bound for row in report] == ["compute", "memory", "memory"]
    assert report.rows[0].time == pytest.approx(4e12 / 312e12)
    assert report.rows[1].time == pytest.approx(4e9 / 2039e9)
    assert report.bound == "compute" and report.rows[0].op == "linear"


def test_networks():
    from aisys_lab.ir.layers import Layer
    from aisys_lab.ir.network import Network
    linear = Layer("linear", "fc", (8, 512), {"out": 1000, "bias": True})
    report = estimate(Network("one", (linear,)), "tpu-v4", dtype="bf16")
    assert report.name == "one" and report.flops == 2 * 8 * 512 * 1000
    assert report.bytes == 2 * (8 * 512 + 8 * 1000 + 513 * 1000)


def test_launch_overhead():
    chip = CHIPS["a100-sxm-80"].but(launch_overhead_s=1e-3)
    report, bare = estimate(ROWS, chip), estimate(ROWS, "a100-sxm-80")
    assert report.time == pytest.approx(bare.time + 3e-3)
    assert [row.bound for row in report] == ["compute", "memory", "overhead"]
    assert "launch overhead unknown: counted as 0" in bare.notes and not report.notes


def test_borrowed_rates_are_said():
    assert any("f32 at the bf16 rate" in note for note in estimate(GRAPH, "tpu-v4").notes)
    assert not any("rate" in note for note in estimate(GRAPH, "a100-sxm-80").notes)


def test_compare():
    comparison = compare(GRAPH, ["a100-sxm-80", "tpu-v4", "ascend-910", "tpu-v1", "gc200"])
    assert [report.chip.id for report in comparison] == ["a100-sxm-80", "tpu-v4", "ascend-910"]
    assert [slug for slug, _ in comparison.missing] == ["tpu-v1", "gc200"]
    assert comparison["tpu-v4"].time == estimate(GRAPH, "tpu-v4").time
    with pytest.raises(LabError, match="no report on 'tpu-v1'"):
        comparison["tpu-v1"]
    with pytest.raises(LabError, match="its card has: i8"):
        compare(GRAPH, ["tpu-v1"])


def test_text(golden):
    golden("estimate_graph", estimate(GRAPH, "tpu-v4"))
    rows = [Row(f"layer{i}", "conv", 10**(i + 4), 10**(i % 5 + 3)) for i in range(12)]
    report = estimate(rows, "a100-sxm-80", "f16")
    assert len(str(report).splitlines()) <= 15
    golden("estimate_counts", report)
    golden("compare", compare(GRAPH, ["a100-sxm-80", "tpu-v4", "ascend-910", "tpu-v1"]))


def test_empty_work():
    assert estimate([], "a100-sxm-80").time == 0
    assert "bound by: nothing" in str(estimate([], "a100-sxm-80"))


def test_bad_input():
    for source in (3, ["x"], object()):
        with pytest.raises(LabError, match="has no counts; give a graph"):
            estimate(source, "a100-sxm-80")
    with pytest.raises(LabError, match="no chip 'h101' in CHIPS; did you mean"):
        estimate(GRAPH, "h101")
    with pytest.raises(LabError, match="no dtype 'fp17'"):
        estimate(GRAPH, "a100-sxm-80", dtype="fp17")
    with pytest.raises(LabError, match="tpu-v4 has no rate for f64"):
        estimate(GRAPH, "tpu-v4", dtype="f64")
    named = parse(str(GRAPH).replace("64", "N"))
    with pytest.raises(LabError, match="give axis N a number"):
        estimate(named, "a100-sxm-80")
    assert estimate(named.at(N=64), "a100-sxm-80").time == estimate(GRAPH, "a100-sxm-80").time
