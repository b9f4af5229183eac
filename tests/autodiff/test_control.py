"""Branches and loops: plain, traced, differentiated alike; trips 0, 1, n; faults as sentences."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import apply_graph
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import EXECUTORS, execute, interpret, parse, verify

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal(3), RNG.standard_normal((3, 3)) / 2
XS = RNG.standard_normal((4, 3))


def branch(x, w):
    return anp.sum(anp.cond(anp.sum(x) > 0, lambda x: anp.sin(w @ x), lambda x: x * w[0], x))


def loop(x, w, n):
    """Two carried values, an outer matrix, a bound from outside."""
    return anp.sum(anp.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, anp.tanh(w @ c[1] + x)),
                                  (0, x))[1] ** 2)


def bounded(x, w, n):
    return anp.sum(anp.while_loop(lambda c: c["i"] < n, lambda c: {
        "i": c["i"] + 1, "h": anp.tanh(w @ c["h"] + x)}, {"i": 0, "h": x}, max_steps=5)["h"] ** 2)


def recurrent(x, w, xs, reverse=False):
    h, ys = anp.scan(lambda h, u: (anp.tanh(w @ h + u), {"s": anp.sum(h) * u}), x, xs,
                     reverse=reverse)
    return anp.sum(h ** 2) + anp.sum(ys["s"] ** 3)


def nested(x, w, n):
    """A branch in a loop in a scan."""
    def trip(h, u):
        def step(c):
            return c[0] + 1, anp.cond(c[1][0] > 0, lambda v: v * u, lambda v: anp.sin(v) + w @ v,
                                      c[1])
        return anp.while_loop(lambda c: c[0] < n, step, (0, h))[1], anp.sum(h)
    h, ys = anp.scan(trip, x, XS)
    return anp.sum(h) + anp.sum(ys ** 2)


CASES = {
    "branch taken": (branch, (np.abs(X), W)), "branch not taken": (branch, (-np.abs(X), W)),
    **{f"loop of {n}": (loop, (X, W, np.int64(n))) for n in (0, 1, 4)},
    **{f"bounded loop of {n}": (bounded, (X, W, np.int64(n))) for n in (0, 1, 5)},
    **{f"scan of {n}": (recurrent, (X, W, XS[:n])) for n in (0, 1, 4)},
    "scan from the end": (lambda x, w, xs: recurrent(x, w, xs, reverse=True), (X, W, XS)),
    **{f"nested {n}": (nested, (X, W, np.int64(n))) for n in (0, 1, 3)},
}
CASE = pytest.mark.parametrize("f, args", CASES.values(), ids=CASES.keys())


def floats(f, args):
    """``f`` by its arguments that are floats, and these."""
    rest = args[2:] if args[-1].dtype.kind != "f" else ()
    return (lambda *xs: f(*xs, *rest)), args[:len(args) - len(rest)]


def close(got, want, rtol=1e-10):
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


@CASE
def test_a_traced_graph_computes_what_python_does(f, args):
    want, graph = f(*args), lab.trace(f, *args)
    close(interpret(graph, *args), [want])
    again = parse(str(graph), graph.constants)
    assert again == graph and verify(again) is again
    for name in EXECUTORS:
        close(execute(again, *args, executor=name).outputs, [want])
    assert len(graph) < 8  # the loop is a node, not its trips


@CASE
def test_derivatives_against_differences(f, args):
    f, args = floats(f, args)
    lab.check_grads(f, order=2)(*args)


@CASE
def test_derivatives_of_a_graph_as_of_python(f, args):
    """Through the rows of the ops: run on values, and traced into a graph of their own."""
    graph = lab.trace(f, *args)
    plain, args_ = floats(f, args)
    again, _ = floats(lambda *xs: apply_graph(graph)(*xs)[0], args)
    want = lab.vjp(plain, *args_)[1](1.0)
    close(lab.vjp(again, *args_)[1](1.0), want)
    move = tuple(np.cos(x) for x in args_)
    slope = lab.jvp(plain, args_, move)[1]
    close([lab.jvp(again, args_, move)[1]], [slope])
    both = lab.trace(lambda *xs: lab.jvp(f_of(f, xs, args), xs[:len(args_)], move), *args)
    close([interpret(verify(both), *args)[1]], [slope])
    joint = lab.trace(lambda *xs: lab.vjp(f_of(f, xs, args), *xs[:len(args_)])[1](
        np.array(1.0)), *args)
    close(interpret(verify(joint), *args), want)
    assert parse(str(joint), joint.constants) == joint
    grown = lab.backward(graph)
    close(interpret(verify(grown), *args)[1:], want)


def f_of(f, xs, args):
    """``f`` of the floats alone, the other arguments as they are traced."""
    rest = xs[2:] if args[-1].dtype.kind != "f" else ()
    return lambda *ys: f(*ys, *rest)


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("nest")])
def test_second_derivatives_of_a_graph(name):
    f, args = CASES[name]
    graph = lab.trace(f, *args)
    plain, args_ = floats(f, args)
    again, _ = floats(lambda *xs: apply_graph(graph)(*xs)[0], args)
    v = np.sin(args_[0])
    want = lab.hessian_vector_product(plain)(*args_, v)
    close([lab.hessian_vector_product(again)(*args_, v)], [want])
    twice = [lab.grad(lambda x, h=h: anp.sum(lab.grad(h)(x, *args_[1:]) * v))(args_[0])
             for h in (plain, again)]
    close(twice, [want, want])


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(("loop", "nest"))])
def test_second_derivatives_in_a_graph(name):
    f, args = CASES[name]
    v = np.sin(X)

    def twice(x, *rest):
        return lab.grad(lambda x: anp.sum(lab.grad(f)(x, *rest) * v))(x)
    close(interpret(verify(lab.trace(twice, *args)), *args), [twice(*args)])

    def both(x, *rest):
        return lab.jvp(lambda x: lab.grad(f)(x, *rest), (x,), (v,))[1]
    close(interpret(verify(lab.trace(both, *args)), *args), [twice(*args)])


def test_a_second_derivative_of_an_unbounded_loop_in_a_graph_says_what_to_do():
    with pytest.raises(LabError, match=r"write while_loop\(test, body, init, max_steps=…\)"):
        lab.trace(lab.grad(lambda x, w, n: anp.sum(lab.grad(loop)(x, w, n))), X, W, np.int64(2))


def test_only_the_chosen_branch_runs():
    """The gradient of where would be nan here: log(0) is computed and thrown away."""
    def f(x):
        return anp.cond(x > 0, lambda: anp.log(x), lambda: 0 * x)
    with np.errstate(all="raise"):
        for g in (lab.grad(f), lambda x: interpret(lab.trace(lab.grad(f), x), x)[0]):
            assert g(np.float64(0.0)) == 0 and g(np.float64(2.0)) == 0.5
    graph = lab.trace(f, np.float64(1.0))
    assert [node.op for node in graph.nodes] == ["gt", "cond"]


def test_the_graph_of_a_loop_is_printed_with_its_parts():
    def double(x, limit):
        return anp.while_loop(lambda v: v < limit, lambda v: v + v, x)
    graph = lab.trace(double, np.float64(1), np.float64(100))
    assert str(graph) == """\
