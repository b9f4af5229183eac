"""The models that travel on: they print themselves, differentiate, trace, learn, and agree with
torch on the same weights."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import random
from aisys_lab.autodiff.optim import SGD, Adam
from aisys_lab.core.tree import flatten, names, tree_map
from aisys_lab.models import CNN, GPT, DepthwiseNet

SMALL = {
    "cnn": CNN((1, 8, 8), (3, 5)),
    "depthwise": DepthwiseNet((2, 9, 9), (4, 6, 6), (2, 1, 2)),
    "gpt": GPT(11, context=6, width=8, depth=2, heads=2),
}
each = pytest.mark.parametrize("model", SMALL.values(), ids=SMALL)


def batch(model, n=5, seed=0):
    """Inputs and labels that fit a model."""
    rng = np.random.default_rng(seed)
    if isinstance(model, GPT):
        return rng.integers(0, model.vocabulary, (2, n, model.context))
    return rng.standard_normal((n, *model.image), dtype=np.float32), rng.integers(0, 10, n)


def precise(model):
    """The model in float64, with parameters that are nowhere zero."""
    rng = np.random.default_rng(1)
    return model.but(dtype="float64", params=tree_map(
        lambda p: p.astype(np.float64) + rng.uniform(0.1, 0.3, p.shape), model.params))


@pytest.mark.parametrize("model, text", [
    (CNN(), "CNN 1x28x28 -> 16 -> 32 -> 10, 20490 parameters, float32"),
    (DepthwiseNet(), "DepthwiseNet 1x28x28 -> 16 -> 32 -> 64 -> 64 -> 10, 9034 parameters, "
                     "float32"),
    (GPT(75), "GPT 75 characters, context 64, 2 blocks, width 64, 4 heads, 108992 parameters, "
              "float32"),
])
def test_a_model_prints_itself(model, text):
    assert repr(model) == text
    assert model.layers.splitlines()[0].split() == ["name", "layer", "parameters", "count"]


@each
def test_a_seed_gives_the_same_parameters_and_another_gives_others(model):
    a, b, c = (flatten(model.init(seed))[0] for seed in (3, 3, 4))
    assert all((x == y).all() for x, y in zip(a, b, strict=True))
    assert any((x != y).any() for x, y in zip(a, c, strict=True))
    assert {x.dtype for x in a} == {np.dtype(np.float32)}


@each
def test_gradients_are_those_of_differences(model):
    model = precise(model)
    x, y = batch(model, 3)
    x = x.astype(np.float64) if x.dtype.kind == "f" else x
    lab.check_grads(lambda params: model.loss(params, x, y), modes=("rev",), order=1)(model.params)


@each
def test_a_training_step_traces_and_computes_the_same(model):
    x, y = batch(model)
    step = lab.value_and_grad(model.loss)
    graph = lab.trace(step, model.params, x, y)
    assert [name for name in names(model.params) if f"{name}" in graph.inputs] == \
        names(model.params)
    for traced, eager in zip(lab.interpret(graph, model.params, x, y),
                             flatten(step(model.params, x, y))[0], strict=True):
        np.testing.assert_allclose(traced, eager, rtol=1e-4, atol=1e-6)


@each
def test_a_training_step_traces_with_an_open_batch_axis(model):
    x, y = batch(model)
    step = lab.value_and_grad(model.loss)
    labels = lab.Spec(("N", *y.shape[1:]), np.int64)
    graph = lab.trace(step, model.params, model.spec, labels)
    for n in (2, 5):
        got = lab.interpret(graph, model.params, x[:n], y[:n])
        for traced, eager in zip(got, flatten(step(model.params, x[:n], y[:n]))[0], strict=True):
            np.testing.assert_allclose(traced, eager, rtol=1e-4, atol=1e-6)


@each
def test_a_model_freezes_with_an_open_batch_axis(model):
    graph = lab.freeze(model)
    assert graph.specs[graph.inputs[0]] == model.spec
    for n in (1, 4):
        x = batch(model, n)[0]
        np.testing.assert_allclose(lab.interpret(graph, x)[0], model(x), rtol=1e-4, atol=1e-5)


@each
def test_a_model_in_torch_computes_the_same_and_has_the_same_gradients(model):
    torch = pytest.importorskip("torch")
    from benchmarks.twins import twin

    x, y = batch(model)
    net = twin(model, torch)
    logits = net(torch.tensor(x))
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, -2), torch.tensor(y).flatten())
    loss.backward()
    ours, grads = lab.value_and_grad(model.loss)(model.params, x, y)
    assert ours == pytest.approx(loss.item(), rel=1e-5)
    mine = [g for g, name in zip(flatten(grads)[0], names(grads), strict=True)
            if not name.endswith((".mean", ".var"))]
    theirs = [p.grad.numpy() for p in net.parameters()]
    for g, other in zip(mine, theirs, strict=True):
        other = other.T if g.shape != other.shape or is_linear(g, model) else other
        np.testing.assert_allclose(g, other, rtol=1e-3, atol=1e-5)


def is_linear(g, model):
    """Whether torch keeps this array transposed: the last layer of the nets for images."""
    return not isinstance(model, GPT) and g.ndim == 2


def test_training_moves_the_running_statistics_to_those_of_the_data():
    model = SMALL["depthwise"]
    x, y = batch(model, 256)
    data = lab.datasets.Dataset("noise", 2 * x + 3, y, 10)
    trained = lab.fit(model, data, epochs=20, batch=64, optimizer=SGD(lr=0.0))
    first = model.params["conv1"]["w"]
    np.testing.assert_array_equal(trained.params["conv1"]["w"], first)
    kept, values = trained.params["norm1"], lab.autodiff.numpy.conv2d(data.x, first, 2, 1)
    np.testing.assert_allclose(kept["mean"], values.mean((0, 2, 3)), rtol=0.02)
    np.testing.assert_allclose(kept["var"], values.var((0, 2, 3)), rtol=0.05)


def test_rows_of_numbers_are_images_too(digits):
    x = digits[0].x[:3]
    model = SMALL["cnn"]
    np.testing.assert_array_equal(model(x), model(x.reshape(3, 1, 8, 8)))


def test_a_cnn_learns_digits(digits):
    train, test = digits
    model = lab.fit(CNN((1, 8, 8)), train, epochs=5, optimizer=Adam(lr=1e-2))
    assert lab.accuracy(model, test) > 0.93


def test_a_depthwise_net_learns_clothes():
    train, test = lab.datasets.fashion()
    train, test = train.first(640), test.first(200)
    model = lab.fit(DepthwiseNet(), train, epochs=4, batch=32, optimizer=Adam(lr=1e-2))
    assert lab.accuracy(model, test) > 0.5


# ---- the GPT

def test_a_token_sees_no_later_one():
    model = SMALL["gpt"]
    x, _ = batch(model)
    changed = x.copy()
    changed[:, 3:] = (changed[:, 3:] + 1) % model.vocabulary
    np.testing.assert_array_equal(model(x)[:, :3], model(changed)[:, :3])
    assert (model(x)[:, 3:] != model(changed)[:, 3:]).any()


def test_shorter_rows_fit():
    model = SMALL["gpt"]
    x, _ = batch(model)
    np.testing.assert_allclose(model(x[:, :4]), model(x)[:, :4], rtol=1e-4, atol=1e-6)


def test_a_gpt_learns_characters():
    train, test = lab.datasets.text(16)
    model = GPT(train.classes, context=16, width=32, depth=1, heads=2)
    after = lab.fit(model, train.first(1280), epochs=5, batch=32, optimizer=Adam(lr=1e-2))
    before, now = (float(m.loss(m.params, *test[:200])) for m in (model, after))
    assert before == pytest.approx(np.log(75), rel=0.05)
    assert now < 2.8  # letters alone, without what is before them, give 3.1


def test_samples_follow_the_key_and_the_likeliest_needs_none():
    model = SMALL["gpt"].but(params=SMALL["gpt"].init(5))
    prompt = np.array([1, 2, 3])
    a, b, c = (model.sample(model.params, prompt, 20, random.key(seed)) for seed in (0, 0, 1))
    assert len(a) == 23 and (a[:3] == prompt).all() and (a == b).all() and (a != c).any()
    assert a.max() < model.vocabulary
    x, y = (model.sample(model.params, prompt, 8, random.key(seed), 0) for seed in (0, 1))
    assert (x == y).all()
    assert x[3] == model(prompt[None])[0, -1].argmax()


def test_samples_have_the_frequencies_of_the_softmax():
    model = SMALL["gpt"]
    model = model.but(params=tree_map(lambda p: p * 8, model.params))
    logits = model(np.array([[4]]))[0, 0].astype(np.float64)
    wanted = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    drawn = [model.sample(model.params, [4], 1, random.key(seed))[1] for seed in range(1500)]
    found = np.bincount(drawn, minlength=model.vocabulary) / 1500
    np.testing.assert_allclose(found, wanted, atol=0.05)


@pytest.mark.parametrize("call, sentence", [
    (lambda: CNN((1, 2, 2)), "2 poolings leave nothing of an image"),
    (lambda: CNN(28), "CNN takes an image as"),
    (lambda: CNN(widths=()), "CNN takes widths as a tuple"),
    (lambda: CNN(dtype="floaty"), "no dtype 'floaty'"),
    (lambda: DepthwiseNet(strides=(1, 2)), "4 widths and 2 strides"),
    (lambda: GPT(0), "vocabulary=0; it is a whole number of 1 or more"),
    (lambda: GPT(5, width=6, heads=4), "a width of 6 does not divide into 4 heads"),
    (lambda: SMALL["cnn"](np.zeros((2, 65))), r"takes inputs f32\[N,1,8,8\], got \[2, 65\]"),
    (lambda: SMALL["gpt"](np.zeros((2, 7), int)), "takes ids .* or shorter rows, got"),
    (lambda: SMALL["gpt"](np.full((1, 2), 11)), "ids from 0 to 10; one is 11"),
    (lambda: SMALL["gpt"].sample({}, [], 3, None), "at least one"),
    (lambda: SMALL["gpt"].sample({}, [1], 3, None, -1), "temperature=-1; it is 0 or more"),
])
def test_what_does_not_fit_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()
