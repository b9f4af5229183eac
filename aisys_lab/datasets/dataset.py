"""A data set is two arrays with a name; slicing gives the pair ``(x, y)``."""

from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.core import LabError, need


@dataclass(frozen=True)
class Dataset:
    """Examples ``x`` (first axis N) and labels ``y`` i64[N]; ``*data[:64]`` are 64 of both."""

    name: str
    x: np.ndarray
    y: np.ndarray
    classes: int
    words: tuple = ()
    is_leaf = True

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]

    def __repr__(self):
        return (f"{self.name}: {len(self)} examples, x {self.x.dtype}{list(self.x.shape[1:])} in "
                f"[{self.x.min():g}, {self.x.max():g}], {self.classes} classes")

    def batches(self, size, rng):
        """Pairs ``(x, y)`` of one shuffled pass; a last, smaller batch is left out."""
        order = rng.permutation(len(self))
        for start in range(0, len(self) - size + 1, size):
            yield self[order[start:start + size]]

    def first(self, count):
        """The same data set with its first ``count`` examples only."""
        return replace(self, name=f"{self.name}, first {count}", x=self.x[:count],
                       y=self.y[:count])

    def flat(self):
        """The same data set with each example as one row of numbers."""
        return replace(self, x=self.x.reshape(len(self), -1))

    def word(self, label):
        """What a label stands for, as «ankle boot» for 9; the number itself where none is known."""
        if not 0 <= label < self.classes:
            raise LabError(f"{self.name} has the labels 0 to {self.classes - 1}, not {label}.")
        return self.words[label] if self.words else str(label)


def digits():
    """``(train, test)``: 1437 and 360 of the 1797 handwritten digits, 8x8 pixels in [0, 1].

    Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, CC BY 4.0, as
    scikit-learn ships them; shuffled once with seed 0.
    """
    raw = need("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(raw.target))
    x = (raw.data[order] / 16).astype(np.float32)
    y = raw.target[order].astype(np.int64)
    cut = len(x) - 360
    return (Dataset("digits, train", x[:cut], y[:cut], 10),
            Dataset("digits, test", x[cut:], y[cut:], 10))
