"""The roofline: continuous, monotone, flat right of the ridge; and that a student's is used."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.chips import CHIPS, attainable, estimate, roofline
from aisys_lab.core import SLOTS, LabError, attempt

IDS = ["a100-sxm-80", "tpu-v4", "ascend-910", "v100-sxm2", "h100-sxm", "tpu-v1"]
chips = st.sampled_from([(CHIPS[slug], dtype) for slug in IDS for dtype in CHIPS[slug].peaks])
work = st.floats(1, 1e15)


@pytest.mark.parametrize(("slug", "dtype", "ridge"), [
    ("a100-sxm-40", "f16", 312e12 / 1555e9), ("v100-sxm2", "f16", 125e12 / 900e9),
    ("tpu-v4", "bf16", 275e12 / 1200e9), ("tpu-v1", "i8", 92e12 / 34e9),
    ("h100-sxm", "f8", 1979e12 / 3350e9)])
def test_published_ridges(slug, dtype, ridge):
    assert CHIPS[slug].ridge(dtype) == pytest.approx(ridge)


@given(chips, st.floats(1e-3, 1e5))
def test_peak_right_of_the_ridge_and_slope_left_of_it(chip, intensity):
    chip, dtype = chip
    reached = attainable(intensity, chip, dtype)
    if intensity >= chip.ridge(dtype):
        assert reached == pytest.approx(chip.peak(dtype))
    else:
        assert reached == pytest.approx(intensity * chip.bandwidth)


@given(chips)
def test_continuous_at_the_ridge(chip):
    chip, dtype = chip
    ridge = chip.ridge(dtype)
    below, above = (attainable(ridge * (1 + step), chip, dtype) for step in (-1e-9, 1e-9))
    assert below == pytest.approx(above, rel=1e-8)


@given(chips, work, work, st.floats(1, 1e3))
def test_monotone(chip, flops, moved, more):
    chip, dtype = chip
    seconds, bound = roofline(flops, moved, chip, dtype)
    assert roofline(flops * more, moved, chip, dtype)[0] >= seconds
    assert roofline(flops, moved * more, chip, dtype)[0] >= seconds
    wider = chip.but(bandwidth=chip.bandwidth * more)
    assert roofline(flops, moved, wider, dtype)[0] <= seconds
    both = flops / chip.peak(dtype), moved / chip.bandwidth
    assert seconds == pytest.approx(max(both))
    assert math.isclose(*both) or bound == ("compute" if both[0] > both[1] else "memory")


def test_names_and_bad_input():
    chip = CHIPS["a100-sxm-80"]
    assert roofline(1e9, 1e6, "a100-sxm-80", "f16") == roofline(1e9, 1e6, chip, "f16")
    assert roofline(0, 0, chip) == (0, "memory")
    for work, sentence in ((-1, 1), "negative"), ((1, -1), "negative"):
        with pytest.raises(LabError, match=sentence):
            roofline(*work, chip)
    with pytest.raises(LabError, match="did you mean"):
        roofline(1, 1, "a100-sxm")
    with pytest.raises(LabError, match="no rate for f64"):
        roofline(1, 1, "tpu-v4", "f64")


def test_estimates_go_through_the_slot():
    row = type("Row", (), {"name": "a", "kind": "linear", "flops": 1e9, "bytes": 1e6})
    with attempt():
        SLOTS["chips.roofline"] = lambda flops, moved, chip, dtype: (42.0, "compute")
        assert estimate([row], "a100-sxm-80").time == 42
    assert estimate([row], "a100-sxm-80").time == roofline(1e9, 1e6, "a100-sxm-80")[0]
