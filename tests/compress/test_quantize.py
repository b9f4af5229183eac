"""Quantisation against an oracle in whole numbers, and against the outside."""

from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx.reference import ReferenceEvaluator

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.compress import affine, symmetric
from aisys_lab.core import LabError


@pytest.fixture(scope="module")
def net(mlp):
    return lab.freeze(mlp)


@pytest.fixture(scope="module")
def q(net, digits):
    return lab.quantize(net, samples=digits[0].x, bits=8)


# ---- the whole network

def test_accuracy_stays_within_a_point_at_8_bits(net, q, digits):
    assert abs(lab.accuracy(net, digits[1]) - lab.accuracy(q, digits[1])) <= 0.01


def test_weights_take_a_quarter(net, q):
    """An i8 for each f32 weight, beside a scale for each column and the float biases."""
    weights = 64 * 32 + 32 * 10
    columns = 32 + 10
    assert net.nbytes == 4 * (weights + columns) + 4
    assert q.nbytes == weights + 4 * columns + 4 * columns + 4 + 2 * (4 + 1 + 4)


def test_both_matmuls_are_integer(q):
    ops = [node.op for node in q.nodes]
    assert ops.count("matmul_int") == 2 and "matmul" not in ops
    assert all(q.specs[n.outs[0]].dtype == np.int32 for n in q.nodes if n.op == "matmul_int")


def test_it_prints_and_parses(q):
    assert lab.parse(str(q), q.constants) == q
    assert "matmul_int(x.q, layer1.w.q, x.zero)" in str(q)


def test_inputs_and_outputs_stay(net, q):
    assert (q.inputs, q.outputs) == (net.inputs, net.outputs)
    assert [q.specs[n] for n in q.outputs] == [net.specs[n] for n in net.outputs]


@pytest.mark.parametrize("bits", range(2, 9))
def test_all_widths_stay_in_their_levels(net, digits, bits):
    small = lab.quantize(net, digits[0].x, bits=bits)
    top = 2 ** (bits - 1) - 1
    for name, array in small.constants.items():
        if array.dtype == np.int8:
            assert np.abs(array).max() == top, name
    seen = small.but(outputs=tuple(n.outs[0] for n in small.nodes if n.op == "quantize_linear"))
    for values in lab.interpret(seen, digits[1].x):
        assert values.max() <= 2**bits - 1


def test_more_bits_err_less(net, digits):
    x = digits[1].x
    want = lab.interpret(net, x)[0]
    errors = [np.square(lab.interpret(lab.quantize(net, digits[0].x, bits=b), x)[0] - want).mean()
              for b in (2, 4, 6, 8)]
    assert errors == sorted(errors, reverse=True)


