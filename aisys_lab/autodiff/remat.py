"""Recomputation: a chain differentiated with few states in memory, at the price of steps redone."""

import functools
from dataclasses import dataclass, field

import numpy as np

from aisys_lab.autodiff.verbs import vjp
from aisys_lab.core import LabError, slot


@functools.cache
def _runs(steps, slots):
    """``(steps to run, where to save next)`` to come back through ``steps`` from a saved state,
    with ``slots`` more states to save: the optimum (Griewank and Walther 2000, Algorithm 799)."""
    if steps <= 1:
        return 0, 0
    if slots == 0:
        return steps * (steps - 1) // 2, 0
    return min((cut + _runs(steps - cut, slots - 1)[0] + _runs(cut, slots)[0], cut)
               for cut in range(1, steps))


def fewest_runs(steps, slots):
    """Steps that the best schedule runs, with ``slots`` saved states (the input's included)."""
    return _runs(steps, slots - 1)[0]


@slot("autodiff.checkpoint")
def sweep(machine, steps, slots):
    """Comes back through all steps of the machine with at most ``slots`` saved states."""
    machine.save(0)
    streams = {}  # where the stream stood when a step was first reached

    def do(action, step):
        machine.rng(streams.setdefault(step, machine.rng()))
        action(step)

    def advance(start, stop):
        for step in range(start, stop):
            do(machine.run, step)

    def come_back(start, stop, free):
        cut = _runs(stop - start, free)[1]
        if cut:  # save half-way, come back to there, then do the first half again
            advance(start, start + cut)
            machine.save(start + cut)
            come_back(start + cut, stop, free - 1)
            machine.free(start + cut)
            machine.load(start)
            return come_back(start, start + cut, free)
        for step in range(stop - 1, start - 1, -1):
            advance(start, step)
            do(machine.back, step)
            if step > start:
                machine.load(start)
        return None

    come_back(0, steps, slots - 1)


@dataclass
class Machine:
    """A chain on a leash: one current state, ``slots`` saved ones, one stream of random numbers.

    Counts what a schedule does; ``film`` holds one row (verb, step, saved steps) an action.
    """

    run_step: object  # (step, state, stream position) -> (next state, next position)
    back_step: object  # (step, state, stream position, gradient) -> gradient of the state
    state: object
    gradient: object
    steps: int
    slots: int
    at: object = 0  # the step that the current state goes into; None after its way back
    position: int = 0
    saved: dict = field(default_factory=dict)
    film: list = field(default_factory=list)

    def run(self, step):
        """The current state goes through a step, and draws random numbers from the stream."""
        self._here("run", step)
        self.state, self.position = self.run_step(step, self.state, self.position)
        self.at = step + 1
        self._note("run", step)

    def save(self, step):
        """Keeps the current state, the input of ``step``, in a slot."""
        self._here("save", step)
        if len(self.saved) == self.slots:
            raise LabError(f"save({step}): all {self.slots} slots are taken, by the inputs of "
                           f"steps {sorted(self.saved)}; free one first.")
        self.saved[step] = self.state
        self._note("save", step)

    def load(self, step):
        """Makes the saved input of ``step`` the current state."""
        self._have("load", step)
        self.state, self.at = self.saved[step], step
        self._note("load", step)

    def free(self, step):
        """Empties the slot that holds the input of ``step``."""
        self._have("free", step)
        del self.saved[step]
        self._note("free", step)

    def rng(self, position=None):
        """The position of the random stream; sets it where one is given."""
        if position is not None:
            self.position = int(position)
        return self.position

    def back(self, step):
        """The gradient goes back through a step, whose input the current state must be."""
        self._here("back", step)
        if step != self.steps - 1:
            raise LabError(f"back({step}): the next step to come back through is "
                           f"{self.steps - 1}.")
        self.gradient = self.back_step(step, self.state, self.position, self.gradient)
        self.steps, self.at = step, None
        self._note("back", step)

    def count(self, verb):
        """How often an action was done."""
        return sum(row[0] == verb for row in self.film)

    @property
    def peak(self):
        """States that were saved at once, at most."""
        return max((len(row[2]) for row in self.film), default=0)

    def _here(self, verb, step):
        if self.at is None or int(step) != self.at:
            has = "none" if self.at is None else f"the input of step {self.at}"
            raise LabError(f"{verb}({step}): the current state is {has}; load a saved one and run "
                           f"from there.")

    def _have(self, verb, step):
        if step not in self.saved:
            raise LabError(f"{verb}({step}): the input of step {step} is not saved; saved are "
                           f"those of {sorted(self.saved)}.")

    def _note(self, verb, step):
        self.film.append((verb, int(step), tuple(sorted(self.saved))))


def chain_vjp(steps, x, g, slots, seed=0):
    """``(gradient of x, machine)`` of a chain of ``steps(x, rng) -> x``, given the gradient of
    its result; ``slots`` states are saved at most, and the machine has counted what was done."""
    if slots < 1:
        raise LabError(f"chain_vjp: slots={slots}; at least the input has to be saved.")

    def draw(position):
        return np.random.default_rng([seed, position])

    machine = Machine(lambda k, x, at: (steps[k](x, draw(at)), at + 1),
                      lambda k, x, at, g: vjp(lambda x: steps[k](x, draw(at)), x)[1](g)[0],
                      x, g, len(steps), slots)
    sweep(machine, len(steps), slots)
    return machine.gradient, machine
