"""Races of calls: what they print and draw, that threads rest meanwhile, and their sentences."""

import re
from itertools import groupby

import numba
import pytest
import threadpoolctl

import aisys_lab as lab
from aisys_lab.chips.rates import Rates, alone, race

GIVEN = Rates("a product", 2e6, {"slow": 2e-3, "numpy": 1e-4, "winograd": 1e-5}, 4e10)


def test_text_is_a_table():
    assert str(GIVEN) == """\
a product: 2.00 Mop a call, one thread, peak 40.0 Gop/s
           a call        rate  of peak
--------------------------------------
slow      2.00 ms  1.00 Gop/s     2.5%
numpy      100 µs  20.0 Gop/s      50%
winograd  10.0 µs   200 Gop/s     500%"""
    assert repr(GIVEN) == str(GIVEN)


def test_the_best_and_its_rate():
    assert GIVEN.best == "winograd"
    assert GIVEN.rate("numpy") == pytest.approx(2e10)


def test_a_picture_has_a_bar_a_call_and_ends_at_the_longest():
    picture = lab.show(GIVEN)
    assert "winograd 200 Gop/s, 500%" in picture.alt
    bars = [float(wide) for wide in re.findall(r"<rect [^>]*width='([\d.]+)'", picture.svg)]
    assert len(bars) == 3
    assert bars[1] / bars[2] == pytest.approx(0.1, rel=0.01)


def test_no_dash_of_the_peak_runs_through_a_bar_or_its_words():
    svg = lab.show(GIVEN).svg
    tops = [float(y) for y in re.findall(r"<rect [^>]*y='([\d.]+)'", svg)]
    dashes = [list(map(float, ends)) for ends in re.findall(
        r"points='[\d.]+,([\d.]+) [\d.]+,([\d.]+)'", svg)]
    assert len(dashes) == len(tops) + 1
    assert all(end <= top or start >= top + 16 for start, end in dashes for top in tops)


def test_a_race_takes_turns_and_the_faster_wins():
    turns = []

    def call(name, size):
        turns.append(name)
        sum(range(size))

    rates = race("sums", 1.0, {"long": lambda: call("long", 2_000_000),
                               "short": lambda: call("short", 400_000)}, rounds=2)
    assert rates.best == "short"
    assert 0 < rates.seconds["short"] < rates.seconds["long"]
    assert [name for name, _ in groupby(turns)][-4:] == ["long", "short"] * 2
    assert rates.peak == lab.measure_card().reach["one thread f32"]


def test_threads_rest_during_a_race():
    before = numba.get_num_threads()
    with alone():
        assert numba.get_num_threads() == 1
        assert all(pool["num_threads"] == 1 for pool in threadpoolctl.threadpool_info()
                   if pool["user_api"] == "blas")
    assert numba.get_num_threads() == before


@pytest.mark.parametrize("calls", [{}, {"a": 3}])
def test_what_is_no_race_is_a_sentence(calls):
    with pytest.raises(lab.LabError, match="race takes functions by name"):
        race("nothing", 1.0, calls)
