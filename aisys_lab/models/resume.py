"""A training run as one value, kept in a file: what was killed goes on as if it had not been."""

import re
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aisys_lab.core import LabError, whole
from aisys_lab.core.saving import load_notes, load_tree, save_tree


@dataclass(frozen=True)
class Run:
    """Where a training stands: all that the rest of it depends on, besides the data.

    ``rng`` is the generator at the beginning of this pass, and ``position`` counts the batches of
    it that are done: the order of those to come follows.
    """

    params: dict
    state: object  # of the optimiser
    rng: np.ndarray
    epoch: int = 0
    position: int = 0
    steps: int = 0

    def after(self, params, state):
        """One step later."""
        return Run(params, state, self.rng, self.epoch, self.position + 1, self.steps + 1)

    def next_epoch(self, rng):
        """At the beginning of the next pass."""
        return replace(self, rng=rng, epoch=self.epoch + 1, position=0)


class Keeper:
    """Writes runs to a file now and then, and reads the latest; without a path does neither.

    The notes of the file say of which training it is: another model, data set, seed, batch or
    optimiser is a sentence, not a surprise.
    """

    def __init__(self, path, every, model, data, seed, batch, optimizer):
        self.path = path if path is None else Path(path)
        self.every = every if every is None else whole("fit", "every", every, 1)
        if every is not None and path is None:
            raise LabError("fit: every=… says when to save; say where, as in "
                           "checkpoint=\"run.npz\".")
        if path is not None:
            self.notes = {"model": repr(model), "data": _print(data), "seed": str(seed),
                          "batch": str(batch), "optimizer": _plain(repr(optimizer))}

    def latest(self, start, epochs):
        """The run in the file, or ``start`` where there is none yet."""
        if self.path is None or not self.path.exists():
            return start
        for name, kept in load_notes(self.path).items():
            if kept != self.notes.get(name, kept):
                raise LabError(f"{self.path} is another training: its {name} is {kept}, this "
                               f"call's {self.notes[name]}; name another file, or pass "
                               f"resume=False to begin anew.")
        run = load_tree(self.path, like=start)
        if (run.epoch, run.position) > (epochs, 0):
            raise LabError(f"{self.path} stands in pass {run.epoch}, batch {run.position}; "
                           f"epochs={epochs} asks for less.")
        return run

    def step(self, run):
        """After every step."""
        if self.every and run.steps % self.every == 0:
            self._save(run)

    def epoch(self, run):
        """After every pass."""
        if self.path is not None:
            self._save(run)

    def _save(self, run):
        save_tree(run, self.path, self.notes)


def _print(data):
    """What tells a data set from another: its text and a checksum of its numbers."""
    sums = [zlib.crc32(np.ascontiguousarray(array)) for array in (data.x, data.y)]
    return f"{data!r}, checksums {sums[0]:08x} and {sums[1]:08x}"


def _plain(text):
    """A text form without addresses, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", text)