graph double
  input x     : f64[]
  input limit : f64[]
  t0          : f64[] = while_loop(limit, x, captured=1) where
      test graph lambda
        input limit : f64[]
        input v     : f64[]
        t0          : bool[] = lt(v, limit)
        output t0
      body graph lambda
        input limit : f64[]
        input v     : f64[]
        t0          : f64[] = add(v, v)
        output t0
  output t0"""
    assert interpret(graph, np.float64(3), np.float64(100)) == (192,)
    assert interpret(graph, np.float64(300), np.float64(100)) == (300,)


def test_large_arrays_come_in_as_operands_and_small_ones_stay():
    table = np.arange(100.0)
    graph = lab.trace(lambda x: anp.scan(lambda c, u: (c + anp.sum(table * u) + 2.0, c), 0.0, x)[0],
                      np.ones(5))
    scan = graph.nodes[0]
    assert [graph.specs[name].size for name in scan.inputs] == [100, 1, 5]
    assert all(a.size == 1 for a in scan.attrs["body"].constants.values())
    again = parse(str(graph), graph.constants)
    close(interpret(again, np.ones(5)), [5 * (4950 + 2)])


def test_open_axes_pass_through():
    def f(x, h, w):
        return anp.sum(anp.scan(lambda h, u: (anp.tanh(h @ w + u), anp.sum(h)), h, x)[0])
    dims = {"x": {0: "T", 1: "B"}, "h": {0: "B"}}
    graph = lab.trace(lab.value_and_grad(f), np.ones((4, 2, 3)), np.ones((2, 3)), W, dims=dims)
    assert "f64[T,B,3]" in str(graph) and parse(str(graph)) == graph
    for t, b in ((4, 2), (1, 5), (0, 2)):
        args = RNG.standard_normal((t, b, 3)), RNG.standard_normal((b, 3)), W
        close(interpret(graph, *args), lab.value_and_grad(f)(*args))


def test_single_precision_stays_single():
    x, w = X.astype("f4"), W.astype("f4")
    for f in (branch, lambda x, w: loop(x, w, 3), lambda x, w: recurrent(x, w, XS.astype("f4"))):
        graph = lab.trace(lab.value_and_grad(f), x, w)
        value, slope = interpret(graph, x, w)
        assert value.dtype == slope.dtype == np.float32
        np.testing.assert_allclose(slope, lab.grad(f)(x, w), rtol=1e-4)


def test_a_graph_keeps_what_a_scan_carries_once():
    """No second forward run in the joint graph, no gradients of values that nobody reads."""
    joint = lab.trace(lab.value_and_grad(recurrent), X, W, XS)
    assert [node.op for node in joint.nodes].count("scan") == 2
    assert [node.attrs.get("saved") for node in joint.nodes if node.op == "scan"] == [1, None]
    grown = lab.backward(lab.trace(recurrent, X, W, XS), "x")
    assert [node.op for node in grown.nodes].count("scan") == 2


def test_flops_of_branches_and_loops():
    graph = lab.trace(recurrent, X, W, XS)
    flops = next(row.flops for row in lab.work(graph) if row.op == "scan")
    assert flops == 4 * (18 + 3 + 3 + 3 + 3)


def pair(a, b):
    return lambda *args: (a, b)


@pytest.mark.parametrize("f, sentence", [
    (lambda x: anp.cond(x > 0, anp.sin, anp.cos, x), r"cond: the predicate is bool\[3\]; .*where"),
    (lambda x: anp.cond(x[0] > 0, lambda: x, lambda: x[:2]),
     r"the branches differ, lambda gives \(f64\[3\]\), lambda gives \(f64\[2\]\)"),
    (lambda x: anp.cond(x[0] > 0, lambda: x, lambda: (x, x)), "returns 1 values and lambda 2"),
    (lambda x: anp.cond(x[0], lambda: x, lambda: x), r"predicate is f64\[\]; it should be bool"),
    (lambda x: anp.while_loop(lambda c: c > 0, lambda c: c - 1, x), r"the test gives .*bool\[3\]"),
    (lambda x: anp.while_loop(lambda c: c[0] < 9, lambda c: c[:2], x),
     r"carried value 0 starts as f64\[3\], but the body gives f64\[2\]"),
    (lambda x: anp.while_loop(lambda c: c[0] < 9, lambda c: (c, c), x), "carried changes its tree"),
    (lambda x: anp.while_loop(lambda c: c[0] < 9, lambda c: c, x, max_steps=-1), "max_steps=-1"),
    (lambda x: anp.scan(lambda c, u: (c > 0, u), 0.0, x),
     r"carried value 0 starts as f64\[\], but the body gives bool\[\]"),
    (lambda x: anp.scan(lambda c, u: c, 0.0, x), "should return a pair"),
    (lambda x: anp.scan(pair(0.0, None), 0.0), r"goes along the first axis of its xs, got \(\)"),
    (lambda x: anp.scan(pair(0.0, None), 0.0, x[0]), r"first axis of its xs, got \(f64\[\]\)"),
    (lambda x: anp.scan(pair(0.0, None), 0.0, (x, x[:2])), "different lengths, 2 and 3"),
    (lambda x: anp.scan(pair(0.0, None), 0.0, x, length=7), "different lengths, 3 and 7"),
    (lambda x: anp.scan(pair((0.0, 1), None), 0.0, x), "carried changes its tree"),
])
@pytest.mark.parametrize("traced", [True, False])
def test_faults_are_sentences(f, sentence, traced):
    if not traced and ("branches" in sentence or "returns 1" in sentence or "f64\\[\\]; it" in
                       sentence):
        f(np.abs(X))  # one branch alone runs; the other is never looked at
        return
    with pytest.raises(LabError, match=sentence):
        lab.trace(f, np.abs(X)) if traced else f(np.abs(X))


COND = """graph g
  input p : bool[]
  input x : f64[2]
  y       : f64[2] = cond(p, x) where
      then graph yes
        input a : f64[2]
        b       : f64[2] = exp(a)
        output b
      otherwise graph no
        input a : f64[2]
        b       : f64[2] = neg(a)
        output b
  output y"""


@pytest.mark.parametrize("old, new, sentence", [
    ("b       : f64[2] = neg(a)", "b       : f64[] = sum(a, axis=(0,))",
     r"the branches differ, yes gives \(f64\[2\]\), no gives \(f64\[\]\)"),
    ("input p : bool[]", "input p : f64[]", r"predicate is f64\[\]"),
    ("cond(p, x)", "cond(p, x, x)", r"then takes \(f64\[2\]\), got \(f64\[2\], f64\[2\]\)"),
    ("neg(a)", "neg(q)", "q is used before it is made"),
    ("      otherwise graph no", "      otherwise grph no", "line 9"),
])
def test_a_damaged_branch_is_a_sentence(old, new, sentence):
    assert str(parse(COND)) == COND and COND.count(old) == 1
    with pytest.raises(LabError, match=sentence):
        parse(COND.replace(old, new))


def test_a_failed_trace_leaves_no_trace_behind():
    with pytest.raises(LabError):
        lab.trace(lambda x: anp.cond(x[0] > 0, lambda: x, lambda: x[:2]), X)
    assert float(loop(X, W, 2)) == pytest.approx(float(interpret(
        lab.trace(loop, X, W, np.int64(2)), X, W, np.int64(2))[0]))
    assert lab.grad(lambda x: anp.sum(x * x))(X) == pytest.approx(2 * X)
