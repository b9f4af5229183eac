"""Executors: the oracle's results in any valid order, known bytes alive, no deadlock, sentences."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import EXECUTORS, Graph, Node, Spec, execute, interpret, parse, shuffled, verify
from programs import PROGRAMS, SHAPES, inputs, program

DIAMOND = """graph diamond
  input x : f64[4]
  a       : f64[4] = neg(x)
  b       : f64[4] = mul(a, a)
  c       : f64[4] = exp(a)
  d       : f64[4] = add(b, c)
  e       : f64[]  = sum(d, axis=(0,), keepdims=False)
  output e"""


def watched(f, seconds=20):
    """``f()`` in a thread of its own: a deadlock fails the test and does not stop the others."""
    box = []

    def work():
        try:
            box.append((f(), None))
        except BaseException as error:
            box.append((None, error))
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert box, f"a deadlock: no result after {seconds} s"
    if box[0][1] is not None:
        raise box[0][1]
    return box[0][0]


@given(PROGRAMS, SHAPES, st.integers(0, 99), st.booleans())
def test_every_executor_gives_what_the_oracle_gives(steps, shape, seed, gradient):
    f, args = program(steps), inputs(shape, np.float64, seed)
    if gradient:
        f = lab.grad(lambda x, y, f=f: f(x, y)[1])
    graph = lab.trace(f, *args)
    want = interpret(graph, *args)
    with lab.attempt():
        EXECUTORS["any"] = shuffled(seed)
        for name in EXECUTORS:
            run = watched(lambda name=name: execute(graph, *args, executor=name, workers=3))
            assert sorted(run.order) == sorted(node.outs[0] for node in graph.nodes)
            for got, value in zip(run.outputs, want, strict=True):
                np.testing.assert_array_equal(got, value)
            assert run.peak <= run.total


def test_known_bytes_alive():
    graph, x = parse(DIAMOND), np.ones(4)
    peaks = {name: execute(graph, x, executor=name).peak for name in ("sequential", "counting")}
    assert peaks == {"sequential": 4 * 32 + 8, "counting": 96}
    chain = lab.trace(lambda x: anp.exp(anp.sin(-x)), np.ones(100))
    assert execute(chain, np.ones(100)).peak == 1600
    assert execute(chain, np.ones(100), executor="threaded").peak == 1600


def test_a_value_used_twice_by_one_node_and_outputs_that_are_read():
    graph = parse("graph g\n input x : f64[2]\n a : f64[2] = neg(x)\n b : f64[2] = mul(a, a)\n"
                  " c : f64[2] = exp(b)\n output b, c, b, x")
    for name in EXECUTORS:
        run = execute(graph, np.ones(2), executor=name)
        assert [len(value) for value in run.outputs] == [2, 2, 2, 2] and len(run.order) == 3


def test_the_printed_run():
    assert str(execute(parse(DIAMOND), np.ones(4))) == """\
