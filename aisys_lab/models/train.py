"""Training: shuffle, differentiate, update; and the share of right answers."""

import numpy as np

from aisys_lab.autodiff import value_and_grad
from aisys_lab.autodiff.optim import Adam
from aisys_lab.core import LabError, has, progress, whole
from aisys_lab.ir import Graph, interpret


def fit(model, data, seed=0, epochs=30, batch=64, optimizer=None, step=None):
    """The model after ``epochs`` shuffled passes over ``data``; the given model is not changed.

    ``step(params, x, y)`` returns the loss and gradients; by default our reverse mode does.
    """
    trainable("fit", model, data)
    seed, epochs, batch = (whole("fit", name, value, least) for name, value, least in (
        ("seed", seed, 0), ("epochs", epochs, 0), ("batch", batch, 1)))
    has("fit", optimizer or Adam(), "an optimizer object, as autodiff.optim.Adam(lr=0.001)",
        "init", "update")
    if len(data) < batch:
        raise LabError(f"fit: a batch of {batch} is more than the {len(data)} examples.")
    optimizer = optimizer or Adam()
    step = step or value_and_grad(model.loss)
    rng = np.random.default_rng(seed)
    params, state = model.params, optimizer.init(model.params)
    for _ in progress(range(epochs), desc="fit", unit="epoch"):
        for x, y in data.batches(batch, rng):
            _, grads = step(params, x, y)
            params, state = optimizer.update(params, grads, state)
    return model.but(params=params)


def trainable(verb, model, data):
    """A sentence unless a model can be trained, and on a data set."""
    has(verb, model, "a model with params and a loss, as MLP([64, 128, 10])", "params", "loss",
        "but")
    has(verb, data, "a data set, as datasets.digits() gives two", "x", "y", "batches")


def predict(model, x):
    """Class numbers for inputs; ``model`` is anything callable, or a graph of logits."""
    if not isinstance(model, Graph):
        has("predict", model, "a model, a graph or a compiled graph", "__call__")
    logits = interpret(model, x)[0] if isinstance(model, Graph) else model(x)
    logits = logits[0] if isinstance(logits, tuple) else logits
    return np.argmax(logits, axis=-1)


def accuracy(model, data):
    """Share of right answers in [0, 1]."""
    has("accuracy", data, "a data set, as datasets.digits() gives two", "x", "y")
    return float(np.mean(predict(model, data.x) == data.y))
