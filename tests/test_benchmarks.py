"""Both sides of every comparison compute the same."""

from dataclasses import replace

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.core.tree import flatten
from benchmarks.eager import OPERATIONS, chain
from benchmarks.rows import ROWS


@pytest.mark.parametrize(("name", "peer"), ROWS)
def test_the_two_sides_agree(name, peer):
    pytest.importorskip(peer)
    row = ROWS[name, peer]
    ours, theirs = (flatten(make()())[0] for make in (row.ours, row.theirs))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, np.asarray(other), rtol=2e-4, atol=1e-5)


class Counter:
    """Stands for an array and for a namespace; counts what is asked of it."""

    def __init__(self):
        self.count = 0

    def _step(self, *args):
        self.count += 1
        return self

    def __getattr__(self, name):
        return self._step

    __add__ = __sub__ = __mul__ = __truediv__ = __matmul__ = __gt__ = __neg__ = _step


def test_the_chain_has_as_many_operations_as_it_says():
    it = Counter()
    chain(it, it, it, it, it)
    assert it.count == OPERATIONS


@pytest.mark.parametrize("name", ["train-mlp-digits", "train-cnn-digits",
                                  "train-depthwise-fashion", "train-gpt-novel"])
def test_a_short_training_reaches_what_torch_reaches(name):
    pytest.importorskip("torch")
    from benchmarks import training

    task = training.tasks()[name]
    parts = tuple(part.first(count) for part, count in zip(task.data(), (960, 500), strict=True))
    task = replace(task, data=lambda: parts, epochs=1)
    mine, other = (side(task, seed=0)[0] for side in (training.ours, training.theirs))
    assert mine == pytest.approx(other, abs=0.01)


def test_in_double_precision_both_trainings_take_the_same_steps():
    torch = pytest.importorskip("torch")
    from benchmarks.twins import twin

    train, _ = lab.datasets.fashion()
    data = replace(train.first(640), x=train.x[:640].astype(np.float64))
    model = lab.models.DepthwiseNet(widths=(8, 16), strides=(2, 2), dtype="float64")
    net = twin(model, torch)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for x, y in data.batches(64, np.random.default_rng(0)):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    model = lab.fit(model, data, epochs=1, optimizer=lab.autodiff.optim.Adam(lr=0.01))
    logits = net.eval()(torch.tensor(data.x[:64])).detach().numpy()
    np.testing.assert_allclose(model(data.x[:64]), logits, rtol=1e-9, atol=1e-11)
