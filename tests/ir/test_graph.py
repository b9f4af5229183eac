"""Graphs: text that reads back, the verifier's sentences, the oracle, the counts."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import Graph, Node, Spec, interpret, parse, verify, work
from programs import PROGRAMS, SHAPES, inputs, program

F = Spec((2,), "f64")
LINES = """graph line
  input x : f64[2,3]
  const c0 : f64[] = 2.0
  t0 : f64[2,3] = mul(x, c0)
  t1 : f64[2] = sum(t0, axis=(1,), keepdims=False)
  output t1, x"""


@given(PROGRAMS, SHAPES, st.integers(0, 99), st.sampled_from([np.float32, np.float64]),
       st.booleans())
def test_a_traced_program_reads_back_and_computes_the_same(steps, shape, seed, dtype, gradient):
    f, args = program(steps), inputs(shape, dtype, seed)
    if gradient:
        f = lab.grad(lambda x, y, f=f: f(x, y)[1])
    graph = verify(lab.trace(f, *args))
    again = parse(str(graph), graph.constants)
    assert str(again) == str(graph) and again == graph
    assert (again.inputs, again.outputs, again.nodes) == (graph.inputs, graph.outputs, graph.nodes)
    wanted = f(*args)
    for got, want in zip(interpret(again, *args), wanted if isinstance(wanted, tuple)
                         else (wanted,), strict=True):
        assert np.shape(got) == np.shape(want) and got.dtype == np.asarray(want).dtype
        np.testing.assert_array_equal(got, want)


def test_the_text_is_aligned_and_keeps_order_and_unused_inputs():
    graph = parse(LINES)
    assert str(graph) == """graph line
  input x  : f64[2,3]
  const c0 : f64[]    = 2.0
  t0       : f64[2,3] = mul(x, c0)
  t1       : f64[2]   = sum(t0, axis=(1,), keepdims=False)
  output t1, x"""
    out, x = interpret(graph, np.ones((2, 3)))
    assert out.tolist() == [6, 6] and x.shape == (2, 3)


@pytest.mark.parametrize("array", [
    np.array([np.inf, -np.inf, np.nan]), np.zeros((0, 3)), np.zeros((2, 0), np.int8),
    np.array(True), np.array([-0.0]), np.array(1 / 3, np.float32), np.array([2**63], np.uint64),
    np.array([[1e-300, 1e300]]), np.arange(9.0), np.array([0.1], np.float16)])
def test_constants_travel_bit_by_bit(array):
    graph = Graph("g", (), ("c",), (), {"c": Spec(array.shape, array.dtype)}, {"c": array})
    again = parse(str(graph), graph.constants).constants["c"]
    assert again.dtype == array.dtype and again.shape == array.shape
    assert again.tobytes() == array.tobytes()


def test_a_large_constant_travels_beside():
    text = "graph g\n const c : f64[9] = @c\n output c"
    assert interpret(parse(text, {"c": np.arange(9.0)}))[0].tolist() == list(range(9))
    with pytest.raises(LabError, match=r"line 2 .* needs constants=\{'c': array\}"):
        parse(text)


@pytest.mark.parametrize("old, new, sentence", [
    ("graph line", "grph line", "line 1 of the graph should read 'graph NAME'"),
    ("  output t1, x", "", "has no line 'output"),
    ("mul(x, c0)", "mull(x, c0)", "no op 'mull' in OPS; did you mean: mul"),
    ("mul(x, c0)", "mul(x, c9)", r"t0 = mul\(x, c9\): c9 is used before it is made"),
    ("mul(x, c0)", "mul(x)", r"mul does not take|mul is not defined"),
    ("mul(x, c0)", "mul x, c0", "line 4 of the graph is no call"),
    ("t0 : f64[2,3]", "t0 : f32[2,3]", r"makes f64\[2,3\], the graph says f32\[2,3\]"),
    ("t0 : f64[2,3]", "x : f64[2,3]", "x is made twice"),
    ("t0 : f64[2,3]", "t0, t9 : f64[2,3]", "line 4 .* should have one spec a name"),
    ("t0 : f64[2,3]", "t0 : f64", "line 4 of the graph does not read"),
    ("axis=(1,)", "axis=(7,)", r"different axes from 0 to 1, got \[7\]"),
    ("axis=(1,)", "axes=(1,)", r"sum does not take \(f64\[2,3\], axes=\(1,\)"),
    ("axis=(1,)", "axis=open()", "line 5 of the graph has attributes that do not read"),
    ("axis=(1,)", "5, axis=(1,)", "5 is used before it is made"),
    ("= 2.0", "= [2.0", "line 3 of the graph has a constant that does not read"),
    ("= 2.0", "= [2.0, 3.0]", r"constant c0 is f64\[\] in the specs but holds f64\[2\]"),
    ("const c0 : f64[]", "const c0 : f65[]", "no dtype 'f65'"),
    ("output t1, x", "output t1, y", "output y is never made"),
    ("output t1, x", "output t1, x\n more", "line 7 of the graph stands after the end"),
    ("input x : f64[2,3]", "input x : f64[2,3]\n  input x : f64[2,3]",
     "two inputs or constants of one name"),
])
def test_a_fault_in_the_text_is_a_sentence(old, new, sentence):
    assert LINES.count(old) == 1
    with pytest.raises(LabError, match=sentence):
        parse(LINES.replace(old, new))


@given(st.integers(0, len(LINES)), st.integers(0, 3), st.text("x0t,=()[]: \n'f64-@", max_size=3))
def test_a_damaged_text_is_a_graph_or_a_sentence(at, cut, put):
    try:
        verify(parse(LINES[:at] + put + LINES[at + cut:]))
    except LabError as error:
        assert str(error).endswith(".") or "\n" in str(error)


@pytest.mark.parametrize("graph, sentence", [
    (Graph("g", ("x",), ("t",), (Node(("t",), "neg", ("x",)),), {"x": F}), "t has no spec"),
    (Graph("g", ("x",), (), (), {}), "x has no spec in graph g"),
    (Graph("g", ("x",), ("t",), (Node(("t",), "transpose", ("x",)),), {"x": F, "t": F}),
     r"transpose does not take \(f64\[2\]\)"),
    (Graph("g", ("x",), ("t",), (Node(("t", "u"), "neg", ("x",)),), {"x": F, "t": F, "u": F}),
     r"makes f64\[2\], the graph says f64\[2\], f64\[2\]"),
    (Graph("g", ("x", "x"), (), (), {"x": F}), "two inputs or constants of one name: x, x"),
])
def test_verify_names_the_first_fault(graph, sentence):
    with pytest.raises(LabError, match=sentence):
        verify(graph)


def test_verify_looks_into_bodies():
    body = Graph("f", ("x",), ("t",), (Node(("t",), "neg", ("y",)),), {"x": F, "t": F})
    node = Node(("u",), "fused", ("x",), {"body": body})
    with pytest.raises(LabError, match="y is used before it is made"):
        verify(Graph("g", ("x",), ("u",), (node,), {"x": F, "u": F}))


def test_a_graph_with_a_body_reads_back():
    args = (np.linspace(-1, 1, 6).reshape(2, 3),)
    graph = lab.optimize(lab.trace(lambda x: anp.tanh(x * 2 + 1), *args), ["fuse"])
    assert "fused" in str(graph) and "where" in str(graph)
    again = parse(str(graph))
    assert str(again) == str(graph)
    np.testing.assert_array_equal(interpret(again, *args)[0], np.tanh(args[0] * 2 + 1))


@pytest.mark.parametrize("args, sentence", [
    ((), r"line takes 1 arrays \(x\), got 0"),
    ((np.ones((2, 3)), 1.0), "takes 1 arrays"),
    ((np.ones((3, 2)),), r"input x should be f64\[2,3\], got f64\[3,2\]"),
    ((np.ones((2, 3), np.float32),), r"input x should be f64\[2,3\], got f32\[2,3\]"),
])
def test_arguments_that_do_not_fit_are_a_sentence(args, sentence):
    with pytest.raises(LabError, match=sentence):
        interpret(parse(LINES), *args)


def test_open_axes_are_fixed_by_the_arguments():
    graph = lab.trace(lambda x, y: x + y, np.ones((2, 3)), np.ones((2, 3)),
                      dims={"x": {0: "N"}, "y": {0: "N"}})
    for n in (0, 1, 5):
        assert interpret(graph, np.ones((n, 3)), np.ones((n, 3)))[0].shape == (n, 3)
    with pytest.raises(LabError, match=r"input y should be f64\[4,3\], got f64\[5,3\]"):
        interpret(graph, np.ones((4, 3)), np.ones((5, 3)))
    assert graph.at(N=7).specs["x"] == Spec((7, 3), "f64")


def test_work_counts_operations_and_bytes():
    a, b = np.ones((8, 4), np.float32), np.ones((4, 2), np.float32)
    matmul, relu = work(lab.trace(lambda a, b: anp.maximum(a @ b, 0), a, b))
    assert (matmul.flops, matmul.bytes_in, matmul.bytes_out) == (2 * 8 * 4 * 2, 160, 64)
    assert (relu.flops, relu.bytes_in, relu.kind) == (16, 64 + 4, "elementwise")
    twice = work(lab.trace(lambda a: a * a, a))[0]
    assert twice.bytes_in == a.nbytes and twice.bytes == 2 * a.nbytes and twice.dtype == "f32"


def test_users_and_but():
    graph = parse(LINES)
    assert [node.op for node in graph.users()["t0"]] == ["sum"] and not graph.users()["t1"]
    less = graph.but(nodes=(), outputs=("x",))
    assert set(less.specs) == {"x"} and not less.constants and less != graph
    assert dataclasses.replace(graph) == graph


@pytest.mark.parametrize("given", ["", "a, a", "b"])
def test_a_body_takes_what_it_is_given(given):
    text = f"""graph g
  input a : f64[2]
  input b : f32[2]
  c       : f64[2] = fused({given}) where
      graph body
        input x : f64[2]
        u       : f64[2] = exp(x)
        output u
  output c"""
    with pytest.raises(LabError, match=r"fused: the body takes \(f64\[2\]\), got"):
        parse(text)
    parse(text.replace(f"fused({given})", "fused(a)"))