def saturates():
    """Whether ONNX Runtime's products of bytes are cut at 16 bits on this CPU, and so not exact."""
    from benchmarks.peers import one_node
    a, b = np.full((4, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    return one_node("MatMulInteger", {"a": a}, {"b": b}, opset=13)()[0, 0] != 64 * 255 * 127


@pytest.mark.parametrize("bits", [4, 8])
def test_out_as_onnx_and_back(net, digits, tmp_path, bits):
    small = lab.quantize(net, digits[0].x, bits=bits)
    x = digits[1].x
    (want,) = lab.interpret(small, x)
    path = lab.save_onnx(small, tmp_path / "q.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    model.opset_import[0].version = 19  # the reference knows QuantizeLinear from 19 on only
    np.testing.assert_allclose(ReferenceEvaluator(model).run(None, {"x": x})[0], want,
                               rtol=1e-5, atol=1e-5)
    runtime = onnxruntime.InferenceSession(str(path)).run(None, {"x": x})[0]
    agree = np.mean(runtime.argmax(-1) == want.argmax(-1))
    assert agree > (0.95 if saturates() else 0.99)
    np.testing.assert_array_equal(lab.interpret(lab.load_onnx(path), x)[0], want)


def test_a_traced_model_and_a_loaded_file_give_the_same(mlp, net, digits, tmp_path):
    traced = lab.trace(mlp, digits[0].x[:1], dims={"x": {0: "N"}})
    loaded = lab.load_onnx(lab.save_onnx(mlp, tmp_path / "m.onnx"))
    outs = [lab.interpret(lab.quantize(g, digits[0].x), digits[1].x)[0]
            for g in (mlp, net, traced, loaded)]
    for out in outs[1:]:
        np.testing.assert_array_equal(out, outs[0])


# ---- one layer against whole numbers

small_floats = st.floats(-4, 4, width=32)


@given(arrays.arrays(np.float32, (3, 5), elements=small_floats),
       arrays.arrays(np.float32, (5, 2), elements=small_floats), st.integers(2, 8))
def test_one_layer_is_exact(x, w, bits):
    """The integers of the graph, redone by Python; only the last product is a float's."""
    graph = lab.trace(lambda x: anp.matmul(x, w), x)
    q = lab.quantize(graph, x, bits=bits)
    inner = q.but(outputs=tuple(node.outs[0] for node in q.nodes))
    xq, sums, out = lab.interpret(inner, x)
    (_, wq_name, zero_name), (_, scale_name, _) = (q.nodes[k].inputs for k in (1, 2))
    wq, zero = q.constants[wq_name].tolist(), int(q.constants[zero_name])
    want = [[sum((a - zero) * row[j] for a, row in zip(line, wq, strict=True)) for j in range(2)]
            for line in xq.tolist()]
    assert sums.tolist() == want
    scale = q.constants[scale_name]
    assert out.tolist() == [[float(np.float32(n) * s) for n, s in zip(line, scale, strict=True)]
                            for line in want]


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(2, 8))
def test_affine_covers_the_range_and_zero_is_exact(a, b, bits):
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    scale, zero = affine(min(a, b), max(a, b), bits)
    top = 2**bits - 1
    assert 0 <= zero <= top
    first, last = Fraction(scale) * (0 - zero), Fraction(scale) * (top - zero)
    slack = Fraction(scale) * Fraction(501, 1000)  # rounding the zero point moves both ends
    assert first - slack <= Fraction(low) and Fraction(high) <= last + slack


@given(arrays.arrays(np.float32, (6, 3), elements=st.floats(-1e3, 1e3, width=32)),
       st.integers(2, 8))
def test_symmetric_errs_by_half_a_step_at_most(w, bits):
    q, scale = symmetric(w, bits)
    assert np.abs(q).max(initial=0) <= 2 ** (bits - 1) - 1
    assert (np.abs(q * scale.astype(np.float64) - w) <= 0.5001 * scale).all()
    assert (q[w == 0] == 0).all()


def test_an_activation_that_two_layers_read_is_quantised_once():
    rng = np.random.default_rng(0)
    w, v = (rng.standard_normal((4, 3)).astype(np.float32) for _ in "wv")
    x = rng.standard_normal((6, 4)).astype(np.float32)
    q = lab.quantize(lab.trace(lambda x: anp.matmul(x, w) + anp.matmul(x, v), x), x)
    assert [node.op for node in q.nodes].count("quantize_linear") == 1
    np.testing.assert_allclose(lab.interpret(q, x)[0], x @ w + x @ v, atol=0.1)


def test_zero_samples_and_zero_weights_divide_by_nothing():
    w = np.zeros((4, 2), np.float32)
    x = np.zeros((3, 4), np.float32)
    q = lab.quantize(lab.trace(lambda x: anp.matmul(x, w), x), x)
    np.testing.assert_array_equal(lab.interpret(q, x)[0], np.zeros((3, 2)))


def test_a_students_observer_is_used(net, digits):
    with lab.attempt():
        lab.OBSERVERS["half"] = lambda values: (0.0, values.max() / 2)
        halved = lab.quantize(net, digits[0].x, observer="half")
    full = lab.quantize(net, digits[0].x)
    assert halved.constants["x.scale"] == pytest.approx(full.constants["x.scale"] / 2)


# ---- sentences

@pytest.mark.parametrize(("change", "words"), [
    ({"samples": np.zeros((5, 63), np.float32)}, r"x should be f32\[N,64\], got f32\[5,63\]"),
    ({"samples": np.zeros((5, 64))}, r"got f64\[5,64\]"),
    ({"samples": np.zeros((0, 64), np.float32)}, "with no values"),
    ({"samples": np.full((5, 64), np.nan, np.float32)}, "infinite or undefined"),
    ({"bits": 1}, "whole number from 2 to 8"), ({"bits": 9}, "bits=9"),
    ({"bits": 4.0}, "bits=4.0"), ({"bits": True}, "bits=True"),
    ({"observer": "maxmin"}, "no observer 'maxmin'.*minmax")])
def test_bad_calls(net, digits, change, words):
    with pytest.raises(LabError, match=words):
        lab.quantize(net, **{"samples": digits[0].x[:20]} | change)


def test_parameters_as_inputs_say_how_to_freeze(mlp, digits):
    x = digits[0].x[:4]
    graph = lab.trace(mlp.apply, mlp.params, x)
    with pytest.raises(LabError, match="no float matmul with constant weights.*freeze"):
        lab.quantize(graph, x)
    assert len(lab.quantize(lab.freeze(graph, mlp.params), x).inputs) == 1


def test_a_quantised_graph_is_not_quantised_again(q, digits):
    with pytest.raises(LabError, match="no float matmul"):
        lab.quantize(q, digits[0].x)


def test_sums_too_long_for_32_bits():
    w = np.zeros((70000, 1), np.float32)
    graph = lab.trace(lambda x: anp.matmul(x, w), np.zeros((1, 70000), np.float32))
    with pytest.raises(LabError, match="sums 70000 products of 8 bits"):
        lab.quantize(graph, np.zeros((1, 70000), np.float32))
