"""The figures of module V: what they show is what the package really did."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.viz import paradigms, strides

KINDS = list(paradigms.THINGS)


def there(paradigm, model="plain", moment=4):
    """Counts by kind after a moment."""
    return dict(zip(KINDS, paradigms.compute(paradigm, model, moment)["now"].tolist(),
                    strict=True))


class TestParadigmSwitch:
    """What exists when, in three paradigms."""

    def test_a_declared_program_has_a_graph_before_it_has_numbers(self):
        before = there("define and run", moment=3)
        assert before["number"] == 0
        assert before["graph node"] > 10
        assert there("define and run")["number"] == 2

    def test_an_imperative_program_has_numbers_and_a_tape_at_once(self):
        during = there("define by run", moment=3)
        assert during["number"] == 5
        assert during["tape record"] == 6  # w, and matmul, sub, mul, sum, div
        assert there("define by run")["tape record"] == 0

    def test_a_transform_makes_a_function_of_a_function(self):
        assert there("transform", moment=3) == {"number": 3, "stand-in": 0, "function": 2,
                                                "tape record": 0, "graph node": 0}

    def test_only_tracing_stops_at_a_branch_on_a_value(self):
        stops = {name: paradigms.history(name, "branch")[1] for name in paradigms.PARADIGMS}
        assert "needs the value" in stops.pop("define and run")
        assert list(stops.values()) == ["", ""]
        assert paradigms.compute("define and run", "branch", 4)["moment"] == 3

    @pytest.mark.parametrize("model", paradigms.MODELS)
    def test_all_paradigms_give_the_same_slope(self, model):
        slopes = {}
        for paradigm in paradigms.PARADIGMS:
            space = paradigms.beginnings()
            try:
                for chunk in paradigms.program(paradigm, model):
                    exec(chunk, space)
            except lab.LabError:
                continue
            slopes[paradigm] = space["slope"]
        first, *others = slopes.values()
        assert len(others) == (2 if model == "plain" else 1)
        for other in others:
            np.testing.assert_allclose(first, other, rtol=1e-12)


class TestStrideViewer:
    """Copy or view, against NumPy."""

    @pytest.mark.parametrize("point", [p for p in lab.FIGURES["stride_viewer"].points()
                                       if p["step"] == 7], ids=lambda p: p["first"] + p["then"])
    def test_numbers_strides_and_copies_are_numpys(self, point):
        x = np.arange(12).reshape(3, 4)
        view = eval(point["first"], {"x": x})
        then = {"": view, ".reshape(-1)": view.reshape(-1), ".reshape(-1, 2)": view.reshape(-1, 2),
                ".expand(2, …)": np.broadcast_to(view, (2, *view.shape))}[point["then"]]
        data = lab.figure("stride_viewer", **point).data
        np.testing.assert_array_equal(data["values"], then)
        assert data["copied"] == (not np.shares_memory(then, x))
        longer = [k for k, n in enumerate(then.shape) if n > 1]  # other strides mean nothing
        assert [data["strides"][k] for k in longer] == [then.strides[k] // 8 for k in longer]

    def test_the_ring_is_on_the_element(self):
        for point in lab.FIGURES["stride_viewer"].points():
            data = lab.figure("stride_viewer", **point).data
            where = strides.address(data)
            cells = data["values"].ravel() if data["copied"] else np.arange(12)
            assert cells[where] == data["values"][tuple(data["index"])]
