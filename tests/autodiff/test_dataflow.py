"""Branches and loops as tokens: the same results as sub-graphs, trips that overlap, sentences."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.lessons.dataflow import history, primitives, start, step
from aisys_lab.core import LabError


def double(x, limit):
    return anp.while_loop(lambda v: v < limit, lambda v: v + v, x)


def uneven(x, n):
    """Every other trip takes the long way, and the counter runs ahead of the sum."""
    def body(c):
        i, odd, total = c
        share = anp.cond(odd > 0, lambda i: anp.sin(anp.cos(anp.exp(anp.sin(i)))), lambda i: i, i)
        return i + 1, -odd, anp.tanh(total * 2) + share
    return anp.while_loop(lambda c: c[0] < n, body, (0.0, 1.0, x))[2] * x


def branch(x, y):
    return anp.cond(x > y, lambda a, b: (a - b, a), lambda a, b: (b * b, 1.0 + 0 * a), x, y)[0] + y


def constant(x, y):
    """A branch that gives what comes from outside alone, a carried value that is replaced."""
    a = anp.cond(x > 0, lambda: y, lambda: np.float64(3.0))
    return anp.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, y), (0.0, a))[1] + a


@pytest.mark.parametrize("f", [double, uneven, branch, constant])
@pytest.mark.parametrize("x, y", [(1.0, 5.0), (3.0, 1.0), (0.5, 0.0), (-2.0, 3.0)])
def test_tokens_compute_what_the_graph_does(f, x, y):
    if f is double and x <= 0 < y:
        return
    args = np.float64(x), np.float64(y)
    graph = lab.trace(f, *args)
    flow = primitives(graph)
    states = history(flow, *args)
    want = lab.interpret(graph, *args)
    assert [states[-1].results[name].value for name in flow.outputs] == list(want)


def test_the_printed_cells_and_tokens():
    flow = primitives(lab.trace(double, np.float64(1), np.float64(1)))
    assert str(flow) == """\
dataflow double(x, limit)
  limit_in         = enter(limit)
  v_in             = enter(x)
  v                = merge(v_in, v_next)
  test.t0          = lt(v, limit_in)
  go               = loop_cond(test.t0)
  v_true, v_false  = switch(v, go)
  body.t0          = add(v_true, v_true)
  v_next           = next_iteration(body.t0)
  t0               = exit(v_false)
  output t0"""
    states = history(flow, np.float64(30), np.float64(100))
    assert str(states[10]) == """\
step 10: fired go
  v -> v_true   60.0 (trip 1)
  go -> v_true  True (trip 1)"""
    assert str(states[-1]) == "step 18: fired t0\n  output t0  120.0 (trip 0)"


def test_trips_overlap():
    args = np.float64(1), np.float64(6)
    states = history(primitives(lab.trace(uneven, *args)), *args)
    under_way = [{token.trip for tokens in state.waiting.values() for token in tokens}
                 for state in states]
    assert max(map(len, under_way)) > 2  # the counter is trips ahead of the sum


def test_a_carried_value_may_have_the_name_of_an_argument():
    flow = primitives(lab.trace(lambda v: anp.while_loop(lambda v: v < 20, lambda v: v + v, v),
                                np.float64(3)))
    assert history(flow, np.float64(3))[-1].results["t0"].value == 24


def test_steps_change_nothing_behind():
    flow = primitives(lab.trace(double, np.float64(1), np.float64(1)))
    first = start(flow, np.float64(30), np.float64(100))
    assert str(step(first)) == str(step(first)) and first.step == 0


def test_faults_are_sentences():
    flow = primitives(lab.trace(double, np.float64(1), np.float64(1)))
    with pytest.raises(LabError, match=r"double takes 2 values \(x, limit\), got 1"):
        start(flow, 1.0)
    with pytest.raises(LabError, match="still runs after 50 steps; does its loop end"):
        history(flow, np.float64(0), np.float64(1), most=50)
    with pytest.raises(LabError, match="has 2 loops; this machine has one frame"):
        primitives(lab.trace(lambda x: double(double(x, 2.0), 3.0), np.float64(1)))
    with pytest.raises(LabError, match="takes a graph"):
        primitives("graph")
