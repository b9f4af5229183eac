"""Layers: tables, names, first values, two passes, and what does not fit."""

import dataclasses

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import nn, random
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core.tree import flatten, names

N = np.random.default_rng(0).standard_normal
KEY = random.key(3)
NET = nn.Sequential([nn.Linear(6, 8), nn.Activation(), nn.Dropout(0.5),
                     nn.Residual(nn.Linear(8, 8, bias=False)), nn.LayerNorm(8),
                     nn.Linear(8, 3, start="torch")])
CONV = nn.Sequential({"conv1": nn.Conv2d(3, 8, 3, stride=2, padding=1, start=0.02),
                      "norm1": nn.BatchNorm2d(8), "relu": nn.Activation("relu6"),
                      "conv2": nn.Conv2d(8, 8, (3, 1), groups=8, bias=False),
                      "pool": nn.MaxPool2d(2), "flat": nn.Flatten(), "head": nn.Linear(24, 10)})


def test_text_of_a_network(golden):
    golden("nn_net", repr(NET))
    golden("nn_conv", repr(CONV))
    golden("nn_attention", repr(nn.MultiHeadAttention(8, 2)))


def test_a_summary_has_the_specs_of_all_results(golden):
    golden("nn_summary", nn.summary(NET, lab.Spec(("N", 6), "f32")))


def test_parameters_enter_a_trace_by_name(golden):
    graph = lab.trace(NET.apply, NET.specs(), lab.Spec(("N", 6), "f32"))
    assert graph.inputs[:-1] == tuple(names(NET.parts())) == (
        "linear1.w", "linear1.b", "block1.body.w", "norm1.gamma", "norm1.beta", "linear2.w",
        "linear2.b")
    golden("nn_graph", str(graph))


def test_a_seed_a_key_and_a_generator_make_parameters():
    for source in (lambda: 5, lambda: random.key(5), lambda: np.random.default_rng(5)):
        one, other = NET.init(source()), NET.init(source())
        for a, b in zip(flatten(one)[0], flatten(other)[0], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.float32
    assert NET.init(0, "float64")["linear1"]["w"].dtype == np.float64


@pytest.mark.parametrize("law, variance", [
    ("he_normal", 2 / 300), ("he_uniform", 2 / 300), ("glorot_normal", 2 / 500),
    ("glorot_uniform", 2 / 500), ("lecun_normal", 1 / 300), ("torch", 1 / 900), ("normal", 1),
    (0.02, 0.0004), ("zeros", 0), ("ones", 0)])
def test_laws_have_the_variance_of_their_paper(law, variance):
    w = nn.Linear(300, 200, start=law).init(0, "float64")["w"]
    assert np.var(w) == pytest.approx(variance, rel=0.02)
    assert np.mean(w) == pytest.approx(float(law == "ones"), abs=5 * (variance / w.size) ** 0.5)


def test_fans_of_a_grouped_convolution():
    part = nn.Conv2d(8, 12, (3, 5), groups=4).parts()["w"]
    assert part.shape == (12, 2, 3, 5) and part.fans == (30, 45)
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    fans = torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(part.shape))
    assert fans[0] == 30  # its fan_out forgets the groups


def test_the_law_of_pytorch_reaches_its_bounds():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    torch.manual_seed(0)
    for ours, theirs in ((nn.Linear(50, 900, start="torch"), torch.nn.Linear(50, 900)),
                         (nn.Conv2d(10, 900, 3, start="torch"), torch.nn.Conv2d(10, 900, 3))):
        mine = ours.init(0)
        for a, b in ((mine["w"], theirs.weight), (mine["b"], theirs.bias)):
            b = b.detach().numpy()
            assert np.abs(a).max() == pytest.approx(np.abs(b).max(), rel=0.05)
            assert np.std(a) == pytest.approx(np.std(b), rel=0.1)


def test_dropout_is_a_function_of_the_key():
    layer, x = nn.Dropout(0.25), np.ones((40, 50), np.float32)
    y, updates = layer.train({}, x, KEY)
    np.testing.assert_array_equal(y, layer.train({}, x, KEY)[0])
    assert (y != layer.train({}, x, random.key(4))[0]).any() and updates == {}
    assert set(np.unique(y)) == {0, np.float32(4 / 3)} and y.dtype == np.float32
    assert np.mean(y == 0) == pytest.approx(0.25, abs=0.05)
    assert layer.apply({}, x) is x and nn.Dropout(0).train({}, x)[0] is x


