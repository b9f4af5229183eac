"""The cards: schema, every rate recomputed from its structure, blanks unknown and not zero."""

import pytest

from aisys_lab.chips import CHIPS, FORMATS, audit, card, sources
from aisys_lab.chips.card import TOLERANCE, Chip, Rate
from aisys_lab.chips.cards import HOST
from aisys_lab.core import LabError, attempt

CARDS = {slug: chip for slug, chip in CHIPS.items() if slug != HOST}
RATES = [(slug, what, rate) for slug, chip in CARDS.items()
         for what, rate in (*chip.peaks.items(), ("memory", chip.memory), ("link", chip.link))]
DERIVED = [(slug, what, rate) for slug, what, rate in RATES if rate.error is not None]


def test_all_chips_are_there():
    assert len(CARDS) == 64
    assert len({chip.vendor for chip in CARDS.values()}) == 18


@pytest.mark.parametrize("chip", CARDS.values(), ids=lambda chip: chip.id)
def test_schema(chip):
    assert CHIPS[chip.id] is chip and chip.name and chip.vendor
    assert chip.region in {"US", "CN", "UK"} and chip.confidence in {"A", "B", "C"}
    assert chip.kind in {"GPU", "GPU+CPU", "TPU", "NPU", "IPU", "wafer", "CPU"}
    assert chip.sources and all(map(sources, chip.sources))
    assert set(chip.peaks) <= set(FORMATS)
    assert chip.launch_overhead_s is None
    numbers = (chip.year, chip.transistors, chip.die_mm2, chip.units, chip.clock_MHz,
               chip.power_W, chip.memory_bytes)
    assert all(number is None or number > 0 for number in numbers)


@pytest.mark.parametrize(("slug", "what", "rate"), RATES,
                         ids=[f"{slug} {what}" for slug, what, _ in RATES])
def test_rate(slug, what, rate):
    """A rate is above zero or unknown; each source is known; a refuted claim says why."""
    assert rate.value is None or rate.value > 0
    assert not rate.source or sources(rate.source)
    assert all(sources(claim.source) for claim in rate.also if claim.source)
    assert all(claim.why for claim in rate.also if claim.wrong)


@pytest.mark.parametrize(("slug", "what", "rate"), DERIVED,
                         ids=[f"{slug} {what}" for slug, what, _ in DERIVED])
def test_structure_reproduces_the_stated_rate(slug, what, rate):
    assert rate.count * rate.each * rate.clock == pytest.approx(rate.stated, rel=TOLERANCE)
    assert rate.status == "derived"


def test_how_much_is_recomputed():
    assert len(DERIVED) >= 75
    assert len({slug for slug, _, _ in DERIVED}) >= 28


# Figures of publications, not of our files: units, operations, clock, and what the vendor says.
PUBLISHED = [
    ("a100-sxm-80", "f16", 432 * 512 * 1.41e9, 312e12), ("a100-sxm-80", "i8", None, 624e12),
    ("h100-sxm", "f16", 528 * 1024 * 1.83e9, 989.4e12), ("tpu-v1", "i8", 65536 * 2 * 700e6, 92e12),
    ("v100-sxm2", "f16", 640 * 128 * 1.53e9, 125e12), ("t4", "i8", 320 * 256 * 1.59e9, 130e12),
    ("p100-sxm2", "f32", 3584 * 2 * 1.48e9, 10.6e12), ("tpu-v2", "bf16", 45.9e12, 46e12),
    ("tpu-v4", "bf16", 8 * 16384 * 2 * 1.05e9, 275e12), ("ascend-910", "f16", None, 256e12),
    ("tpu-v3", "bf16", 4 * 16384 * 2 * 0.94e9, 123e12), ("dojo-d1", "bf16", 362.5e12, 362e12),
    ("br100", "bf16", None, 1024e12), ("mtt-s4000", "f32", None, 25e12),
]


@pytest.mark.parametrize(("slug", "dtype", "derived", "stated"), PUBLISHED)
def test_published_peaks(slug, dtype, derived, stated):
    assert CHIPS[slug].peak(dtype) == pytest.approx(stated, rel=TOLERANCE)
    if derived is None:
        assert CHIPS[slug].peaks[dtype].status == "stated" or CHIPS[slug].peaks[dtype].derived
    else:
        assert CHIPS[slug].peaks[dtype].derived == pytest.approx(derived, rel=1e-3)


@pytest.mark.parametrize(("slug", "bandwidth", "link"), [
    ("a100-sxm-40", 1555e9, 600e9), ("h100-sxm", 3350e9, 900e9), ("v100-sxm2", 900e9, 300e9),
    ("p100-sxm2", 732e9, 160e9), ("b200-sxm", 8000e9, 1800e9), ("mlu290-m5", 1228e9, 600e9)])
def test_published_bandwidths(slug, bandwidth, link):
    assert CHIPS[slug].bandwidth == bandwidth
    assert CHIPS[slug].link.value == link


