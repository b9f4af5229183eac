"""Schedules: legal, between the bounds, better with priorities; every fault is a sentence."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.core import LabError
from aisys_lab.ir import SCHEDULERS, Schedule, schedule, verify_schedule
from aisys_lab.ir.schedule import upward_ranks

COSTS = {"a": 3, "b": 2, "c": 4, "d": 5, "e": 1, "f": 3}
EDGES = [("a", "c"), ("b", "c"), ("a", "d"), ("c", "f"), ("d", "f"), ("b", "e")]


@st.composite
def dags(draw, most=12):
    count = draw(st.integers(0, most))
    costs = {f"t{i}": draw(st.integers(0, 9)) for i in range(count)}
    pairs = [(f"t{i}", f"t{j}") for j in range(count) for i in range(j)]
    return costs, draw(st.lists(st.sampled_from(pairs), max_size=25)) if pairs else []


@given(dags(), st.integers(1, 4), st.integers(0, 6))
def test_every_scheduler_is_legal_and_between_the_bounds(dag, workers, delay):
    for name in SCHEDULERS:
        plan = schedule(*dag, workers=workers, delay=delay, scheduler=name)
        assert verify_schedule(plan) is plan and plan.makespan >= plan.lower_bound
        alone = schedule(*dag, workers=1, delay=delay, scheduler=name)
        assert alone.makespan == sum(dag[0].values())


@given(dags(), st.integers(1, 4))
def test_grahams_bound_without_delay(dag, workers):
    plan = schedule(*dag, workers=workers)
    path = sum(plan.costs[task] for task in plan.critical_path)
    work = sum(plan.costs.values())
    assert plan.makespan <= work / workers + (1 - 1 / workers) * path + 1e-9 <= plan.graham + 1e-6


def best(costs, edges, workers):
    """The shortest makespan without delay: every order, each task where it can start first."""
    lengths = []
    for order in itertools.permutations(costs):
        if all(order.index(a) < order.index(b) for a, b in edges):
            free, end = [0] * workers, {}
            for task in order:
                free.sort()
                start = max([free[0], *(end[a] for a, b in edges if b == task)])
                # the worker that has been idle for the shortest time and is free by then
                at = max((i for i in range(workers) if free[i] <= start), key=free.__getitem__)
                free[at] = end[task] = start + costs[task]
            lengths.append(max(free))
    return min(lengths, default=0)


@given(dags(most=6), st.integers(1, 3))
def test_graham_against_the_best_of_all(dag, workers):
    plan, shortest = schedule(*dag, workers=workers), best(*dag, workers)
    assert plan.lower_bound <= shortest <= plan.makespan <= (2 - 1 / workers) * shortest + 1e-9


def test_grahams_worst_case():
    """p (p - 1) tasks of 1 and one of p: the long one last is 2 - 1/p times too slow."""
    p = 3
    costs = {f"t{i}": 1 for i in range(p * (p - 1))} | {"long": p}
    assert schedule(costs, workers=p).makespan == p
    assert schedule(costs, workers=p, scheduler="fifo").makespan == 2 * p - 1


def test_ranks_and_the_printed_schedule():
    assert upward_ranks(COSTS, EDGES) == {"a": 11, "b": 9, "c": 7, "d": 8, "e": 1, "f": 3}
    assert upward_ranks(COSTS, EDGES, 2)["a"] == 3 + 2 + 5 + 2 + 3
    plan = lab.schedule(COSTS, EDGES, workers=2, delay=1)
    assert plan.critical_path == ["a", "d", "f"]
    assert str(plan) == """\
tasks on 2 workers, delay 1: 12 steps, at least 11 (critical path 11, work 18)
worker 1  |a-------------|d-----------------------     |f-------------|
worker 2  |b--------|e---     |c------------------|
steps     0                                                          12
critical: a -> d -> f"""


def test_a_value_stays_near_when_it_is_far_to_go():
    """With a long delay the whole chain stays on one worker."""
    costs, edges = {"a": 1, "b": 1, "c": 1}, [("a", "b"), ("b", "c")]
    for name in SCHEDULERS:
        plan = schedule(costs, edges, workers=3, delay=9, scheduler=name)
        assert plan.makespan == 3 and len({worker for worker, _ in plan.placed.values()}) == 1


def test_priorities_pay():
    rng, ratios = np.random.default_rng(0), {name: [] for name in SCHEDULERS}
    for delay in (0, 2):
        for _ in range(15):
            costs = {f"t{i}": int(rng.integers(1, 10)) for i in range(40)}
            edges = [(f"t{i}", f"t{j}") for j in range(40) for i in range(max(0, j - 11), j)
                     if rng.random() < 0.1]
            for name in SCHEDULERS:
                plan = schedule(costs, edges, workers=3, delay=delay, scheduler=name)
                ratios[name].append(plan.makespan / plan.lower_bound)
    mean = {name: np.mean(values) for name, values in ratios.items()}
    assert max(mean["list"], mean["heft"]) < 1.05 < mean["fifo"]


def test_a_graph_is_scheduled_by_its_operations():
    graph = lab.trace(lambda x, w, v: (x @ w) + (x @ v), np.ones((4, 5)), np.ones((5, 6)),
                      np.ones((5, 6)))
    plan = lab.schedule(graph, workers=2)
    assert plan.costs == {"t0": 240, "t1": 240, "t2": 24} and plan.makespan == 264
    assert plan.edges == (("t0", "t2"), ("t1", "t2"))


@pytest.mark.parametrize("task, place, sentence", [
    ("a", (2, 0), r"a is placed at \(2, 0\); .* workers are 0 to 1"),
    ("a", (0, -1), "a is placed at"), ("a", 3, "a is placed at 3"),
    ("c", (0, 0), "c starts at 0, but a ends at 3"),
    ("c", (1, 3), "c starts at 3, but a ends at 3 on another worker, 1 steps away"),
    ("e", (0, 4), "worker 0 does d and e at once: e starts at 4, d ends at 8"),
])
def test_an_illegal_schedule_is_a_sentence(task, place, sentence):
    plan = schedule(COSTS, EDGES, workers=2, delay=1)
    broken = dataclasses.replace(plan, placed=plan.placed | {task: place})
    with pytest.raises(LabError, match=sentence):
        verify_schedule(broken)


@pytest.mark.parametrize("args, sentence", [
    (({"a": 1, "b": 1}, [("a", "b"), ("b", "a")]), "cycle, a -> b -> a"),
    (({"a": 1}, [("a", "a")]), "cycle, a -> a"),
    (({"a": 1}, [("a", "z")]), "an edge names 'z'; the tasks are: a"),
    (({"a": -1},), "steps of 0 or more"), ((3,), "takes a graph or"),
    (({"a": 1}, [], 0), "workers=0"), (({"a": 1}, [], 2, -1), "delay=-1"),
    (({"a": 1}, [], 2, 0, "lists"), "no scheduler 'lists'"),
])
def test_bad_input_is_a_sentence(args, sentence):
    with pytest.raises(LabError, match=sentence):
        schedule(*args)


def test_a_scheduler_of_mine_is_verified():
    with lab.attempt():
        SCHEDULERS["mine"] = lambda costs, edges, workers, delay: {}
        with pytest.raises(LabError, match="places every task once; not so: a"):
            schedule({"a": 1}, scheduler="mine")
    assert isinstance(schedule({}), Schedule) and schedule({}).makespan == 0