def test_dropout_layers_of_a_network_draw_apart():
    net = nn.Sequential([nn.Dropout(0.5), nn.Residual(nn.Dropout(0.5), nn.Dropout(0.5))])
    y = net.train({}, np.ones(2000), KEY)[0]
    first = nn.Dropout(0.5).train({}, np.ones(2000), random.fold_in(KEY, 0))[0]
    assert np.all(y[first == 0] == 0) and set(np.unique(y)) == {0, 4, 8}


def test_the_gradient_meets_the_mask_of_the_value():
    net, x = nn.Dropout(0.5), N((5, 6))
    slope = lab.grad(lambda x: anp.sum(net.train({}, x, KEY)[0]))(x)
    np.testing.assert_array_equal(slope * x, net.train({}, x, KEY)[0])


def test_a_training_pass_may_be_traced_with_its_key():
    params, x = NET.init(0), N((4, 6)).astype(np.float32)
    graph = lab.trace(lambda params, x, key: NET.train(params, x, key)[0], params, x, KEY)
    for key in (KEY, random.key(8)):
        want = NET.train(params, x, key)[0]
        np.testing.assert_allclose(lab.interpret(graph, params, x, key)[0], want, rtol=1e-6)


def test_batch_statistics_move_the_running_ones_and_have_no_slope():
    layer, x = nn.BatchNorm2d(3), 2 * N((4, 3, 5, 6)) + 1
    params = layer.init(0, "float64")
    y, updates = layer.train(params, x)
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-4)
    np.testing.assert_allclose(updates["mean"], 0.1 * x.mean((0, 2, 3)))
    np.testing.assert_allclose(updates["var"], 0.9 + 0.1 * x.var((0, 2, 3), ddof=1))
    for loss in (lambda p: anp.sum(anp.square(layer.apply(p, x))),
                 lambda p: anp.sum(layer.train(p, x)[1]["mean"])):
        slopes = lab.vjp(loss, params)[1](1.0)[0]
        assert not slopes["mean"].any() and not slopes["var"].any()


def test_merge_changes_what_it_is_told_and_shares_the_rest():
    params = {"a": {"w": 1, "mean": 2}, "b": {"w": 3}}
    new = nn.merge(params, {"a": {"mean": 5}})
    assert new == {"a": {"w": 1, "mean": 5}, "b": {"w": 3}} and params["a"]["mean"] == 2
    assert new["b"] is params["b"] and nn.merge(params, {}) is params


LAYERS = {  # layer, shape of its input
    "linear": (nn.Linear(4, 3), (2, 5, 4)), "layernorm": (nn.LayerNorm(4), (2, 4)),
    "rmsnorm": (nn.RMSNorm(4), (2, 4)), "groupnorm": (nn.GroupNorm(2, 4), (2, 4, 3, 2)),
    "batchnorm": (nn.BatchNorm2d(3), (2, 3, 2, 2)), "silu": (nn.Activation("silu"), (7,)),
    "hardswish": (nn.Activation("hardswish"), (7,)), "mean": (nn.GlobalAvgPool(), (2, 3, 4, 5)),
    "attention": (nn.MultiHeadAttention(4, 2), (2, 3, 4)), "flatten": (nn.Flatten(), (2, 3, 2)),
    "conv": (nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, start="torch"), (2, 4, 5, 6)),
    "maxpool": (nn.MaxPool2d(2, 1), (2, 3, 4, 5)), "avgpool": (nn.AvgPool2d(3, 2, 1), (2, 3, 4, 5)),
    "relu6": (nn.Activation("relu6"), (7,)), "gelu": (nn.Activation("gelu"), (7,)),
    "residual": (nn.Residual(nn.Linear(4, 3), nn.Linear(4, 3)), (2, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_slopes_of_both_passes(name):
    layer, shape = LAYERS[name]
    params, x = layer.init(0, "float64"), N(shape)
    mine, fixed = trained(params)
    for f in (lambda p, x: layer.apply(p | fixed, x), lambda p, x: layer.train(p | fixed, x)[0]):
        lab.check_grads(f, order=1)(mine, x)


def trained(params):
    """Parameters without and with slope."""
    fixed = {k: v for k, v in params.items() if k in ("mean", "var")}
    return {k: v for k, v in params.items() if k not in fixed}, fixed


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "residual"])
def test_layers_of_pytorch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    layer, shape = LAYERS[name]
    params, x = layer.init(0, "float64"), N(shape)
    with torch.no_grad():
        theirs = PEERS[name](torch, {k: torch.tensor(v) for k, v in _flat(params).items()})
        want = theirs(torch.tensor(x)).numpy()
    np.testing.assert_allclose(layer.train(params, x)[0], want, rtol=1e-10, atol=1e-12)


