"""Staging: the function of a branch or of a loop's body as a graph of its own."""

import re
from contextlib import contextmanager

import numpy as np

from aisys_lab.autodiff.reverse import Reverse
from aisys_lab.autodiff.tensor import Tensor, running
from aisys_lab.autodiff.trace import Trace, input_names
from aisys_lab.core.tree import flatten, unflatten
from aisys_lab.ir import Graph, Spec, Traced, spec_of
from aisys_lab.ir.text import INLINE


def tracing():
    """Whether a trace is under way, so that branches and loops should become nodes."""
    return any(isinstance(mode, Trace) for mode in running.modes)


def abstract(x):
    """Whether of a value only shape and dtype are known."""
    while type(x) is Tensor:
        x = x.value
    return isinstance(x, Spec)


def reversing(x):
    """Whether a value is on the tape of a reverse run."""
    while type(x) is Tensor:
        if isinstance(x.mode, Reverse):
            return True
        x = x.value
    return False


class Branch(Trace):
    """The trace of a body. What it uses from outside, traced values and large arrays, becomes a
    further input, ``captured``; small constants stay inside."""

    name = "tracing a branch or a loop"

    def __init__(self):
        super().__init__()
        self.captured = {}  # id of an outer value -> (the value, its name here)

    def name_of(self, x, weak=None):
        """The name of a value; one from outside gets one on first sight."""
        mine = type(x) is Tensor and x.mode is self
        if mine or not (isinstance(x, Traced) or isinstance(x, np.ndarray) and x.size > INLINE):
            return super().name_of(x, weak)
        if id(x) not in self.captured:
            self.captured[id(x)] = x, self.input(self._name_for(x), spec_of(x)).note
        return self.captured[id(x)][1]

    def _name_for(self, x):
        """The name that a value has outside, if it is an argument there and free here."""
        while type(x) is Tensor and type(x.value) is Tensor:
            x = x.value
        name = x.note if type(x) is Tensor and isinstance(x.mode, Trace) else "t0"
        plain = re.fullmatch(r"[ctx]\d+", name) or name in self.specs
        return self._fresh("k", len(self.captured)) if plain else name

    @contextmanager
    def alone(self):
        """Inside, ops on outer values alone are nodes of this branch too, not done outside."""
        others = [mode for mode in running.modes if mode.level < self.level]
        before = [mode.__dict__.get("bind") for mode in others]
        for mode in others:
            mode.bind = self.bind
        try:
            yield
        finally:
            for mode, bind in zip(others, before, strict=True):
                if bind is None:
                    del mode.bind
                else:
                    mode.bind = bind
            self.close()


class Staged:
    """A function run once in a branch of its own; numbers of Python stay numbers in it."""

    def __init__(self, f, *args, named=None):
        self.branch, (leaves, tree) = Branch(), flatten(args)
        given = [x if is_number(x) else self.branch.input(name, spec_of(x))
                 for x, name in zip(leaves, named or input_names(f, args), strict=True)]
        self.name = getattr(f, "__name__", "body").strip("<>")
        self.inputs = tuple(x.note for x in given if type(x) is Tensor)
        with self.branch.alone():
            out, self.tree = flatten(f(*unflatten(tree, given)))
            self.outputs = tuple(map(self.branch.name_of, out))

    @property
    def specs(self):
        """Those of the outputs."""
        return [self.branch.specs[name] for name in self.outputs]

    def graph(self, outer):
        """The body as a graph: the outer values first, then its own inputs."""
        names = tuple(map(self.branch.name_of, outer))
        return Graph(self.name, (*names, *self.inputs), self.outputs, tuple(self.branch.nodes),
                     self.branch.specs, self.branch.constants)


def is_number(x):
    return type(x) in (bool, int, float)


def captured(*bodies):
    """The outer values that any of the bodies uses, each once."""
    found = {key: x for body in bodies for key, (x, _) in body.branch.captured.items()}
    return list(found.values())
