"""Softmax, norms and losses: both modes to third order, traces, sentences."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import bind
from autodiff.ways import agree_in_second_order, agree_when_traced

LABELS = np.array([1, 0, 3])
CASES = {  # name: (function of arrays, their shapes)
    "softmax": (anp.softmax, (3, 4)),
    "softmax of axes": (lambda x: anp.softmax(x, (0, 2)), (2, 3, 4)),
    "log_softmax": (anp.log_softmax, (3, 4)),
    "log_softmax of axis 0": (lambda x: anp.log_softmax(x, 0), (3, 4)),
    "cross_entropy": (lambda x: anp.cross_entropy(x, LABELS), (3, 4)),
    "cross_entropy of tokens": (lambda x: anp.cross_entropy(x, LABELS.reshape(1, 3)), (1, 3, 4)),
    "binary_cross_entropy": (lambda x: anp.binary_cross_entropy(x, LABELS % 2), (3,)),
    "mse": (anp.mse, (3, 4), (3, 4)), "gelu": (anp.gelu, (3, 4)),
    "layernorm": (anp.layernorm, (2, 3, 4), (4,), (4,)),
    "layernorm of numbers": (lambda x: anp.layernorm(x, 2, 1), (3, 4)),
    "rmsnorm": (anp.rmsnorm, (3, 4), (4,)),
    "groupnorm": (lambda x, g, b: anp.groupnorm(x, 2, g, b), (2, 4, 3), (4,), (4,)),
    "batchnorm": (lambda x, g, b: anp.batchnorm(x, g, b)[0], (3, 2, 2, 2), (2,), (2,)),
    "batchnorm of statistics": (lambda *xs: anp.batchnorm(*xs[:4], xs[4] ** 2)[0], (3, 2), (2,),
                                (2,), (2,), (2,)),
}


def arguments(name):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in CASES[name][1:]]


@pytest.mark.parametrize("name", CASES)
def test_rules_agree_with_central_differences(name):
    lab.check_grads(CASES[name][0], order=3, tolerance=1e-5)(*arguments(name))


@pytest.mark.parametrize("name", CASES)
def test_modes_agree_in_second_order_in_all_four_ways(name):
    agree_in_second_order(CASES[name][0], arguments(name))


@pytest.mark.parametrize("name", CASES)
def test_traced_gradients_are_the_eager_ones(name):
    agree_when_traced(CASES[name][0], arguments(name))


def test_cross_entropy_runs_in_one_go_on_arrays_and_in_parts_in_a_trace():
    x = arguments("cross_entropy")[0]
    loss, u = CASES["cross_entropy"][0], np.float64(0.7)
    ops = {node.op for node in lab.trace(lambda x: bind("cross_entropy", x, LABELS), x).nodes}
    assert ops == {"cross_entropy"}
    assert "cross_entropy" not in {node.op for node in lab.trace(loss, x).nodes}
    slope = lab.vjp(loss, x)[1](u)[0]
    moved = lab.jvp(lambda u: lab.vjp(loss, x)[1](u)[0], (u,), (u,))[1]  # linear in u
    np.testing.assert_allclose(moved, slope, rtol=1e-12)
    f = lab.grad(lambda x: bind("cross_entropy", x, LABELS))
    np.testing.assert_allclose(lab.jvp(f, (x,), (x,))[1], lab.jvp(lab.grad(loss), (x,), (x,))[1],
                               atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_gradients_keep_the_dtype(dtype):
    for name, (f, *_) in CASES.items():
        args = [x.astype(dtype) for x in arguments(name)]
        out, pull = lab.vjp(f, *args)
        assert {out.dtype, *(g.dtype for g in pull(out))} == {np.dtype(dtype)}, name


def test_empty_arrays_and_lists():
    assert anp.softmax(np.ones((2, 0))).shape == (2, 0)
    assert anp.layernorm(np.ones((0, 3)), np.ones(3), np.ones(3)).shape == (0, 3)
    assert anp.layernorm([[1.0, 3]], 1, 0, eps=0).tolist() == [[-1, 1]]


def test_statistics_of_batches_come_out():
    x = np.random.default_rng(0).standard_normal((5, 3, 4))
    y, mean, var = anp.batchnorm(x, np.ones(3), np.zeros(3), eps=0)
    np.testing.assert_allclose(mean, x.mean((0, 2)))
    np.testing.assert_allclose(var, x.var((0, 2)))
    again, *_ = anp.batchnorm(x, np.ones(3), np.zeros(3), mean, var, eps=0)
    np.testing.assert_allclose(again, y)
    np.testing.assert_allclose(y.mean((0, 2)), 0, atol=1e-12)


X, C = np.ones((2, 4, 3)), np.ones(4)


@pytest.mark.parametrize("call, sentence", [
    (lambda: anp.cross_entropy(X, np.zeros(2, int)), "cross_entropy: labels .* do not fit logits"),
    (lambda: anp.cross_entropy(X, np.full((2, 4), 3)), "a label is 3, but logits .* 3 classes"),
    (lambda: anp.cross_entropy(X, np.full((2, 4), -1)), "a label is -1, but logits"),
    (lambda: anp.softmax(X, 3), "axis 3 of"),
    (lambda: anp.mse(X, X[0]), r"mse: f64\[2,4,3\] and f64\[4,3\] should have one shape"),
    (lambda: anp.binary_cross_entropy(X, C), "should have one shape"),
    (lambda: anp.groupnorm(X, 3, C, C), "groupnorm: 4 channels .* do not divide into 3 groups"),
    (lambda: anp.groupnorm(X, 0, C, C), "groups=0"),
    (lambda: anp.groupnorm(X, 2, C[:2], C), "one number for each of C channels"),
    (lambda: anp.batchnorm(C, C, C), "batchnorm: takes f.N, C, ...."),
    (lambda: anp.batchnorm(X, C, C, C), "takes mean and var together, or neither"),
    (lambda: anp.gelu(X, "exact"), "gelu: approximate='exact'"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()


@pytest.mark.parametrize(("shape", "error"), [((8, 10), 0), ((3, 16, 7), 0), ((64, 65), 1e-6)])
def test_cross_entropy_of_a_trace_has_the_same_bits_or_is_a_kernel(shape, error):
    x = (np.random.default_rng(0).standard_normal(shape) * 3).astype(np.float32)
    y = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    step = lab.value_and_grad(anp.cross_entropy)
    for got, want in zip(step(x, y), lab.interpret(lab.trace(step, x, y), x, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=error, atol=0)


@pytest.mark.parametrize(("run", "words"), [
    (lambda: anp.layernorm(np.ones((1, 4)), np.ones(3), np.ones(3)),
     r"mul: shapes \[1, 4\] and \[3\] do not broadcast"),
    (lambda: anp.rmsnorm(np.ones((1, 4)), np.ones(3)), r"mul: shapes \[1, 4\] and \[3\]"),
    (lambda: anp.cross_entropy(np.ones((2, 3)), np.array([0.5, 1.0])),
     r"labels f64\[2\] do not fit logits f64\[2,3\]; they are whole numbers"),
])
def test_widths_and_labels_that_do_not_fit_are_sentences(run, words):
    with pytest.raises(lab.core.LabError, match=words):
        run()