def test_blanks_are_unknown():
    assert CHIPS["enflame-dtu-2"].peaks == {}
    assert CHIPS["tpu-v7x"].memory == Rate()
    assert CHIPS["b200-sxm"].units is None and CHIPS["h100-sxm"].die_mm2 is None
    with pytest.raises(LabError, match="bandwidth of tpu-v7x is unknown"):
        _ = CHIPS["tpu-v7x"].bandwidth
    with pytest.raises(LabError, match="no rate for f32; its card has: none"):
        CHIPS["eyeriss-v2"].peak("f32")
    assert CHIPS["tpu-v7x"].but(bandwidth=7e12).bandwidth == 7e12


def test_one_rate_serves_another_only_by_the_rule():
    assert CHIPS["tpu-v4"].serves("f32") == "bf16"
    assert CHIPS["a100-sxm-80"].serves("float32") == "f32"
    assert CHIPS["v100-sxm2"].serves("bf16") == "f16"
    with pytest.raises(LabError, match="no rate for f64; its card has: bf16 and i8"):
        CHIPS["tpu-v4"].peak("f64")
    with pytest.raises(LabError, match="not known to be dense"):
        CHIPS["wse-3"].peak("f16")


@pytest.mark.parametrize("name", ["f32", "fp32", "float32", "FP32"])
def test_names_of_formats(name):
    assert CHIPS["a100-sxm-80"].peak(name) == 19.5e12


def test_unknown_names_are_sentences():
    with pytest.raises(LabError, match="did you mean: a100-sxm-40, a100-sxm-80, a100-pcie-80"):
        CHIPS["a100"]
    with pytest.raises(LabError, match="no dtype 'f17'"):
        CHIPS["a100-sxm-80"].peak("f17")
    with pytest.raises(LabError, match="a chip is a name"):
        card(3)
    with pytest.raises(LabError, match="no source 'S99'"):
        sources("S99")


def test_but():
    chip = CHIPS["a100-sxm-80"]
    slow = chip.but(clock_MHz=705)
    assert slow.id == "a100-sxm-80*" and CHIPS["a100-sxm-80"] is chip
    assert all(slow.peak(dtype) == chip.peak(dtype) / 2 for dtype in chip.peaks)
    assert slow.peaks["f16"].status == "derived" and slow.bandwidth == chip.bandwidth
    assert chip.but(units=54, bandwidth=1e12).ridge("f16") == pytest.approx(156)
    assert chip.but(peaks={"f16": 1e12}).peak("f16") == 1e12
    for wrong, sentence in ({"clock_MHz": 0}, "above zero"), ({"colour": 1}, "no 'colour'"):
        with pytest.raises(LabError, match=sentence):
            chip.but(**wrong)
    with pytest.raises(LabError, match="clock_MHz is unknown"):
        CHIPS["tpu-v5p"].but(clock_MHz=1000)


def test_a_card_of_ones_own():
    with attempt():
        CHIPS["mine"] = Chip("mine", "Mine", peaks={"f32": Rate(1e12)}, memory=Rate(1e11))
        assert CHIPS["mine"].ridge() == 10
    assert "mine" not in CHIPS


@pytest.mark.parametrize("chip", CARDS.values(), ids=lambda chip: chip.id)
def test_text(chip):
    lines = str(chip).splitlines()
    assert lines[0].startswith(f"{chip.id}: ") and len(lines) <= 15
    assert all(line == line.rstrip() for line in lines)
    assert all(any(dtype in line.split() for line in lines) for dtype in chip.peaks)


@pytest.mark.parametrize("slug", ["a100-sxm-80", "tpu-v4", "ascend-910", "mlu370-x8", "m40"])
def test_golden_text(slug, golden):
    golden(slug, CHIPS[slug])


def test_golden_audit(golden):
    golden("audit", audit())


# ---- the auditor

def test_audit_names_what_does_not_add_up():
    amiss = {(f.chip, f.what.split()[0]) for f in audit()}
    assert {("m40", "f64"), ("tpu-v1", "memory"), ("br100", "link"), ("mlu370-x8", "f32"),
            ("wse-3", "f16"), ("l40", "f16"), ("ascend-910b", "f16")} <= amiss
    assert not any(chip == "a100-sxm-80" for chip, _ in amiss)
    assert CHIPS["br100"].link.status == CHIPS["mlu370-x8"].peaks["f32"].status == "disputed"


@pytest.mark.parametrize("factor", [2, 1000, 0.5, 1.04, 0.96])
def test_audit_finds_a_doctored_rate(factor):
    chip = CHIPS["a100-sxm-80"]
    rate = chip.peaks["f16"]
    bad = chip.but(peaks={"f16": Rate(rate.stated * factor, rate.count, rate.each, rate.clock)})
    assert [f.what for f in audit(bad).faults] == ["f16"]
    assert bad.peaks["f16"].status == "disputed"
    assert "structure gives 312 TFLOP/s" in str(audit(bad))
    assert audit(chip).faults == ()
