"""Every pass alone and the pipeline compute what the oracle computes, on random programs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.compiler import inline
from programs import PROGRAMS, SHAPES, inputs, program


def same(got, want, tolerance=1e-9):
    for a, b in zip(got, want, strict=True):
        assert np.shape(a) == np.shape(b) and np.result_type(a) == np.result_type(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(PROGRAMS, SHAPES, st.integers(0, 99))
def test_passes_keep_the_meaning(steps, shape, seed):
    arrays = inputs(shape, np.float64, seed)
    graph = lab.trace(program(steps), *arrays)
    want = lab.interpret(graph, *arrays)
    same(program(steps)(*arrays), want)
    for name in lab.PASSES:
        once = lab.optimize(graph, [name])
        assert len(once) <= len(graph) and once.inputs == graph.inputs
        same(lab.interpret(once, *arrays), want)
        assert lab.parse(str(once), once.constants) == once
    same(lab.interpret(lab.verify(inline(lab.optimize(graph))), *arrays), want)


@settings(max_examples=8, deadline=None)
@given(PROGRAMS, SHAPES, st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_compiled_equals_the_oracle(steps, shape, dtype, seed):
    arrays = inputs(shape, dtype, seed)
    graph = lab.trace(program(steps), *arrays)
    want = lab.interpret(graph, *arrays)
    tolerance = 1e-9 if dtype is np.float64 else 3e-4
    same(lab.compile(lab.optimize(graph))(*arrays), want, tolerance)


def test_fold_computes_constants_once():
    graph = lab.optimize(lab.trace(lambda x: x * (anp.ones_like(x[0, 0]) + 2) * 3,
                                   np.ones((2, 2))), ["fold", "dce"])
    assert [node.op for node in graph.nodes] == ["mul", "mul"]


def test_fold_does_not_blow_constants_up():
    graph = lab.trace(lambda x: x + anp.broadcast_to(anp.ones_like(x[:1, :1]), (40, 40)),
                      np.ones((40, 40)))
    assert "broadcast_to" in [node.op for node in lab.optimize(graph, ["fold"]).nodes]


def test_gradients_with_an_open_axis_optimise_and_compile():
    def f(x):
        return anp.sum(anp.exp(x) * 2)

    graph = lab.trace(lab.value_and_grad(f), np.ones((3, 4)), dims={"x": {0: "N"}})
    run = lab.compile(lab.optimize(graph))
    for n in (1, 3):
        x = np.random.default_rng(n).standard_normal((n, 4))
        same(run(x), lab.value_and_grad(f)(x))


def test_cse_keeps_one_of_two_equal_nodes():
    graph = lab.optimize(lab.trace(lambda x: anp.exp(x) + anp.exp(x), np.ones(3)), ["cse"])
    assert str(graph).splitlines()[2:] == [
        "  t0      : f64[3] = exp(x)", "  t2      : f64[3] = add(t0, t0)", "  output t2"]


def test_dce_keeps_every_input_and_output():
    def f(x, y):
        anp.exp(x)
        return x, x
    graph = lab.optimize(lab.trace(f, np.ones(3), np.ones(2)), ["dce"])
    assert graph.inputs == ("x", "y") and graph.outputs == ("x", "x") and not graph.nodes


def test_fuse_does_not_close_a_cycle():
    def f(x):
        a = anp.exp(x)
        return a * anp.sum(a)  # the sum needs all of a before the product can begin
    graph = lab.optimize(lab.trace(f, np.ones((3, 4))), ["fuse"])
    assert [node.op for node in graph.nodes] == ["exp", "sum", "mul"]


def test_fuse_leaves_out_what_nobody_reads():
    def f(x):
        anp.tanh(anp.exp(x))
        return x + 1

    fused = lab.optimize(lab.trace(f, np.ones(3)), ["fuse"])
    assert [node.op for node in fused.nodes] == ["add"] and lab.parse(str(fused)) == fused
    same(lab.compile(fused)(np.ones(3)), [np.full(3, 2.0)])


def test_inline_keeps_names_of_a_body_and_of_the_graph_apart():
    graph = lab.parse("""graph g
  input a : f64[2]
  t       : f64[2] = neg(a)
  c       : f64[2] = fused(a, t) where
      graph body
        input x : f64[2]
        input y : f64[2]
        t       : f64[2] = exp(x)
        u       : f64[2] = mul(t, y)
        output u
  d       : f64[2] = add(c, t)
  output d""")
    a = np.array([1.0, 2.0])
    same(lab.interpret(lab.verify(inline(graph)), a), [-a * np.exp(a) - a])
    same(lab.compile(graph)(a), [-a * np.exp(a) - a])


def test_fused_chain_moves_fewer_bytes():
    graph = lab.trace(lambda x: anp.tanh(x * 2 + 1), np.ones((64, 64)))
    fused = lab.optimize(graph, ["fuse"])
    moved = [sum(row.bytes for row in lab.work(g)) for g in (graph, fused)]
    assert len(fused) == 1 and moved[1] == 2 * 64 * 64 * 8 and moved[0] > 2.9 * moved[1]
    assert sum(w.flops for w in lab.work(graph)) == sum(w.flops for w in lab.work(fused))


def test_unknown_names_are_sentences():
    graph = lab.trace(anp.exp, np.ones(3))
    with pytest.raises(lab.LabError, match="no pass 'fse'.*fuse"):
        lab.optimize(graph, ["fse"])
    with pytest.raises(lab.LabError, match="no backend 'cuda'"):
        lab.compile(graph, backend="cuda")
    with pytest.raises(lab.LabError, match="no loop form for 'argsort'"):
        lab.compile(lab.trace(anp.argsort, np.ones((2, 3))))
