"""Optimisers and schedules: closed forms, PyTorch step by step, traced, and bad input."""

import dataclasses

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import optim
from aisys_lab.core.tree import flatten, names, tree_map

RNG = np.random.default_rng(0)
PARAMS = {"layer1": {"w": RNG.standard_normal((3, 4)), "b": RNG.standard_normal(4)},
          "scale": RNG.standard_normal(())}
GRADS = [tree_map(lambda p: RNG.standard_normal(p.shape), PARAMS) for _ in range(7)]
G = np.array([0.5, -2.0, 1e-9])
P = np.array([1.0, 2.0, 3.0])


def walk(optimizer, params, grads):
    """Parameters after one step for each gradient."""
    state = optimizer.init(params)
    for g in grads:
        params, state = optimizer.update(params, g, state)
    return params


def along(optimizer, steps):
    """Where a constant gradient leads."""
    return walk(optimizer, {"p": P}, [{"p": G}] * steps)["p"]


ADAM_STEP = G / (np.abs(G) + 1e-8)  # a constant gradient: both corrected moments are exact
CLOSED = {
    "sgd": (optim.SGD(0.1), lambda n: P - 0.1 * n * G),
    "momentum": (optim.SGD(0.1, momentum=0.5),
                 lambda n: P - 0.1 * G * sum(2 - 2 * 0.5**t for t in range(1, n + 1))),
    "nesterov": (optim.SGD(0.1, momentum=0.5, nesterov=True),
                 lambda n: P - 0.1 * G * sum(2 - 0.5**t for t in range(1, n + 1))),
    "decay": (optim.SGD(0.1, weight_decay=0.2),
              lambda n: P * 0.98**n - 0.1 * G * (1 - 0.98**n) / 0.02),
    "adam": (optim.Adam(0.1), lambda n: P - 0.1 * n * ADAM_STEP),
    "adamw": (optim.AdamW(0.1, weight_decay=0.2),
              lambda n: P * 0.98**n - 0.1 * ADAM_STEP * (1 - 0.98**n) / 0.02),
    "rmsprop": (optim.RMSProp(0.1, alpha=0.5),
                lambda n: P - 0.1 * sum(G / (np.abs(G) * (1 - 0.5**t) ** 0.5 + 1e-8)
                                        for t in range(1, n + 1))),
}


@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize("name", CLOSED)
def test_a_constant_gradient_leads_where_the_closed_form_says(name, steps):
    optimizer, closed = CLOSED[name]
    np.testing.assert_allclose(along(optimizer, steps), closed(steps), rtol=1e-13)


TORCH = {
    "sgd": (optim.SGD(0.1), "SGD", {}),
    "sgd with decay": (optim.SGD(0.1, weight_decay=0.3), "SGD", {"weight_decay": 0.3}),
    "momentum": (optim.SGD(0.1, 0.9, weight_decay=0.1), "SGD",
                 {"momentum": 0.9, "weight_decay": 0.1}),
    "nesterov": (optim.SGD(0.1, 0.9, nesterov=True), "SGD", {"momentum": 0.9, "nesterov": True}),
    "adam": (optim.Adam(0.1), "Adam", {}),
    "adam, large eps": (optim.Adam(0.1, 0.8, 0.9, 0.1), "Adam",
                        {"betas": (0.8, 0.9), "eps": 0.1}),
    "adamw": (optim.AdamW(0.1), "AdamW", {}),
    "adamw, large decay": (optim.AdamW(0.1, weight_decay=0.5), "AdamW", {"weight_decay": 0.5}),
    "rmsprop": (optim.RMSProp(0.1), "RMSprop", {}),
}


