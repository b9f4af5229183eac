"""Solutions of lab 5.2: a function or class for each exercise, named as its slot."""

import numpy as np

import aisys_lab as lab


class Tape(lab.autodiff.Mode):
    name = "my tape"

    def __init__(self):
        super().__init__()
        self.entries = []

    def variable(self, value):
        self.save(value)
        self.entries.append(None)
        return lab.Tensor(value, self, len(self.entries) - 1)

    def bind(self, op, inputs, attrs):
        values = [self.lower(x) for x in inputs]
        out = lab.ir.bind(op, *values, **attrs)
        if lab.VJP[op] is None or lab.autodiff.resting():
            return out
        for x in values:
            self.save(x)
        mine = [x.note if type(x) is lab.Tensor and x.mode is self else None for x in inputs]
        self.entries.append((op, mine, values, out, attrs))
        return lab.Tensor(out, self, len(self.entries) - 1)

    def gradients(self, seeds, variables):
        waiting = [None] * len(self.entries)

        def add(place, g):
            waiting[place] = g if waiting[place] is None else waiting[place] + g

        for out, g in seeds:
            if type(out) is lab.Tensor and out.mode is self:
                add(out.note, g)
        for place in range(len(self.entries) - 1, -1, -1):
            entry, g = self.entries[place], waiting[place]
            if entry and g is not None:
                op, parents, values, out, attrs = entry
                parts = lab.autodiff.pull_back(op, g, out, values, attrs, parents)
                for parent, part in zip(parents, parts, strict=True):
                    if part is not None:
                        add(parent, part)
        return [waiting[x.note] for x in variables]


def checkpoint(machine, steps, slots):
    size = next(k for k in range(1, steps + 1) if -(-steps // k) + k - 1 <= slots)
    streams = []
    for step in range(steps):
        if step % size == 0:
            machine.save(step)
        streams.append(machine.rng())
        machine.run(step)
    for start in range((steps - 1) // size * size, -1, -size):
        inside = range(start, min(start + size, steps))
        machine.load(start)
        for step in inside[:-1]:
            machine.rng(streams[step])
            machine.run(step)
            machine.save(step + 1)
        for step in reversed(inside):
            machine.load(step)
            machine.rng(streams[step])
            machine.back(step)
            machine.free(step)


def hunt_rules(f, pull, draw):
    xs, rng, h = draw(), np.random.default_rng(0), 1e-5
    g = rng.standard_normal(f(*xs).shape)
    for k, (x, grad) in enumerate(zip(xs, pull(g, *xs), strict=True)):
        v = rng.standard_normal(x.shape)
        ahead, behind = (f(*xs[:k], x + step * v, *xs[k + 1:]) for step in (h, -h))
        want = np.sum(g * (ahead - behind)) / (2 * h)
        if grad.shape != x.shape or not np.isclose(np.sum(grad * v), want, 1e-4, 1e-6):
            return False
    return True
