"""Training: shuffle, differentiate, update; and the share of right answers."""

from itertools import islice

import numpy as np

from aisys_lab.autodiff import nn, random, value_and_grad, vjp
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.optim import Adam
from aisys_lab.core import LabError, has, progress, whole
from aisys_lab.core.tree import tree_map
from aisys_lab.ir import Graph, interpret
from aisys_lab.models.resume import Keeper, Run


def fit(model, data, seed=0, epochs=30, batch=64, optimizer=None, step=None, checkpoint=None,
        resume=True, every=None):
    """The model after ``epochs`` shuffled passes over ``data``; the given model is not changed.

    ``step(params, x, y)`` returns the loss and gradients; by default our reverse mode does. A
    model whose layers draw or keep running statistics has ``train_loss(params, x, y, key)``,
    which returns the loss and new statistics (see ``nn.Layer.train``).

    With ``checkpoint="run.npz"`` the run is saved after each pass, or each ``every`` steps; the
    same call then goes on from there, bit for bit as if it had never stopped.
    """
    trainable("fit", model, data)
    seed, epochs, batch = (whole("fit", name, value, least) for name, value, least in (
        ("seed", seed, 0), ("epochs", epochs, 0), ("batch", batch, 1)))
    has("fit", optimizer or Adam(), "an optimizer object, as autodiff.optim.Adam(lr=0.001)",
        "init", "update")
    if len(data) < batch:
        raise LabError(f"fit: a batch of {batch} is more than the {len(data)} examples.")
    optimizer = optimizer or Adam()
    keeper = Keeper(checkpoint, every, model, data, seed, batch, optimizer)
    run = Run(model.params, optimizer.init(model.params), random.words(np.random.default_rng(seed)))
    run = keeper.latest(run, epochs) if resume else run
    step = _step(model, step, random.key(seed))
    for _ in progress(range(run.epoch, epochs), desc="fit", unit="epoch", initial=run.epoch,
                      total=epochs):
        run = _epoch(run, data, batch, optimizer, step, keeper)
    return model.but(params=run.params)


def _epoch(run, data, batch, optimizer, step, keeper):
    """The run at the beginning of the next pass."""
    rng = random.from_words(run.rng)
    for x, y in islice(data.batches(batch, rng), run.position, None):
        grads, updates = step(run, x, y)
        params, state = optimizer.update(run.params, grads, run.state)
        run = run.after(nn.merge(params, updates) if updates else params, state)
        keeper.step(run)
    run = run.next_epoch(random.words(rng))
    keeper.epoch(run)
    return run


def _step(model, step, key):
    """``(run, x, y) -> (gradients, new running statistics)``."""
    if step or not hasattr(model, "train_loss"):
        step = step or value_and_grad(model.loss)
        return lambda run, x, y: (step(run.params, x, y)[1], None)

    def train(run, x, y):
        own = random.fold_in(key, run.steps)
        (loss, updates), pull = vjp(lambda p: model.train_loss(p, x, y, own), run.params)
        return pull((anp.ones_like(loss), tree_map(anp.zeros_like, updates)))[0], updates
    return train


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
