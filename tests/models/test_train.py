"""Training: what it takes, and what it says about input that does not fit."""

import numpy as np
import pytest

import aisys_lab as lab

MODEL = lab.models.MLP([64, 10])


def test_the_given_model_is_not_changed(digits):
    before = MODEL.params["layer1"]["w"].copy()
    after = lab.fit(MODEL, digits[0], epochs=1)
    np.testing.assert_array_equal(MODEL.params["layer1"]["w"], before)
    assert lab.accuracy(after, digits[1]) > lab.accuracy(MODEL, digits[1])


@pytest.mark.parametrize("call, sentence", [
    (lambda data: lab.fit(None, data), "fit takes a model with params and a loss, .* a NoneType"),
    (lambda data: lab.fit(MODEL, data.x), "fit takes a data set, .* got a ndarray"),
    (lambda data: lab.fit(MODEL, data, batch=-3), "batch=-3; it is a whole number of 1 or more"),
    (lambda data: lab.fit(MODEL, data, epochs=1.5), "epochs=1.5; it is a whole number of 0"),
    (lambda data: lab.fit(MODEL, data, seed="a"), "seed='a'; it is a whole number of 0"),
    (lambda data: lab.fit(MODEL, data, batch=5000), "a batch of 5000 is more than the 1437"),
    (lambda data: lab.fit(MODEL, data, optimizer="adam"), "an optimizer object, as autodiff.optim"),
    (lambda data: lab.fit(lab.models.MLP([64, 5]), data), "a label is 9, but .* have 5 classes"),
    (lambda data: lab.fit(lab.models.MLP([32, 10]), data), "matmul: inner sizes differ"),
    (lambda data: MODEL.loss(MODEL.params, data.x[:4], data.x[:4]), "labels .* do not fit logits"),
    (lambda data: MODEL(data.x[:, :5]), r"takes inputs f32\[N,64\], got \[1437, 5\]"),
    (lambda data: lab.accuracy(MODEL, data.x), "accuracy takes a data set"),
    (lambda data: lab.accuracy(None, data), "predict takes a model, a graph or a compiled graph"),
    (lambda data: lab.parallelize(None, data), "parallelize takes a model"),
    (lambda data: lab.parallelize(MODEL, data.x), "parallelize takes a data set"),
    (lambda data: lab.quantize(MODEL, samples=data), "of a data set take its x"),
    (lambda data: lab.models.MLP(5), r"at least two sizes, as in MLP\(\[64, 128, 10\]\), got 5"),
    (lambda data: lab.models.MLP([64, 0]), "size=0; it is a whole number of 1 or more"),
    (lambda data: lab.models.MLP([4, 2], dtype="floaty"), "no dtype 'floaty'"),
])
def test_bad_input_is_a_sentence(digits, call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call(digits[0])


@pytest.mark.parametrize("call, sentence", [
    (lambda: lab.optimize(abs), "optimize takes a graph, .* got a builtin_function"),
    (lambda: lab.interpret(None), "interpret takes a graph"),
    (lambda: lab.verify("graph g"), "verify takes a graph"),
    (lambda: lab.parse(3), "parse takes the text of a graph, got a int"),
    (lambda: lab.bottleneck_report(lab.NETS["resnet-50"]), "bottleneck_report takes a graph"),
    (lambda: lab.count_layer("conv"), "count_layer takes a layer"),
    (lambda: lab.layer("conv", "c", (1, 2), out=3, kernel=3), r"has 4 axes, got \[1,2\]"),
    (lambda: lab.training_memory("resnet-50"), "training_memory takes a network"),
    (lambda: lab.training_memory(lab.NETS["resnet-50"], batch=-1), "batch=-1; it is a whole"),
    (lambda: lab.bench(1, 2), "bench takes two functions without arguments"),
    (lambda: lab.bench(abs, abs, repeats=0), "repeats=0; it is a whole number of 1 or more"),
    (lambda: lab.PASSES["x"], "the passes are: "),
])
def test_another_noun_than_the_verb_takes_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()
