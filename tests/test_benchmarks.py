"""Both sides of every comparison compute the same."""

from dataclasses import replace

import numpy as np
import pytest

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
