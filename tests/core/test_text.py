"""Units and columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core.text import count, listing, si, table


@pytest.mark.parametrize("value, unit, text", [
    (12.6e6, "B", "12.6 MB"), (312e12, "FLOP/s", "312 TFLOP/s"), (0, "B", "0 B"),
    (999.6, "B", "1.00 kB"), (1e3, "", "1.00 k"), (-2500, "B", "-2.50 kB"),
    (1.5e-6, "s", "1.50 µs"), (float("inf"), "B", "inf B"), (float("nan"), "", "nan"),
    (1, "s", "1.00 s"), (3e18, "B", "3000 PB"), (0.9e-12, "J", "0.90 pJ"), (99.96, "", "100"),
])
def test_si(value, unit, text):
    assert si(value, unit) == text


@given(st.floats(1e-8, 1e17))
def test_si_is_within_half_a_digit(value):
    number, _, prefix = si(value).partition(" ")
    scale = {"P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1, "m": 1e-3, "µ": 1e-6,
             "n": 1e-9}[prefix]
    assert abs(float(number) * scale - value) <= 0.0051 * value


def test_count_and_listing():
    assert count(25557032) == "25 557 032" and count(-1234) == "-1 234" and count(0) == "0"
    assert listing("abc") == "a, b and c" and listing("a") == "a" and listing([]) == "none"
    assert listing("ab", "or") == "a or b"


def test_table_puts_numbers_right_and_words_left():
    assert table([("conv", 12, "3.5 MB"), ("fc", 7, "12 kB")], ["op", "n", "bytes"]) == (
        "op     n   bytes\n"
        "----------------\n"
        "conv  12  3.5 MB\n"
        "fc     7   12 kB")
    assert table([]) == "" and table([("a", "b")]) == "a  b"
    assert table([("a", 1)], align="rl") == "a  1"
