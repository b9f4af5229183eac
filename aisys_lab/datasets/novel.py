"""A novel as numbers: characters, their vocabulary, and windows whose labels come one later."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aisys_lab.core import LabError, whole

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Text:
    """Characters ``ids`` i64[characters]; an example is a window of ``context`` of them.

    ``x`` is i64[N,context] and ``y``, of the same shape, the character that follows each.
    """

    name: str
    ids: np.ndarray
    vocabulary: str
    context: int = 64
    is_leaf = True

    @property
    def x(self):
        return self._windows(0)

    @property
    def y(self):
        return self._windows(1)

    @property
    def classes(self):
        return len(self.vocabulary)

    def _windows(self, start):
        """Windows side by side, the first from character ``start`` on."""
        return self.ids[start:start + len(self) * self.context].reshape(-1, self.context)

    def __len__(self):
        return max(len(self.ids) - 1, 0) // self.context

    def __getitem__(self, index):
        return self.x[index], self.y[index]

    def __repr__(self):
        return (f"{self.name}: {len(self.ids)} characters of {self.classes} kinds, {len(self)} "
                f"windows of {self.context}")

    def batches(self, size, rng):
        """Pairs ``(x, y)`` i64[size,context] of one shuffled pass.

        The windows of a pass begin at a drawn character, so that each pass cuts the text at other
        places; a last, smaller batch is left out.
        """
        shift = int(rng.integers(self.context))
        shifted = replace(self, ids=self.ids[shift:])
        x, y, order = shifted.x, shifted.y, rng.permutation(len(shifted))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start:start + size]
            yield x[chosen], y[chosen]

    def first(self, count):
        """The same text with its first ``count`` windows only."""
        return replace(self, name=f"{self.name}, first {count}",
                       ids=self.ids[:count * self.context + 1])

    def encode(self, text):
        """The numbers i64[N] of a string's characters."""
        numbers = {character: i for i, character in enumerate(self.vocabulary)}
        unknown = sorted(set(text) - numbers.keys())
        if unknown:
            raise LabError(f"encode: {self.name} has no {unknown[0]!r}; its characters are "
                           f"{self.vocabulary!r}.")
        return np.array([numbers[character] for character in text], np.int64)

    def decode(self, ids):
        """The string of some numbers."""
        ids = np.ravel(ids)
        if ids.size and not (ids.min() >= 0 and ids.max() < self.classes):
            raise LabError(f"decode: {self.name} has the characters 0 to {self.classes - 1}, got "
                           f"{ids.min()} to {ids.max()}.")
        return "".join(self.vocabulary[i] for i in ids)


def text(context=64):
    """``(train, test)``: Jane Austen, Pride and Prejudice (1813), as windows of characters.

    The novel is in the public domain. The first nine tenths of its characters are for training,
    the last tenth is for testing.
    """
    context = whole("text", "context", context, 1)
    novel = (DATA / "pride_and_prejudice.txt").read_text(encoding="ascii")
    vocabulary = "".join(sorted(set(novel)))
    ids = Text("Pride and Prejudice", None, vocabulary).encode(novel)
    cut = len(ids) * 9 // 10
    return (Text("Pride and Prejudice, train", ids[:cut], vocabulary, context),
            Text("Pride and Prejudice, test", ids[cut:], vocabulary, context))