@pytest.mark.parametrize("name", TORCH)
def test_every_step_is_that_of_pytorch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    ours, kind, options = TORCH[name]
    leaves = [torch.tensor(p, requires_grad=True) for p in flatten(PARAMS)[0]]
    theirs = getattr(torch.optim, kind)(leaves, lr=0.1, **options)
    params, state = PARAMS, ours.init(PARAMS)
    for grads in GRADS:
        for leaf, g in zip(leaves, flatten(grads)[0], strict=True):
            leaf.grad = torch.tensor(g)
        theirs.step()
        params, state = ours.update(params, grads, state)
        for got, leaf in zip(flatten(params)[0], leaves, strict=True):
            np.testing.assert_allclose(got, leaf.detach().numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", TORCH)
def test_nothing_given_is_changed_and_trees_and_dtypes_stay(name):
    optimizer = TORCH[name][0]
    narrow = tree_map(lambda p: p.astype(np.float32), PARAMS)
    kept = [np.array(p) for p in flatten(narrow)[0]]
    state = optimizer.init(narrow)
    params, after = optimizer.update(narrow, narrow, state)
    again, _ = optimizer.update(narrow, narrow, state)
    assert names(params) == names(narrow) and after["step"] == 1 and state["step"] == 0
    for before, p, q, was in zip(*(flatten(t)[0] for t in (narrow, params, again)), kept,
                                 strict=True):
        np.testing.assert_array_equal(before, was)
        np.testing.assert_array_equal(p, q)
        assert p.dtype == np.float32 and p.shape == before.shape
        assert not np.shares_memory(p, before)


@pytest.mark.parametrize("name", TORCH)
def test_a_step_may_be_traced(name):
    optimizer = dataclasses.replace(TORCH[name][0], lr=optim.Cosine(0.1, 20, 3))
    narrow = tree_map(lambda p: p.astype(np.float32), PARAMS)
    state = optimizer.update(narrow, narrow, optimizer.init(narrow))[1]
    graph = lab.trace(optimizer.update, narrow, narrow, state)
    wanted = flatten(optimizer.update(narrow, narrow, state))[0]
    for got, want in zip(lab.interpret(graph, narrow, narrow, state), wanted, strict=True):
        assert np.asarray(got).dtype == np.asarray(want).dtype
        np.testing.assert_allclose(got, want, rtol=1e-6)


def test_decay_of_matrices_only():
    params = tree_map(np.ones_like, PARAMS)
    after = walk(optim.AdamW(0.1, weight_decay=0.5, rank=2), params,
                 [tree_map(np.zeros_like, PARAMS)])
    assert np.all(after["layer1"]["w"] == 0.95) and np.all(after["layer1"]["b"] == 1)


def test_no_parameters_are_no_trouble():
    for optimizer, _, _ in TORCH.values():
        assert optimizer.update({}, {}, optimizer.init({}))[0] == {}


def test_clipping():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    leaves = [torch.tensor(g, requires_grad=True) for g in flatten(GRADS[0])[0]]
    for leaf in leaves:
        leaf.grad = leaf.detach().clone()
    wanted = torch.nn.utils.clip_grad_norm_(leaves, 0.5)
    clipped, norm = optim.clip_by_norm(GRADS[0], 0.5)
    assert norm == pytest.approx(float(wanted), rel=1e-12)
    for got, leaf in zip(flatten(clipped)[0], leaves, strict=True):
        np.testing.assert_allclose(got, leaf.grad.numpy(), rtol=1e-5)  # its 1e-6 in the divisor
    assert optim.clip_by_norm(clipped, 0.5)[1] == pytest.approx(0.5, rel=1e-14)
    assert optim.clip_by_norm(GRADS[0], norm * 1.01)[0] is GRADS[0]


def test_clipping_before_a_step_and_in_a_graph():
    optimizer = optim.Clipped(optim.SGD(1.0), 0.5)
    after = walk(optimizer, PARAMS, [GRADS[0]])
    moved = tree_map(lambda a, b: a - b, PARAMS, after)
    assert optim.clip_by_norm(moved, 9.0)[1] == pytest.approx(0.5)
    graph = lab.trace(optimizer.update, PARAMS, GRADS[0], optimizer.init(PARAMS))
    got = lab.interpret(graph, PARAMS, GRADS[0], optimizer.init(PARAMS))
    for one, other in zip(got, flatten(after)[0], strict=False):
        np.testing.assert_allclose(one, other, rtol=1e-12)


SCHEDULES = [
    (optim.Constant(0.1), lambda t, o: t.ConstantLR(o, factor=1.0)),
    (optim.Cosine(0.1, 12), lambda t, o: t.CosineAnnealingLR(o, 12)),
    (optim.Cosine(0.1, 12, last=0.01), lambda t, o: t.CosineAnnealingLR(o, 12, 0.01)),
    (optim.WarmupLinear(0.1, 12), lambda t, o: t.LinearLR(o, 1.0, 0.0, 12)),
    (optim.Staircase(0.1, 5, 0.2), lambda t, o: t.StepLR(o, 5, 0.2)),
]


@pytest.mark.parametrize("ours, theirs", SCHEDULES, ids=lambda x: type(x).__name__)
def test_schedules_of_pytorch(ours, theirs):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; PEERS=1 adds it")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule = theirs(torch.optim.lr_scheduler, optimizer)
    for step in range(13):
        assert ours(step) == pytest.approx(schedule.get_last_lr()[0], rel=1e-12, abs=1e-15)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("kind", [optim.Cosine, optim.WarmupLinear])
def test_warm_up(kind):
    schedule = kind(0.1, 20, warmup=4, last=0.01)
    assert [schedule(step) for step in range(4)] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert schedule(20) == schedule(99) == pytest.approx(0.01)
    assert schedule(12) == pytest.approx(0.055)


def test_a_schedule_as_a_rate():
    by_hand = walk(optim.SGD(0.1), {"p": P}, [{"p": G}, {"p": 0.2 * G}])["p"]
    np.testing.assert_allclose(along(optim.SGD(optim.Staircase(0.1, 1, 0.2)), 2), by_hand)
    np.testing.assert_allclose(along(optim.SGD(lambda step: 0.1 * 0.2**step), 2), by_hand)


@pytest.mark.parametrize("call, sentence", [
    (lambda: optim.SGD("fast"), "SGD: lr='fast'; it is a number of 0 or more, or a function"),
    (lambda: optim.Adam(-1), "Adam: lr=-1"),
    (lambda: optim.SGD(nesterov=True), "looks ahead along the momentum"),
    (lambda: optim.Cosine(0.1, 5, warmup=5), "steps=5; it is a whole number of 6 or more"),
    (lambda: optim.Staircase(0.1, 0), "every=0; it is a whole number of 1 or more"),
    (lambda: optim.clip_by_norm(GRADS[0], 0), "most=0; it is a positive number"),
    (lambda: optim.Clipped("adam"), r"Clipped takes an optimizer, as Clipped\(Adam"),
    (lambda: optim.SGD().update(PARAMS, PARAMS["layer1"], {"step": 0}),
     "the gradients are w and b; the parameters are layer1.w, layer1.b and scale"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()


@pytest.mark.parametrize("optimizer, rules", [
    (optim.SGD(0.1), 3), (optim.Adam(), 3), (optim.AdamW(), 3),
    (optim.SGD(0.1, 0.9, nesterov=True), 0), (optim.RMSProp(), 0)])
def test_a_students_step_serves_the_rules_it_is_asked_for(optimizer, rules):
    seen = []

    def mine(rule, p, g, state, t, lr, **settings):
        seen.append(rule)
        return optim.RULES[rule](p, g, state, t, lr, **settings)

    want = walk(optimizer, PARAMS, GRADS[:1])
    with lab.attempt():
        lab.SLOTS["optim.steps"] = mine
        got = walk(optimizer, PARAMS, GRADS[:1])
    for a, b in zip(flatten(got)[0], flatten(want)[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert seen == [optimizer.rule] * rules


W = {"w": np.ones(3)}


@pytest.mark.parametrize(("run", "words"), [
    (lambda: optim.SGD().update(W, {"w": np.ones((2, 3))}, {"step": 0}),
     r"update: w is \[2, 3\] in the gradients, \[3\] in the parameters"),
    (lambda: optim.Adam().update(W, W, {"step": 0}), "the state has no 'm'; the first one is Adam"),
    (lambda: optim.SGD().update(W, W, {}), "the state has no 'step'"),
    (lambda: optim.Adam(beta1=1.0), "Adam: beta1=1.0; it lies between 0 and 1"),
    (lambda: optim.SGD(momentum=-0.1), "SGD: momentum=-0.1"),
])
def test_settings_and_states_that_do_not_fit_are_sentences(run, words):
    with pytest.raises(lab.core.LabError, match=words):
        run()


def test_a_rate_may_be_a_number_of_numpy():
    assert optim.SGD(np.float32(0.5)).update(W, W, {"step": 0})[0]["w"].tolist() == [0.5] * 3


def test_clipping_of_half_precision_does_not_overflow():
    g, norm = optim.clip_by_norm({"a": np.full(100, 100.0, np.float16)}, 1.0)
    assert norm == 1000 and g["a"].dtype == np.float16
    np.testing.assert_allclose(g["a"], 0.1, rtol=1e-3)
