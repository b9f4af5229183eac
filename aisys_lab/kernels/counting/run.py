"""Runs a kernel, or a student's text, and counts: what came out, and the tally of what was done."""

import inspect
import traceback
from dataclasses import dataclass

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.kernels import KERNELS
from aisys_lab.kernels.counting.arrays import Array, counting_array
from aisys_lab.kernels.counting.tally import STEPS_MOST, Tally
from aisys_lab.kernels.counting.world import ANSWER, World
from aisys_lab.kernels.isa import ISAS, Isa


@dataclass(frozen=True)
class Run:
    """The result and the arguments after a counted run, as NumPy's arrays, and its tally."""

    result: object
    arguments: tuple
    tally: Tally


def run_kernel(op, rung, args, options=None, isa="avx2", sink=None):
    """A rung of an op's ladder, run by its own text through the plain verb that checks arguments.

    ``isa`` names the instruction set whose registers vector kernels use; ``sink(address, size,
    write)`` gets the accesses, in their order.
    """
    KERNELS[op][rung]  # the tables' own sentences for unknown names
    world = World(Tally(sink), isa_of(isa))
    return finished(world.tally, world.offered(op), args, (options or {}) | {"kernel": rung})


def run_source(text, name, args, isa="avx2", sink=None, pieces=(), steps_most=STEPS_MOST):
    """The function ``name`` of a student's text; a sentence where it leaves the fence or fails.

    ``pieces`` are operations of ``vector.py`` that the text may call beside its own functions.
    """
    world = World(Tally(sink, steps_most), isa_of(isa))
    try:
        return finished(world.tally, world.answer(text, name, pieces), args, {})
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if frame.filename == ANSWER]
        kind = "" if isinstance(error, LabError) else f"{type(error).__name__}: "
        where = f"line {lines[-1]}: " if lines else ""
        raise LabError(f"{name}: {where}{kind}{error}") from None


def isa_of(isa):
    """An instruction set by its name, or itself."""
    if isinstance(isa, Isa):
        return isa
    if isa not in ISAS:
        raise LabError(f"no instruction set {isa!r}; there are: {', '.join(ISAS)}.")
    return ISAS[isa]


def finished(tally, function, args, options):
    """The run itself; an array that is given twice is one array."""
    names, made = list(inspect.signature(function).parameters), {}
    for name, x in zip(names, args, strict=False):
        if isinstance(x, np.ndarray) and id(x) not in made:
            made[id(x)] = counting_array(tally, x, name)
    given = [made.get(id(x), x) for x in args]
    with np.errstate(all="ignore"):
        result = function(*given, **options)
    if tally.sink:
        tally.flush()
    return Run(plain(result), tuple(map(plain, given)), tally)


def plain(value):
    """A value with NumPy's arrays in place of counting ones."""
    if isinstance(value, tuple | list):
        return type(value)(map(plain, value))
    return value.numpy() if isinstance(value, Array) else value
