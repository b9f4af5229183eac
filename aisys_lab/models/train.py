"""Training: shuffle, differentiate, update; and the share of right answers."""

import numpy as np

from aisys_lab.autodiff import value_and_grad
from aisys_lab.autodiff.optim import Adam
from aisys_lab.core import LabError, progress
from aisys_lab.ir import Graph, interpret


def fit(model, data, seed=0, epochs=30, batch=64, optimizer=None, step=None):
    """The model after ``epochs`` shuffled passes over ``data``; the given model is not changed.

    ``step(params, x, y)`` returns the loss and gradients; by default our reverse mode does.
    """
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


def predict(model, x):
    """Class numbers for inputs; ``model`` is anything callable, or a graph of logits."""
    logits = interpret(model, x)[0] if isinstance(model, Graph) else model(x)
    logits = logits[0] if isinstance(logits, tuple) else logits
    return np.argmax(logits, axis=-1)


def accuracy(model, data):
    """Share of right answers in [0, 1]."""
    return float(np.mean(predict(model, data.x) == data.y))
