"""Convolution and pooling of the namespace: both modes to third order, traces, sentences."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import Spec
from autodiff.ways import agree_in_second_order, agree_when_traced

CASES = {  # name: (function of arrays, their shapes)
    "conv2d": (lambda x, w: anp.conv2d(x, w, 2, 1, 1, 2), (2, 4, 5, 6), (6, 2, 3, 3)),
    "stride and dilation": (lambda x, w: anp.conv2d(x, w, (3, 2), 2, (2, 1)), (1, 2, 6, 7),
                            (3, 2, 3, 3)),
    "bias": (lambda x, w, b: anp.conv2d(x, w, padding="same", bias=b), (2, 2, 4, 3), (3, 2, 3, 2),
             (3,)),
    "depthwise": (lambda x, w: anp.conv2d(x, w, 1, 1, 1, 4), (2, 4, 5, 4), (4, 1, 3, 3)),
    "pointwise": (anp.conv2d, (2, 3, 4, 2), (4, 3, 1, 1)),
    "conv1d": (lambda x, w: anp.conv1d(x, w, 2, ((1, 2),), 2), (2, 4, 9), (3, 4, 3)),
    "conv3d": (anp.conv3d, (1, 2, 3, 4, 3), (2, 2, 2, 2, 2)),
    "conv_transpose2d": (lambda x, w, b: anp.conv_transpose2d(x, w, 2, 1, 1, 2, bias=b),
                         (2, 4, 3, 2), (4, 3, 3, 3), (6,)),
    "conv_transpose1d": (lambda x, w: anp.conv_transpose1d(x, w, 3, 1), (2, 4, 3), (4, 3, 4)),
    "max_pool2d": (lambda x: anp.max_pool2d(x, 3, 2, 1) ** 2, (2, 3, 7, 6)),
    "max_pool1d": (lambda x: anp.max_pool1d(x, 2) ** 2, (2, 3, 7)),
    "avg_pool1d": (lambda x: anp.avg_pool1d(x, 2) ** 2, (2, 3, 7)),
    "avg_pool2d": (lambda x: anp.avg_pool2d(x, 3, 2, 1) ** 2, (2, 3, 7, 6)),
    "avg without pads": (lambda x: anp.avg_pool2d(x, 3, 2, 1, False) ** 2, (2, 3, 7, 6)),
    "adaptive": (lambda x: anp.adaptive_avg_pool2d(x, (3, 4)) ** 2, (2, 3, 7, 6)),
    "adaptive, even": (lambda x: anp.adaptive_avg_pool2d(x, (7, 2)) ** 2, (2, 3, 7, 6)),
    "global": (lambda x: anp.global_avg_pool2d(x) ** 2, (2, 3, 4, 5)),
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


def test_a_layer_is_one_node_forward_and_two_backward():
    def loss(w, x):
        hidden = anp.max_pool2d(anp.relu(anp.conv2d(x, w["a"], padding=1)), 2)
        return anp.sum(anp.conv2d(hidden, w["b"], groups=4) ** 2)
    rng = np.random.default_rng(0)
    w = {"a": rng.standard_normal((4, 1, 3, 3)), "b": rng.standard_normal((4, 1, 3, 3))}
    x = rng.standard_normal((2, 1, 8, 8))
    graph = lab.trace(lab.value_and_grad(loss), w, x, dims={"x": {0: "N"}})
    ops = [node.op for node in graph.nodes]
    names = ("conv", "conv_input", "conv_weight", "max_pool", "max_pool_input")
    assert [ops.count(op) for op in names] == [2, 1, 2, 1, 1]
    value, g = lab.value_and_grad(loss)(w, x)
    for got, want in zip(lab.interpret(graph, w, x), (value, g["a"], g["b"]), strict=True):
        np.testing.assert_allclose(got, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_keep_the_dtype(dtype):
    for name, (f, *_) in CASES.items():
        args = [x.astype(dtype) for x in arguments(name)]
        out, pull = lab.vjp(f, *args)
        assert {out.dtype, *(g.dtype for g in pull(out))} == {np.dtype(dtype)}, name
        assert lab.jvp(f, args, args)[1].dtype == dtype


def test_specs_and_lists_go_through():
    x, w = Spec(("N", 3, 8, 8), "f32"), Spec((4, 3, 3, 3), "f32")
    assert anp.conv2d(x, w, 2, 1) == Spec(("N", 4, 4, 4), "f32")
    assert anp.max_pool2d(x, 2) == Spec(("N", 3, 4, 4), "f32")
    assert anp.conv1d([[[1.0, 2, 3]]], [[[1.0, 1]]]).tolist() == [[[3, 5]]]
    assert anp.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2)), np.int64(2),
                      [0, 1]).shape == (1, 1, 2, 3)


X, W = np.ones((2, 4, 8, 8)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize("call, sentence", [
    (lambda: anp.conv2d(X[0], W), r"conv2d: takes arrays with 4 axes .* got f64\[4,8,8\]"),
    (lambda: anp.conv1d(X, W), "conv1d: takes arrays with 3 axes"),
    (lambda: anp.conv2d(X, W, groups=2), "the kernel takes 4 in each of 2 groups"),
    (lambda: anp.conv2d(X, W, groups=0), "groups=0; it is a whole number of 1 or more"),
    (lambda: anp.conv2d(X, W, stride=1.5), "stride=1.5"),
    (lambda: anp.conv2d(X, W, stride=(1, 2, 3)), "give one whole number, or 2"),
    (lambda: anp.conv2d(X, W, padding=-1), "padding=-1"),
    (lambda: anp.conv2d(X, W, padding="valid"), "padding='valid'; it is a number, 2 numbers"),
    (lambda: anp.conv2d(X, W, stride=2, padding="same"), "keeps the size at stride 1, not at 2"),
    (lambda: anp.conv2d(X, np.ones((6, 4, 9, 3))), "a kernel of 9 .* does not fit 8 entries"),
    (lambda: anp.conv2d(X, W, bias=np.ones(4)), "the bias should have one number for each"),
    (lambda: anp.conv_transpose2d(X, W), "do not fit"),
    (lambda: anp.conv_transpose2d(X, np.ones((4, 6, 3, 3)), output_padding=1),
     r"output_padding \(1, 1\) should be less than the stride"),
    (lambda: anp.conv_transpose2d(X[:, :, :1, :1], np.ones((4, 6, 3, 3)), padding=2), "give less"),
    (lambda: anp.max_pool2d(X[0], 2), "max_pool2d: takes arrays with 4 axes"),
    (lambda: anp.max_pool2d(X, 9), "a kernel of 9"),
    (lambda: anp.max_pool2d(X, 2, padding=2), "as wide as the window"),
    (lambda: anp.avg_pool2d(X, 0), "kernel=0"), (lambda: anp.avg_pool2d(X, "2"), "kernel='2'"),
    (lambda: anp.adaptive_avg_pool2d(X, 0), "size=0"),
    (lambda: anp.global_avg_pool2d(X[0]), "global_avg_pool2d: takes arrays with 4 axes"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()
