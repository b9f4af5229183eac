"""Batches of a data set in an order that is a function of a seed: nothing is remembered."""

from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.core import LabError, has, whole


@dataclass(frozen=True)
class Batches:
    """The batches of one pass, from ``position`` on; where it stands is two whole numbers.

    The order of pass ``epoch`` is drawn from Philox with the seed as key and the epoch as
    counter, so that any pass can be had without those before it. Iterating gives pairs (x, y)
    to the end of the pass; ``after(k)`` stands k batches later, in a later pass if need be.
    """

    data: object
    size: int
    seed: int = 0
    shuffle: bool = True
    drop_last: bool = False
    epoch: int = 0
    position: int = 0

    def __post_init__(self):
        has("batches", self.data, "a data set, as datasets.digits() gives two", "__len__",
            "__getitem__")
        for name in ("size", "seed", "epoch", "position"):
            object.__setattr__(self, name, whole("batches", name, getattr(self, name),
                                                 int(name == "size")))
        if not len(self):
            raise LabError(f"batches: a batch of {self.size} is more than the {len(self.data)} "
                           f"examples.")
        if self.position > len(self):
            raise LabError(f"batches: position={self.position}; a pass has {len(self)} batches.")

    def __len__(self):
        """Batches of a whole pass."""
        return len(self.data) // self.size if self.drop_last else -(-len(self.data) // self.size)

    @property
    def order(self):
        """The examples of this pass, i64[N]."""
        if not self.shuffle:
            return np.arange(len(self.data))
        key = np.array([self.seed % 2**64, self.seed >> 64], np.uint64)
        counter = np.array([0, 0, self.epoch, 0], np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=counter)).permutation(
            len(self.data))

    def __iter__(self):
        order = self.order
        for start in range(self.position * self.size, len(self) * self.size, self.size):
            yield self.data[order[start:start + self.size]]

    def after(self, count):
        """The batches from ``count`` batches later on."""
        epochs, position = divmod(self.position + count, len(self))
        return replace(self, epoch=self.epoch + epochs, position=position)

    def __repr__(self):
        return (f"{len(self)} batches of {self.size} from {len(self.data)} examples, "
                f"{f'shuffled with seed {self.seed}' if self.shuffle else 'in order'}: pass "
                f"{self.epoch}, batch {self.position}")


def batches(data, size, seed=0, shuffle=True, drop_last=False):
    """The first pass over a data set in batches of ``size``; the last may be smaller."""
    return Batches(data, size, seed, shuffle, drop_last)
