"""The hot loop of a kernel: its innermost loop with the most multiply-adds, as the machine runs it.

Numba shows no assembly of code that it has kept on disk, so a kernel is compiled anew for this.
"""

import re
from dataclasses import dataclass, field

import numba
import numpy as np
from numba.core import types

from aisys_lab.core import LabError
from aisys_lab.core.text import significant
from aisys_lab.kernels.assembly import Loop, hottest, ir_like, loops
from aisys_lab.kernels.jit import plain, routine_of

SYMBOL = re.compile(r"aisys:[\w.:]+?;")


@dataclass(frozen=True)
class HotLoop:
    """A loop of machine code with its counts an iteration; ``ir`` is the same in LLVM's IR."""

    name: str
    loop: Loop
    ir: str = field(default="", repr=False)

    @property
    def title(self):
        """What the loop is, in one line."""
        return f"hot loop of {self.name}, {self.loop.machine}, {self.loop.bits} bits wide"

    @property
    def counts(self):
        """What an iteration does, in one line."""
        loop = self.loop
        ratio = f", {significant(loop.fmas_per_load)} a load" if loop.loads and loop.fmas else ""
        return (f"{len(loop.lines)} instructions, {loop.arithmetic} of them arithmetic: "
                f"{loop.fmas} multiply-adds{ratio}, {loop.accumulators} sums in registers; "
                f"{loop.loads} loads, {loop.stores} stores, {loop.stack} on the stack")

    def __str__(self):
        code = (f"    {name:<14}{rest}".rstrip() for name, _, rest in
                (line.partition(" ") for line in self.loop.lines))
        return "\n".join([self.title, self.counts, f"{self.loop.label}:", *code])

    __repr__ = __str__


def hot_loop(kernel, *args) -> HotLoop:
    """The hot loop of a kernel for arguments, or their Numba types.

    ``kernel``: what Python calls with arrays (an ``entry``, or any function of Numba's), a
    ``native`` routine, whose arrays stand for pointers, or a rung that names its ``loop``. Routines
    that it calls are looked through as well.
    """
    if hasattr(kernel, "loop"):  # a rung: its loop writes into its last argument
        return hot_loop(kernel.loop, *args, kernel(*args))
    if not hasattr(kernel, "routine") and not hasattr(kernel, "py_func"):
        raise LabError(f"hot_loop: {getattr(kernel, '__name__', kernel)!r} is not compiled by "
                       f"Numba, and names no loop; give an entry of a module of kernels.")
    made = {}
    look_through(getattr(kernel, "routine", kernel), kinds_of(kernel, args), made)
    found = [(name, loop, routine) for name, routine in made.items()
             for loop in loops(assembly_of(routine))]
    best = hottest([loop for _, loop, _ in found if loop.arithmetic or loop.loads or loop.stores])
    if best is None:
        raise LabError(f"hot_loop: the machine code of {', '.join(made)} has no loop over data.")
    name, _, routine = next(one for one in found if one[1] is best)
    return HotLoop(name, best, ir_like(next(iter(routine.inspect_llvm().values())), best))


def kinds_of(kernel, args):
    """Numba's types of arguments; an array of a native routine is a pointer."""
    return tuple(arg if isinstance(arg, types.Type) else
                 types.CPointer(numba.typeof(arg).dtype)
                 if isinstance(arg, np.ndarray) and hasattr(kernel, "routine") else
                 plain(numba.typeof(arg)) for arg in args)


def look_through(routine, kinds, made):
    """Compiles a routine and all that it calls by name into ``made``, by their names."""
    name = f"{routine.py_func.__module__.rpartition('.')[2]}.{routine.__name__}"
    if name in made:
        return
    made[name] = fresh = numba.njit(**options_of(routine))(routine.py_func)
    fresh.compile(kinds)
    for symbol in sorted(set(SYMBOL.findall(assembly_of(fresh)))):
        look_through(*routine_of(symbol), made)


def options_of(routine):
    """How a routine is compiled, as ``njit`` takes it."""
    return {name: value for name, value in routine.targetoptions.items()
            if name not in ("nopython", "boundscheck")}


def assembly_of(routine):
    return next(iter(routine.inspect_asm().values()))
