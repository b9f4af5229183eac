"""Dispatch by keys: one call of an op, several kernels, each handing on to the one below it.

PyTorch's dispatcher in small, as E. Yang tells it («Let's talk about the PyTorch dispatcher»,
2020): values and threads carry sets of keys; the call goes to the highest of them.
"""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from aisys_lab.core import LabError, slot
from aisys_lab.core.text import table

FALL = "falls through"  # stands in place of a kernel: the next key is asked


@dataclass(frozen=True)
class Value:
    """A number with the keys that say who wants to see what is done to it."""

    data: float
    keys: frozenset = frozenset({"backend"})
    slope: float | None = None

    def __repr__(self):
        more = "" if self.slope is None else f", slope {self.slope:g}"
        return f"{self.data:g}{more} ({', '.join(sorted(self.keys))})"


@dataclass(frozen=True)
class Registry:
    """Kernels by op and key; op ``*`` stands for all ops. ``order`` has the highest key first."""

    order: tuple
    kernels: dict = field(default_factory=dict)
    local: threading.local = field(default_factory=threading.local)  # sets of keys of this thread

    def kernel(self, op, key):
        """Decorator: the kernel of an op for a key."""
        return lambda run: self.kernels.update({(op, key): run}) or run

    def keys(self, args):
        """The keys of all arguments, and those that this thread adds."""
        own = getattr(self.local, "within", frozenset())
        return own.union(*(x.keys for x in args if isinstance(x, Value)))

    @contextmanager
    def within(self, *keys):
        """Inside, every call of this thread has these keys too."""
        before = getattr(self.local, "within", frozenset())
        self.local.within = before.union(keys)
        try:
            yield
        finally:
            self.local.within = before

    def __call__(self, op, *args):
        return dispatch(self, op, *args)

    def __repr__(self):
        ops = list(dict.fromkeys(op for op, _ in self.kernels))
        cells = [[key, *(_word(self.kernels.get((op, key))) for op in ops)] for key in self.order]
        return table(cells, ("key", *ops), "l" * (1 + len(ops)))


def _word(kernel):
    return "–" if kernel is None else kernel if kernel == FALL else "kernel"


@slot("autodiff.dispatch")
def dispatch(registry, op, *args):
    """The result of an op on ``args``, by the kernel of the highest key that is active.

    While a kernel runs, its key and those above it are at rest in this thread, so that calling
    the op again reaches the kernel below. (PyTorch's kernels take a guard object for that.)
    """
    resting = getattr(registry.local, "without", frozenset())
    active = registry.keys(args) - resting
    for place, key in enumerate(registry.order):
        if key not in active:
            continue
        run = registry.kernels.get((op, key)) or registry.kernels.get(("*", key))
        if run is None:
            raise LabError(f"dispatch: no kernel of {op!r} for the key {key!r}.")
        if run != FALL:
            registry.local.without = resting.union(registry.order[:place + 1])
            try:
                return run(*args)
            finally:
                registry.local.without = resting
    raise LabError(f"dispatch: no active key of {op!r} has a kernel; active are: "
                   f"{', '.join(sorted(active)) or 'none'}.")


def arithmetic():
    """``(registry, trace)``: products under derivatives, tracing and rounding, and what a trace
    has written."""
    registry, written = Registry(("autograd", "tracing", "quantized", "backend")), []

    @registry.kernel("mul", "autograd")
    def slope_of_mul(a, b):
        out = registry("mul", a, b)
        slope = (a.slope or 0) * b.data + a.data * (b.slope or 0)
        return Value(out.data, out.keys, slope)

    @registry.kernel("mul", "tracing")
    def write(a, b):
        written.append(f"mul({a.data}, {b.data})")
        return registry("mul", a, b)

    @registry.kernel("mul", "quantized")
    def rounded(a, b):
        return Value(np.rint(registry("mul", a, b).data), a.keys | b.keys)

    @registry.kernel("mul", "backend")
    def multiply(a, b):
        return Value(np.multiply(a.data, b.data), a.keys | b.keys)

    registry.kernels["neg", "autograd"] = FALL
    registry.kernels["neg", "backend"] = lambda a: Value(np.negative(a.data), a.keys)
    return registry, written
