"""Generated code on numbers: what an intrinsic tells LLVM's builder becomes a tape of steps.

An intrinsic of Numba's is a function that is given types, and returns a signature and a function
of a builder and of LLVM values. It is asked once for given types, with a builder that writes a
tape; then the tape runs on numbers, and writes on the tally. So every operation of ``vector.py``,
``tile.py`` and others is counted by the text that generates its code.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.np.numpy_support import as_dtype, from_dtype

from aisys_lab.kernels.counting.arrays import Array, Pointer
from aisys_lab.kernels.counting.builder import Builder, Tape, Value


class Context:
    """What intrinsics ask of Numba's context."""

    def __init__(self, tape):
        self.tape = tape

    def make_tuple(self, builder, kind, values):
        return Value(None, parts=tuple(map(builder.value, values)))

    def get_dummy_value(self):
        return None

    def make_array(self, kind):
        """``.data``: the address of an array's first number."""
        def made(context, builder, value):
            slot = self.tape.step(address, value.slot)
            return SimpleNamespace(data=Value(llvm_of(types.CPointer(kind.dtype)), slot))
        return made


def address(array):
    return Pointer(array.block, array.first * array.itemsize, array.dtype)


@cache
def llvm_of(kind):
    """LLVM's type of a type of Numba's."""
    if isinstance(kind, types.CPointer):
        return llvm_of(kind.dtype).as_pointer()
    if isinstance(kind, types.UniTuple):
        return ir.ArrayType(llvm_of(kind.dtype), kind.count)
    if isinstance(kind, types.BaseTuple):
        return ir.LiteralStructType([llvm_of(part) for part in kind])
    if isinstance(kind, types.Float):
        return ir.FloatType() if kind.bitwidth == 32 else ir.DoubleType()
    if isinstance(kind, types.Integer | types.Boolean):
        return ir.IntType(getattr(kind, "bitwidth", 1))
    return getattr(kind, "ir", None)


def key_of(x):
    """What the type of a value depends on."""
    if isinstance(x, tuple):
        return tuple(map(key_of, x))
    return type(x), getattr(x, "dtype", None), getattr(x, "shape", None) if type(
        x) is np.ndarray else getattr(x, "ndim", None)


class Routine:
    """An intrinsic for arguments of given types: its tape, and where arguments and result are."""

    def __init__(self, function, kinds):
        self.tape = Tape()
        self.signature, build = function(None, *kinds)
        given = [self.argument(kind) for kind in self.signature.args]
        self.arguments = [(value, caster(kind)) for value, kind in
                          zip(given, self.signature.args, strict=True)]
        builder = Builder(self.tape)
        made = build(Context(self.tape), builder, self.signature, given)
        self.result = builder.value(made) if made else None

    def argument(self, kind):
        """Slots for an argument."""
        parts = tuple(map(self.argument, kind)) if isinstance(kind, types.BaseTuple) else ()
        return Value(llvm_of(kind), self.tape.slot(), parts)

    def run(self, args):
        """The result for arguments."""
        held = self.tape.held.copy()
        for x, (value, cast) in zip(args, self.arguments, strict=True):
            if value.parts:
                for part, one in zip(x, value.parts, strict=True):
                    held[one.slot] = part
            else:
                held[value.slot] = cast(x)
        for function, slots, out in self.tape.steps:
            held[out] = function(*[held[slot] for slot in slots])
        return taken(self.result, self.signature.return_type, held)


def caster(kind):
    """Makes numbers those of the dtype that generated code has."""
    if isinstance(kind, types.Number | types.Boolean):
        return as_dtype(kind).type
    return lambda x: x


def taken(value, kind, held):
    """A value of generated code as Python's: whole numbers of 64 bits are indices."""
    if kind == types.none:
        return None
    if isinstance(kind, types.BaseTuple):
        return tuple(taken(part, one, held) for part, one in zip(value.parts, kind, strict=True))
    found = held[value.slot]
    if isinstance(kind, types.CPointer):
        return Pointer(found.block, found.byte, as_dtype(kind.dtype))
    if kind in (types.intp, types.boolean):
        return found.item()
    if isinstance(kind, types.Integer):
        return found.view(as_dtype(kind))
    return found


class Generator:
    """Makes of intrinsics functions of Python's values; ``vector()`` is the type of registers."""

    def __init__(self, tally, vector):
        self.tally, self.vector = tally, vector

    def __call__(self, function):
        """The intrinsic, run on numbers."""
        made = {}

        def run(*args):
            key = tuple(map(key_of, args))
            if key not in made:
                made[key] = Routine(function, tuple(map(self.kind_of, args)))
            self.tally.add(made[key].tape.counts)
            return made[key].run(args)
        return run

    def kind_of(self, x):
        """Numba's type of a value."""
        if isinstance(x, tuple):
            return types.BaseTuple.from_types(tuple(map(self.kind_of, x)))
        if isinstance(x, Pointer):
            return types.CPointer(from_dtype(x.dtype))
        if isinstance(x, Array):
            return types.Array(from_dtype(x.dtype), x.ndim, "A")
        if isinstance(x, np.ndarray):
            return self.vector()(from_dtype(x.dtype), len(x))
        if isinstance(x, np.generic):
            return from_dtype(x.dtype)
        return {bool: types.boolean, int: types.intp, float: types.float64}[type(x)]
