"""What lab V.2 asks of recomputation: a schedule, run on a machine that counts."""

from math import ceil

import numpy as np

from aisys_lab.autodiff.remat import Machine
from aisys_lab.exercises.declare import AnswerError, Case, brief, edits, exercise
from aisys_lab.exercises.drivers.machine import ACTIONS

SEGMENTS = '''
def checkpoint(machine, steps, slots):
    size = 1
    while -(-steps // size) + size - 1 > slots:
        size += 1
    streams = []
    for step in range(steps):
        if step % size == 0:
            machine.save(step)
        streams.append(machine.rng())
        if step < steps - 1:
            machine.run(step)
    for start in reversed(range(0, steps, size)):
        stop = min(start + size, steps)
        machine.load(start)
        for step in range(start, stop - 1):
            machine.rng(streams[step])
            machine.run(step)
            machine.save(step + 1)
        for step in reversed(range(start, stop)):
            machine.load(step)
            machine.rng(int(streams[step]))
            machine.back(step)
            machine.free(step)
'''
HALVES = '''
def checkpoint(machine, steps, slots):
    streams = {}

    def go(first, last):
        for step in range(first, last):
            machine.rng(streams.setdefault(step, machine.rng()))
            machine.run(step)
        streams.setdefault(last, machine.rng())

    def home(first, last, free):
        if last - first == 1:
            machine.rng(streams.setdefault(first, machine.rng()))
            machine.back(first)
            return
        middle = first + 1 if free >= last - first - 1 else (first + last) // 2
        if not free:
            middle = last - 1
        go(first, middle)
        if free:
            machine.save(middle)
            home(middle, last, free - 1)
            machine.free(middle)
        else:
            home(middle, last, 0)
        machine.load(first)
        home(first, middle, free)

    machine.save(0)
    home(0, steps, slots - 1)
'''
WRONG_SCHEDULES = edits(SEGMENTS, {
    "other random numbers when run again": (
        "            machine.rng(streams[step])\n", ""),
    "other random numbers on the way back": (
        "            machine.rng(int(streams[step]))\n", ""),
    "saves everything": ("if step % size == 0", "if step >= 0"),
    "never frees": ("            machine.free(step)\n", ""),
    "the last segment taken for a full one": ("min(start + size, steps)", "start + size"),
    "segments in forward order": ("in reversed(range(0, steps, size))", "in range(0, steps, size)"),
    "one segment": ("    size = 1\n", "    size = steps\n"),
    "forgets the first step": ("in reversed(range(start, stop))",
                               "in reversed(range(max(start, 1), stop))"),
}) | {"runs again from the input each time": '''
def checkpoint(machine, steps, slots):
    machine.save(0)
    streams = {}
    for last in reversed(range(steps)):
        machine.load(0)
        machine.rng(0)
        for step in range(last):
            machine.run(step)
        machine.back(last)
'''}


@exercise("autodiff.checkpoint", code="V.2-D", points=10, driver="machine",
          mutants=WRONG_SCHEDULES, different={"segments": SEGMENTS, "halves": HALVES},
          hides=("autodiff.remat:sweep",))
def checkpoint(answer, rng):
    """checkpoint(machine, steps, slots) differentiates a chain of steps that does not fit into
    memory. The machine has one current state, at first the input of step 0. machine.run(i) puts
    it through step i. machine.save(i) keeps the current state, which must be the input of step i,
    in one of the slots; machine.load(i) makes it current again, machine.free(i) empties its slot.
    machine.back(i) takes the gradient back through step i, from the last step to the first; the
    current state must be the input of step i, and is used up. A step draws random numbers (a
    dropout mask) from a stream, in run as in back: machine.rng() is the position of the stream,
    machine.rng(position) sets it, and each step needs, every time, the position that it had when
    the chain first ran from start to end. With slots >= steps no step may run twice; you get at
    least 2 ceil(sqrt(steps)) slots, and at most 2 steps runs."""
    sizes = [(1, 2), (2, 3), (7, 7), (9, 6), (10, 8), (17, 10), (25, 10)]
    more = [int(n) for n in rng.integers(11, 30, 2)]
    for steps, slots in [*sizes, *((n, 2 * ceil(n ** 0.5)) for n in more)]:
        case = _played(answer, rng, steps, slots)
        yield case
        if not case.ok:
            return


def _played(answer, rng, steps, slots):
    """One sweep: the gradient, and the runs that it took."""
    forward, backward, x, g, want = _chain(rng, steps)
    machine = Machine(forward, backward, x, g, steps, slots)
    given = f"checkpoint(machine, {steps}, {slots})"
    try:
        answer(*(getattr(machine, action) for action in ACTIONS), steps, slots)
    except AnswerError as error:
        return Case(False, f"{given}: {error}")
    if machine.steps:
        return Case(False, f"{given}: expected a gradient that came back through all steps, came "
                           f"to a stop before step {machine.steps - 1}")
    most = steps if slots >= steps else 2 * steps
    if machine.count("run") > most:
        return Case(False, f"{given}: expected at most {most} runs, came {machine.count('run')}")
    return Case(np.allclose(machine.gradient, want, rtol=1e-12, atol=1e-14),
                f"{given}: expected the gradient {brief(want)}, came {brief(machine.gradient)}; "
                f"is the stream where it was at each step's first run?")


def _chain(rng, steps):
    """Steps ``x -> tanh(w x) * mask``, one after the other; with the true gradient."""
    weights, seed = rng.standard_normal((steps, 3, 3)), int(rng.integers(1 << 30))

    def mask(position):
        return np.random.default_rng([seed, position]).uniform(0.2, 1.8, 3)

    def forward(step, x, position):
        return np.tanh(weights[step] @ x) * mask(position), position + 1

    def backward(step, x, position, g):
        return (g * mask(position) * (1 - np.tanh(weights[step] @ x) ** 2)) @ weights[step]

    x, g = rng.standard_normal((2, 3))
    states = [x]
    for step in range(steps):
        states.append(forward(step, states[-1], step)[0])
    want = g
    for step in range(steps - 1, -1, -1):
        want = backward(step, states[step], step, want)
    return forward, backward, x, g, want
