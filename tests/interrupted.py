"""A training that draws, keeps statistics and has a schedule; run as a script, to be killed."""

import sys
import time
from dataclasses import dataclass, field, replace

import numpy as np

import aisys_lab as lab
from aisys_lab.autodiff import nn, optim
from aisys_lab.autodiff import numpy as anp

NET = nn.Sequential([nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Activation(), nn.Flatten(),
                     nn.Dropout(0.2), nn.Linear(144, 10)])


@dataclass(frozen=True)
class Noisy:
    """A small net with batch statistics and dropout."""

    pause: float = field(default=0.0, repr=False)
    params: dict = field(default_factory=lambda: NET.init(0), repr=False)

    def loss(self, params, x, y):
        return anp.cross_entropy(self(x), y)

    def train_loss(self, params, x, y, key):
        time.sleep(self.pause)
        logits, updates = NET.train(params, np.reshape(x, (-1, 1, 8, 8)), key)
        return anp.cross_entropy(logits, y), updates

    def __call__(self, x):
        return NET.apply(self.params, np.reshape(x, (-1, 1, 8, 8)))

    def but(self, **changes):
        return replace(self, **changes)


def training(checkpoint=None, every=None, pause=0.0):
    """The trained model: 3 passes of 10 batches."""
    data = lab.datasets.digits()[0].first(350)
    optimizer = optim.Clipped(optim.AdamW(optim.Cosine(1e-2, 30, 5)), 1.0)
    return lab.fit(Noisy(pause), data, 4, 3, 32, optimizer, checkpoint=checkpoint, every=every)


if __name__ == "__main__":
    training(sys.argv[1], every=2, pause=0.05)
