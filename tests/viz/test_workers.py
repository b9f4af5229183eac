"""The scheduler figure: legal schedules, real costs, Graham's nine tasks as he published them."""

import pytest

import aisys_lab as lab
from aisys_lab.ir.schedule import verify_schedule
from aisys_lab.viz import workers


def at(**point):
    return lab.figure("scheduler_gantt", **point).data


@pytest.mark.parametrize("point", lab.FIGURES["scheduler_gantt"].points(), ids=str)
def test_every_frame_is_a_legal_schedule_within_the_bounds(point):
    data = at(**point)
    assert verify_schedule(data["plan"]) is data["plan"]
    assert data["bound"] <= data["steps"]
    if point["delay"] == 0 and point["priority"] != "longest way, gaps too":
        assert data["steps"] <= data["graham"]
    if point["workers"] == 1:
        assert data["steps"] == data["alone"] == data["cost"].sum() and data["sent"] == 0


@pytest.mark.parametrize("many, steps", [(3, 12), (4, 15)])
def test_a_fourth_worker_makes_it_longer(many, steps):
    """The published numbers, for the published order of the list."""
    point = {"program": "Graham's nine tasks", "delay": 0, "workers": many}
    assert at(**point, priority="as listed")["steps"] == steps
    assert at(**point, priority="longest way first")["steps"] == 12


def test_the_products_of_a_step_are_those_of_the_graph():
    """Back to a weight and back to an input wait for the same gradient, not for each other."""
    costs, edges = workers.training_step()
    before = {task: {a for a, b in edges if b == task} for task in costs}
    assert costs == {"f1": 1, "f2": 2, "f3": 2, "x3": 2, "w3": 2, "x2": 2, "w2": 2, "w1": 1}
    assert before["x2"] == {"f2", "x3"} and before["w2"] == {"f1", "f2", "x3"}
    assert before["f1"] == set() and before["w1"] == {"f1", "x2"}


def test_two_workers_take_the_gradients_of_the_weights_off_the_critical_path():
    data = at(program="products of a training step", workers=2, delay=1)
    assert data["steps"] == data["bound"] == 10 and data["alone"] == 14
    other = {t for t, w in zip(data["tasks"], data["worker"], strict=True) if w != 0}
    assert other == {"w3", "w2"}
