"""Random programs: our values against NumPy alone, our derivatives against the complex step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import apply_graph, backward
from aisys_lab.autodiff import numpy as anp
from autodiff.fuzz_programs import REFERENCE, programs

DTYPES = st.sampled_from([np.float32, np.float64])
MANY = settings(max_examples=300)
CLOSE = {np.float32: {"rtol": 1e-4, "atol": 1e-4}, np.float64: {"rtol": 1e-11, "atol": 1e-11}}
SAME = {np.float32: {"rtol": 1e-5, "atol": 1e-5}, np.float64: {"rtol": 1e-13, "atol": 1e-13}}


def ours(program):
    return lambda *xs: program(anp, *xs)


def directions(program, like, seed):
    """Random arrays of the shapes of others."""
    rng = np.random.default_rng((program.seed, seed))
    return tuple(np.asarray(rng.standard_normal(np.shape(x)), x.dtype) for x in like)


def inner(a, b):
    return sum(float(np.sum(x * y)) for x, y in zip(a, b, strict=True))


def alike(got, want, **close):
    """Equal shapes and dtypes, and values as near as asked."""
    for a, b in zip(got, want, strict=True):
        assert (np.shape(a), a.dtype) == (np.shape(b), b.dtype)
        np.testing.assert_allclose(a, b, **close)


@MANY
@given(programs(), DTYPES)
def test_values_are_those_of_numpy(program, dtype):
    args = program.inputs(dtype)
    alike(program(anp, *args), program(REFERENCE, *args), **CLOSE[dtype])


@MANY
@given(programs())
def test_tangents_are_those_of_the_complex_step(program):
    args = program.inputs()
    v = directions(program, args, 1)
    out, moved = lab.jvp(ours(program), tuple(args), v)
    exact = program(REFERENCE, *(x + 1e-30j * t for x, t in zip(args, v, strict=True)))
    alike(out, program(anp, *args), **SAME[np.float64])
    alike(moved, [np.imag(x) / 1e-30 for x in exact], rtol=1e-8, atol=1e-8)


@MANY
@given(programs())
def test_gradients_are_those_of_the_complex_step(program):
    args = program.inputs()
    out, pull = lab.vjp(ours(program), *args)
    u, v = directions(program, out, 1), directions(program, args, 2)
    exact = program(REFERENCE, *(x + 1e-30j * t for x, t in zip(args, v, strict=True)))
    g = pull(u)
    assert [(x.shape, x.dtype) for x in g] == [(x.shape, x.dtype) for x in args]
    np.testing.assert_allclose(inner(g, v), inner(u, [np.imag(x) / 1e-30 for x in exact]),
                               rtol=1e-8, atol=1e-8)


@MANY
@given(programs(), DTYPES)
def test_graphs_give_what_eager_gives_when_read_again_and_optimized_too(program, dtype):
    args = program.inputs(dtype)
    out, pull = lab.vjp(ours(program), *args)
    u = directions(program, out, 1)

    def both(*args):
        out, pull = lab.vjp(ours(program), *args)
        return *out, *pull(u)

    graph = lab.trace(both, *args)
    got = lab.interpret(graph, *args)
    alike(got, (*out, *pull(u)), **SAME[dtype])
    again = lab.parse(str(graph), graph.constants)
    alike(lab.interpret(again, *args), got, rtol=0, atol=0)
    alike(lab.interpret(lab.optimize(graph), *args), got, **SAME[dtype])
    assert all(x.dtype == dtype for x in got)
    assert [graph.specs[name].shape for name in graph.outputs] == [np.shape(x) for x in got]


@MANY
@given(programs(longest=5))
def test_second_derivatives_are_symmetric_and_the_same_by_all_ways(program):
    args = tuple(program.inputs())
    out = program(anp, *args)
    u, v, w = directions(program, out, 1), directions(program, args, 2), directions(
        program, args, 3)

    def down(*xs):
        return sum(anp.sum(a * b) for a, b in zip(u, lab.jvp(ours(program), xs, v)[1],
                                                  strict=True))

    def up(*xs):
        return sum(anp.sum(a * b) for a, b in zip(lab.vjp(ours(program), *xs)[1](u), v,
                                                  strict=True))

    def gradient(*xs):
        return lab.vjp(ours(program), *xs)[1](u)

    found = [lab.jvp(f, args, w)[1] for f in (down, up)]
    found += [inner(lab.vjp(f, *args)[1](anp.ones_like(f(*args))), w) for f in (down, up)]
    found += [inner(lab.jvp(gradient, args, v)[1], w), inner(lab.jvp(gradient, args, w)[1], v)]
    np.testing.assert_allclose(found, found[0], rtol=1e-8, atol=1e-8)


@MANY
@given(programs(longest=6))
def test_checkpoints_joint_graphs_and_replayed_graphs_give_the_same_gradient(program):
    args = program.inputs()
    f, loss = ours(program), lambda *xs: program(anp, *xs)[1]
    u = directions(program, f(*args), 1)
    want = lab.vjp(f, *args)[1](u)
    alike(lab.vjp(lab.checkpoint(f), *args)[1](u), want, **SAME[np.float64])
    replayed = apply_graph(lab.optimize(lab.trace(f, *args)))
    alike(lab.vjp(lambda *xs: tuple(replayed(*xs)), *args)[1](u), want, **CLOSE[np.float64])
    value, pull = lab.vjp(loss, *args)
    joint = lab.interpret(backward(lab.trace(loss, *args)), *args)
    alike(joint, (value, *pull(np.float64(1))), **SAME[np.float64])