def _flat(params):
    return dict(zip(names(params), flatten(params)[0], strict=True))


def _attention(torch, p):
    layer = torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
    layer.load_state_dict({"in_proj_weight": p["qkv.w"].T, "in_proj_bias": p["qkv.b"],
                           "out_proj.weight": p["out.w"].T, "out_proj.bias": p["out.b"]})
    hide = ~torch.tril(torch.ones(3, 3, dtype=bool))
    return lambda x: layer(x, x, x, attn_mask=hide, need_weights=False)[0]


PEERS = {
    "linear": lambda t, p: lambda x: t.nn.functional.linear(x, p["w"].T, p["b"]),
    "layernorm": lambda t, p: lambda x: t.nn.functional.layer_norm(x, (4,), p["gamma"], p["beta"]),
    "rmsnorm": lambda t, p: lambda x: t.nn.functional.rms_norm(x, (4,), p["gamma"], 1e-5),
    "groupnorm": lambda t, p: lambda x: t.nn.functional.group_norm(x, 2, p["gamma"], p["beta"]),
    "batchnorm": lambda t, p: lambda x: t.nn.functional.batch_norm(
        x, p["mean"], p["var"], p["gamma"], p["beta"], training=True),
    "conv": lambda t, p: lambda x: t.nn.functional.conv2d(x, p["w"], p["b"], 2, 1, 1, 2),
    "maxpool": lambda t, p: lambda x: t.nn.functional.max_pool2d(x, 2, 1),
    "avgpool": lambda t, p: lambda x: t.nn.functional.avg_pool2d(x, 3, 2, 1),
    "relu6": lambda t, p: t.nn.functional.relu6, "flatten": lambda t, p: t.nn.Flatten(),
    "gelu": lambda t, p: lambda x: t.nn.functional.gelu(x, approximate="tanh"),
    "mean": lambda t, p: lambda x: x.mean((2, 3)),
    "silu": lambda t, p: t.nn.functional.silu, "hardswish": lambda t, p: t.nn.functional.hardswish,
    "attention": _attention,
}


