"""The figure of a loop in three forms: two give what Python gives, the third for one trip count."""

import pytest

import aisys_lab as lab
from aisys_lab.viz import forms


def python(v):
    trips = 0
    while v < 20:
        v, trips = v + v, trips + 1
    return v, trips


@pytest.mark.parametrize("start", forms.STARTS)
@pytest.mark.parametrize("form", forms.RUNS)
def test_what_comes_out(form, start):
    data = lab.figure("control_flow_forms", form=form, start=start, moment=24).data
    value, trips = python(start)
    assert data["python"] == value
    assert data["end"] == data["result"] == (8 * start if form == "unrolled" else value)
    assert data["steps"] == {"primitives": 6 * (trips + 1), "sub-graphs": 2 * trips + 1,
                             "unrolled": 3}[form]


def test_the_starts_take_different_numbers_of_trips():
    assert [python(start)[1] for start in forms.STARTS] == [3, 2, 1, 0]


def test_every_token_has_a_way_to_be_drawn_on():
    for form in forms.RUNS:
        for start in forms.STARTS:
            for tokens, fired, _ in forms.film(form, start):
                assert tokens.keys() - {"kept"} <= forms.WAYS[form].keys()
                assert set(fired) <= forms.PLACES[form].keys()


def test_the_stack_holds_what_each_trip_started_from():
    data = lab.figure("control_flow_forms", form="sub-graphs", moment=24).data
    assert data["tokens"]["kept"] == (3, 6, 12)


def test_tokens_know_their_trip():
    trips = [token.trip for tokens, _, _ in forms.film("primitives", 3) for token in
             tokens.values()]
    assert trips == sorted(trips) and trips[-1] == 3