run of diamond by counting: 5 nodes on 1 worker, at most 96 of 136 bytes alive
worker 1  |a----------|b----------|c----------|d----------|e----------|
steps     0                                                           5"""


def test_control_edges_hold_in_text_verifier_and_every_order():
    text = DIAMOND.replace("neg(x)", "neg(x) after z").replace(
        "  a ", "  z       : f64[4] = cos(x)\n  a ")
    graph = parse(text)
    assert graph.nodes[1].after == ("z",) and parse(str(graph)) == graph
    assert "neg(x) after z" in str(graph)
    with lab.attempt():
        for seed in range(20):
            EXECUTORS["any"] = shuffled(seed)
            order = execute(graph, np.ones(4), executor="any").order
            assert order.index("z") < order.index("a")
    with pytest.raises(LabError, match="a = neg.*: zz is used before it is made"):
        parse(text.replace("after z", "after zz"))
    for passes in (None, ["dce"], ["cse"], ["fold"], ["fuse"]):
        small = lab.optimize(graph, passes)
        np.testing.assert_array_equal(interpret(small, np.ones(4))[0],
                                      interpret(graph, np.ones(4))[0])
        assert any(node.after for node in small.nodes) and any("z" in node.outs
                                                               for node in small.nodes)


def test_shuffling_reaches_several_orders():
    with lab.attempt():
        orders = set()
        for seed in range(30):
            EXECUTORS["any"] = shuffled(seed)
            orders.add(execute(parse(DIAMOND), np.ones(4), executor="any").order)
    assert orders == {tuple("abcde"), tuple("acbde")}


def test_threads_overlap():
    meet = threading.Barrier(2, timeout=20)

    def slow(x):
        meet.wait()  # both nodes must be under way at once
        return np.negative(x)
    with lab.attempt():
        lab.OPS["neg"] = lab.OPS["neg"].__class__("neg", slow, lab.OPS["neg"].infer,
                                                  lab.OPS["neg"].flops, "elementwise")
        graph = lab.trace(lambda x, y: (-x) + (-y), np.ones(2), np.ones(2))
        run = watched(lambda: execute(graph, np.ones(2), np.ones(2), executor="threaded"))
    assert run.workers == 2 and "worker 2" in str(run)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_error_in_a_worker_is_not_lost(workers):
    def broken(x):
        raise ZeroDivisionError("boom")
    graph = lab.trace(lambda x: anp.sum(anp.exp(x)) + anp.sum(anp.sin(x)), np.ones(3))
    with lab.attempt():
        lab.OPS["sin"] = lab.OPS["sin"].__class__("sin", broken, lab.OPS["sin"].infer,
                                                  lab.OPS["sin"].flops, "elementwise")
        with pytest.raises(LabError, match=r"sin\(x\) raised ZeroDivisionError: boom"):
            watched(lambda: execute(graph, np.ones(3), executor="threaded", workers=workers))
    assert threading.active_count() < 10


def test_settings_of_the_caller_reach_the_workers():
    graph = lab.trace(lambda x: anp.log(x), np.ones(3))
    with np.errstate(all="raise"), pytest.raises(LabError, match="FloatingPointError"):
        execute(graph, -np.ones(3))
    with np.errstate(all="raise"), pytest.raises(LabError, match="FloatingPointError"):
        execute(graph, -np.ones(3), executor="threaded")


SPEC = {name: Spec((2,), "f64") for name in "xabc"}
RING = Graph("ring", ("x",), ("c",), (
    Node(("a",), "add", ("x", "c")), Node(("b",), "neg", ("a",)), Node(("c",), "exp", ("b",))),
    SPEC)


def test_cycles_and_missing_names_are_sentences():
    with pytest.raises(LabError, match="c is used before it is made, in a cycle: a -> b -> c -> a"):
        verify(RING)
    with pytest.raises(LabError, match="ring cannot run: .* in a cycle, a -> b -> c -> a"):
        execute(RING, np.ones(2))
    lost = Graph("lost", ("x",), ("a",), (Node(("a",), "add", ("x", "q")),), SPEC)
    for name in EXECUTORS:
        with pytest.raises(LabError, match=r"a = add\(x, q\)"):
            execute(lost, np.ones(2), executor=name)
    ring = Graph("g", ("x",), ("b",), (Node(("a",), "neg", ("x",), {}, ("b",)),
                                       Node(("b",), "exp", ("x",), {}, ("a",))), SPEC)
    with pytest.raises(LabError, match="cycle, a -> b -> a"):
        execute(ring, np.ones(2))
    with pytest.raises(LabError, match=r"takes 1 arrays \(x\), got 0"):
        execute(parse(DIAMOND))
    with pytest.raises(LabError, match="no executor 'treaded'.*did you mean: threaded"):
        execute(parse(DIAMOND), np.ones(4), executor="treaded")
    with pytest.raises(LabError, match="workers=0"):
        execute(parse(DIAMOND), np.ones(4), workers=0)


def test_nodes_listed_in_any_order_run():
    graph = parse(DIAMOND)
    mixed = Graph("mixed", graph.inputs, graph.outputs, graph.nodes[::-1], graph.specs)
    for name in ("counting", "threaded", "shuffled"):
        assert execute(mixed, np.ones(4), executor=name).outputs == interpret(graph, np.ones(4))


@pytest.mark.parametrize("row, sentence", [
    (lambda g, run, free, w: [run(i) for i in (1, 0)], r"runs b = mul\(a, a\) before a is made"),
    (lambda g, run, free, w: [run(i) for i in (0, 0)], r"runs a = neg\(x\) twice"),
    (lambda g, run, free, w: [run(i) for i in (0, 1)], "leaves out 3 of 5 nodes, first c = exp"),
    (lambda g, run, free, w: [run(0), run(1), free("a"), run(2)],
     r"frees a, which c = exp\(a\) has yet to read"),
    (lambda g, run, free, w: [run(0), free("b")], "frees b before it is made"),
    (lambda g, run, free, w: [run(0), free("a"), free("a")], "frees a twice"),
    (lambda g, run, free, w: [*map(run, range(5)), free("e")], "frees e, an output"),
])
def test_a_wrong_executor_is_told_what_it_did(row, sentence):
    with lab.attempt():
        EXECUTORS["mine"] = row
        with pytest.raises(LabError, match=f"executor 'mine' {sentence}"):
            execute(parse(DIAMOND), np.ones(4), executor="mine")


def test_open_axes_are_fixed_by_the_arguments():
    graph = lab.trace(lambda x: anp.sum(anp.exp(x) * 2), np.ones((2, 3)), dims={"x": {0: "N"}})
    run = execute(graph, np.ones((5, 3)))
    assert run.peak == 2 * 5 * 3 * 8 and float(run.outputs[0]) == pytest.approx(30 * np.e)