def test_running_statistics_of_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    ours, theirs = nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3, dtype=torch.float64)
    params = ours.init(0, "float64")
    for _ in range(4):
        x = N((2, 3, 4, 4)) * 3 + 1
        params = nn.merge(params, ours.train(params, x)[1])
        theirs(torch.tensor(x))
    np.testing.assert_allclose(params["mean"], theirs.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(params["var"], theirs.running_var.numpy(), rtol=1e-12)
    with torch.no_grad():
        np.testing.assert_allclose(ours.apply(params, x), theirs.eval()(torch.tensor(x)).numpy(),
                                   rtol=1e-10)


def test_an_embedding_is_a_row_and_its_slope_counts():
    layer, ids = nn.Embedding(5, 3), np.array([[1, 4], [1, 0]])
    params = layer.init(0, "float64")
    np.testing.assert_array_equal(layer.apply(params, ids), params["w"][ids])
    slope = lab.grad(lambda p: anp.sum(layer.apply(p, ids)))(params)["w"]
    np.testing.assert_array_equal(slope[:, 0], [1, 2, 0, 0, 1])


def test_a_convolutional_network_traces_and_trains():
    params, x = CONV.init(0), N((4, 3, 16, 4)).astype(np.float32)
    graph = lab.trace(CONV.apply, params, x)
    np.testing.assert_allclose(lab.interpret(graph, params, x)[0], CONV.apply(params, x), rtol=1e-5)
    y, updates = CONV.train(params, x)
    assert y.shape == (4, 10) and list(updates) == ["norm1"]


def test_a_token_sees_no_later_one():
    layer = nn.MultiHeadAttention(8, 2)
    params, x = layer.init(0, "float64"), N((5, 8))
    y = layer.apply(params, x)
    np.testing.assert_allclose(layer.apply(params, x[:3]), y[:3])
    assert not np.allclose(dataclasses.replace(layer, causal=False).apply(params, x)[:3], y[:3])


def test_a_replaced_layer_keeps_its_names():
    net = dataclasses.replace(NET, layers=NET.layers[:2])
    assert [name for name, _ in net.children()] == ["linear1", "relu1"]


@pytest.mark.parametrize("call, sentence", [
    (lambda: nn.Linear(0, 3), "Linear: inputs=0; it is a whole number of 1 or more"),
    (lambda: nn.Linear(2, 3, start="magic").init(0), "no law 'magic' in INITS"),
    (lambda: nn.Linear(2, 3, start=-1).init(0), "start=-1; it is the name of a law in INITS, or"),
    (lambda: nn.Conv2d(3, 8, 3, groups=2), "3 inputs and 8 outputs do not divide into 2 groups"),
    (lambda: nn.Conv2d(3, 8, 3, padding=-1), "padding=-1; it is a whole number of 0 or more"),
    (lambda: nn.Dropout(1.0), "rate=1.0; it lies between 0 and 1"),
    (lambda: nn.Dropout(0.5).train({}, N(3)), r"Dropout\(0.5\) draws random numbers .* pass a key"),
    (lambda: nn.Activation("swoosh"), "no activation 'swoosh'"),
    (lambda: nn.GroupNorm(3, 4), "4 channels do not divide into 3 groups"),
    (lambda: nn.MultiHeadAttention(8, 3), "a width of 8 does not divide into 3 heads"),
    (lambda: nn.MultiHeadAttention(8, 2).apply({}, N(8)), r"takes f\[..., tokens, 8\], got"),
    (lambda: nn.Sequential(3), "Sequential takes a list or a dict of layers, got a int"),
    (lambda: nn.Sequential([np.tanh]), "layer1 is a ufunc; it takes layers"),
    (lambda: nn.Embedding(5, 2).apply({}, N(3)), r"takes whole numbers from 0 to 4, got f64\[3\]"),
    (lambda: nn.Embedding(5, 2).apply({}, np.array([0, 5])), "from 0 to 4; one is 5"),
    (lambda: nn.BatchNorm2d(2).train(nn.BatchNorm2d(2).init(), N((1, 2, 1, 1))),
     "variance of one number a channel"),
    (lambda: nn.merge({"a": 1}, {"b": 2}), "merge: no 'b' among the parameters: a"),
    (lambda: NET.apply(NET.init(0), N((2, 5))), "matmul: inner sizes differ"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()


def test_a_students_layers_serve_everywhere():
    from aisys_lab.autodiff.nn.forward import FORWARD
    seen = []

    def mine(kind, params, x, **settings):
        seen.append((kind, settings))
        return FORWARD[kind](params, x, **settings)

    net = nn.Sequential([CONV.layers[0][1], nn.Conv2d(8, 8, 3, dilation=2), nn.Flatten(),
                         nn.Linear(64, 4), nn.LayerNorm(4, 0.1)])
    params, x = net.init(0), N((2, 3, 16, 12)).astype(np.float32)
    want = net.apply(params, x)
    with lab.attempt():
        lab.SLOTS["nn.forward"] = mine
        np.testing.assert_array_equal(net.apply(params, x), want)
    assert seen == [("conv", {"stride": 2, "padding": 1, "groups": 1}), ("linear", {}),
                    ("layernorm", {"eps": 0.1})]  # dilation is not asked of a student


@pytest.mark.parametrize(("run", "words"), [
    (lambda: nn.Linear(4, 2).apply({}, np.ones((2, 4))), "linear: the parameters have no 'w'"),
    (lambda: nn.Linear(4, 2).init(dtype="i8"), "Linear.init: dtype int8; parameters are floats"),
    (lambda: nn.attention(np.ones((4, 2)), np.ones((4, 3)), np.ones((4, 2))),
     r"matmul: inner sizes differ, f64\[4,2\] and f64\[3,4\]"),
    (lambda: nn.Residual(nn.Linear(4, 3)).apply({"body": nn.Linear(4, 3).init()}, np.ones((1, 4))),
     r"add: shapes \[1, 3\] and \[1, 4\] do not broadcast"),
    (lambda: nn.Embedding(4, 2).apply(nn.Embedding(4, 2).init(), [-1]), "one is -1"),
    (lambda: nn.MaxPool2d(2, 0), "MaxPool2d: stride=0"),
    (lambda: nn.Flatten().apply({}, np.float32(1.0)), r"takes arrays with axes, got f32\[\]"),
])
def test_bad_input_of_plain_calls_is_a_sentence(run, words):
    with pytest.raises(lab.core.LabError, match=words):
        run()
