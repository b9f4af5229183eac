"""LLVM's builder of instructions, writing them on a tape that runs on numbers.

The instructions (LLVM language reference) are those that the package's code generators use; a new
one is a row of a table or a method here. A register is an array of NumPy's, an address a Pointer.
"""

import operator
from functools import cache, partial

import numpy as np
from llvmlite import ir

from aisys_lab.core import LabError

DTYPES = {"float": "f4", "double": "f8", "i1": "?", "i8": "i1", "i16": "i2", "i32": "i4",
          "i64": "i8"}
WHERE = "give it a row in aisys_lab/kernels/counting/builder.py"


class Tape:
    """Steps ``(function, slots of its operands, slot of its result)``, what the slots hold in the
    beginning, and the operations on data that all steps together are."""

    def __init__(self):
        self.held, self.steps, self.counts = [], [], {}

    def slot(self, held=None):
        """A new slot."""
        self.held.append(held)
        return len(self.held) - 1

    def step(self, function, *slots):
        """One more step; returns the slot of its result."""
        out = self.slot()
        self.steps.append((function, slots, out))
        return out

    def count(self, counter, lanes):
        """Operations of a counter, if it is one."""
        if counter:
            self.counts[counter] = self.counts.get(counter, 0) + lanes


class Value:
    """What a slot holds, with LLVM's type; or a tuple of values, as ``parts``."""

    def __init__(self, type, slot=None, parts=()):
        self.type, self.slot, self.parts = type, slot, parts


@cache
def dtype_of(kind):
    """NumPy's dtype of a number of LLVM's type, or of the numbers of a register."""
    return np.dtype(DTYPES[str(getattr(kind, "element", kind))])


def lanes_of(kind):
    """Numbers in a value of LLVM's type."""
    return kind.count if isinstance(kind, ir.VectorType) else 1


def number_of(constant):
    """What a constant of LLVM's holds."""
    held, kind = constant.constant, constant.type
    if not isinstance(kind, ir.VectorType):
        return dtype_of(kind).type(plain(held))
    parts = held if isinstance(held, list | tuple) else [held] * kind.count
    return np.array(list(map(plain, parts)), dtype_of(kind))


def plain(held):
    """What a constant, or a part of one, holds; 0 where that is undefined or zero."""
    held = getattr(held, "constant", held)
    return 0 if held is None or held is ir.Undefined else held


# ---- what the steps do

def unsigned(function):
    """The same of whole numbers without sign."""
    return lambda x, y: function(x.view(f"u{x.itemsize}"), y.view(f"u{y.itemsize}"))


def cast(dtype, x):
    return x.astype(dtype)


def cast_unsigned(dtype, x):
    return (x if x.dtype == bool else x.view(f"u{x.itemsize}")).astype(dtype)


def viewed(dtype, x):
    """The same bits as numbers of another dtype; a register, if there are several."""
    seen = np.atleast_1d(x).view(dtype)
    return seen if len(seen) > 1 else seen[0]


def read_one(dtype, p):
    return p.block.read(p.byte, dtype, 1)[0]


def read_some(dtype, count, p):
    return p.block.read(p.byte, dtype, count)


def write(x, p):
    p.block.write(p.byte, np.atleast_1d(x))


def read_first(dtype, p, align, mask, rest):
    """The first lanes from memory, as many as the mask has; the others from ``rest``."""
    out, count = rest.copy(), int(mask.sum())
    out[:count] = p.block.read(p.byte, dtype, count)
    return out


def write_first(x, p, align, mask):
    p.block.write(p.byte, x[:int(mask.sum())])


def ordered(order, x, y):
    """A comparison that is false where one of them is NaN."""
    known = ~(np.isnan(x) | np.isnan(y))
    return known if order == "ord" else known & ORDERS[order](x, y)


def unordered(order, x, y):
    """A comparison that is true where one of them is NaN."""
    unknown = np.isnan(x) | np.isnan(y)
    return unknown if order == "uno" else unknown | ORDERS[order](x, y)


def replaced(v, x, i):
    out = v.copy()
    out[int(i)] = x
    return out


def four_products(acc, x, y):
    """``acc`` plus, word by word, the products of four bytes of x without sign and of y."""
    x, y = (v.view(parts).astype(np.int32) for v, parts in ((x, "u1"), (y, "i1")))
    return acc + (x * y).reshape(-1, 4).sum(1, dtype=np.int32)


# ---- the instructions: name -> (counter or '', function)

BINARY = {
    "fadd": ("additions", operator.add), "fsub": ("additions", operator.sub),
    "fmul": ("multiplications", operator.mul), "fdiv": ("divisions", operator.truediv),
    "add": ("additions", operator.add), "sub": ("additions", operator.sub),
    "mul": ("multiplications", operator.mul), "and_": ("", operator.and_),
    "or_": ("", operator.or_), "xor": ("", operator.xor), "shl": ("", operator.lshift),
    "ashr": ("", operator.rshift), "lshr": ("", lambda x, y: unsigned(operator.rshift)(x, y).view(
        x.dtype))}
CASTS = {"sext": cast, "zext": cast_unsigned, "trunc": cast, "sitofp": cast,
         "uitofp": cast_unsigned, "fptosi": cast, "fpext": cast, "fptrunc": cast}
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
          "==": operator.eq, "!=": operator.ne}
COMPARED = {  # name -> (counter, function of the order, x and y)
    "fcmp_ordered": ("others", ordered), "fcmp_unordered": ("others", unordered),
    "icmp_signed": ("", lambda order, x, y: ORDERS[order](x, y)),
    "icmp_unsigned": ("", lambda order, x, y: unsigned(ORDERS[order])(x, y))}
CALLED = {  # beginning of the name of a function of LLVM's -> (counter, function)
    "fmuladd.": ("fmas", lambda x, y, z: x * y + z), "fma.": ("fmas", lambda x, y, z: x * y + z),
    "sqrt.": ("others", np.sqrt), "rint.": ("others", np.rint), "nearbyint.": ("others", np.rint),
    "floor.": ("others", np.floor), "ceil.": ("others", np.ceil), "trunc.": ("others", np.trunc),
    "fabs.": ("", np.abs), "copysign.": ("", np.copysign), "maxnum.": ("others", np.fmax),
    "minnum.": ("others", np.fmin), "maximum.": ("others", np.maximum),
    "minimum.": ("others", np.minimum), "smax.": ("others", np.maximum),
    "smin.": ("others", np.minimum),
    "vector.reduce.fadd.": ("additions", lambda start, v: start + v.sum(dtype=v.dtype)),
    "vector.reduce.add.": ("additions", lambda v: v.sum(dtype=v.dtype)),
    "vector.reduce.fmax.": ("others", np.fmax.reduce),
    "vector.reduce.fmin.": ("others", np.fmin.reduce),
    "masked.load.": ("", read_first), "masked.store.": ("", write_first),
    "prefetch.": ("", lambda *hint: None),  # no access: the simulated caches take no hints
    "x86.avx512.vpdpbusd.": ("fmas", four_products)}


class Builder:
    """The methods of LLVM's builder that code generators call, by their names there."""

    def __init__(self, tape):
        self.tape, self.module = tape, ir.Module()

    def __getattr__(self, name):
        if name in BINARY:
            return partial(self.binary, *BINARY[name])
        if name in COMPARED:
            return partial(self.compared, *COMPARED[name])
        if name in CASTS:
            return lambda x, kind: self.made(kind, partial(CASTS[name], dtype_of(kind)), x)
        raise LabError(f"LLVM's instruction {name} is not counted yet; {WHERE}.")

    def value(self, x):
        """A value, or a constant as one."""
        return Value(x.type, self.tape.slot(number_of(x))) if isinstance(x, ir.Constant) else x

    def slot(self, x):
        """Where a value or a constant is held."""
        return self.value(x).slot

    def made(self, kind, function, *values):
        """The value of a step."""
        return Value(kind, self.tape.step(function, *map(self.slot, values)))

    def binary(self, counter, function, x, y, flags=()):
        """An operation lane by lane; single whole numbers are indices and not counted."""
        if isinstance(x.type, ir.VectorType) or not isinstance(x.type, ir.IntType):
            self.tape.count(counter, lanes_of(x.type))
        return self.made(x.type, function, x, y)

    def compared(self, counter, function, order, x, y, flags=()):
        bit, lanes = ir.IntType(1), lanes_of(x.type)
        self.tape.count(counter, lanes)
        return self.made(ir.VectorType(bit, lanes) if isinstance(x.type, ir.VectorType) else bit,
                         partial(function, order), x, y)

    def select(self, mask, x, y):
        lanes = isinstance(mask.type, ir.VectorType)
        return self.made(x.type, np.where if lanes else lambda m, x, y: x if m else y, mask, x, y)

    def fneg(self, x, flags=()):
        return self.made(x.type, operator.neg, x)

    def gep(self, p, places):
        """The address some numbers, or registers, further on."""
        place, = places
        size = dtype_of(p.type.pointee).itemsize * lanes_of(p.type.pointee)
        return self.made(p.type, lambda p, i: p.further(int(i) * size), p, place)

    def load(self, p, align=None):
        kind = p.type.pointee
        if isinstance(kind, ir.VectorType):
            return self.made(kind, partial(read_some, dtype_of(kind), kind.count), p)
        return self.made(kind, partial(read_one, dtype_of(kind)), p)

    def store(self, x, p, align=None):
        self.made(None, write, x, p)

    def bitcast(self, x, kind):
        if isinstance(kind, ir.PointerType):
            return Value(kind, self.slot(x))
        return self.made(kind, partial(viewed, dtype_of(kind)), x)

    def insert_element(self, v, x, i):
        return self.made(v.type, replaced, v, x, i)

    def extract_element(self, v, i):
        return self.made(v.type.element, lambda v, i: v[int(i)], v, i)

    def shuffle_vector(self, x, y, picks):
        """Lanes of x and y by number; a single one many times over is the usual case."""
        order = number_of(picks)
        kind = ir.VectorType(x.type.element, len(order))
        if not order.any():
            return self.made(kind, lambda x: np.repeat(x[:1], len(order)), x)
        return self.made(kind, lambda x, y: np.concatenate([x, y])[order], x, y)

    def extract_value(self, parts, i):
        return parts.parts[i]

    def call(self, function, args, fastmath=()):
        """One of CALLED."""
        name, kind = function.name.removeprefix("llvm."), function.function_type.return_type
        known = [known for known in CALLED if name.startswith(known)]
        if not known:
            raise LabError(f"LLVM's function {function.name} is not counted yet; {WHERE}.")
        counter, compute = CALLED[known[0]]
        lanes = max(lanes_of(arg.type) for arg in args) - ("reduce" in name)
        self.tape.count(counter, lanes * (4 if compute is four_products else 1))
        if compute is read_first:
            compute = partial(compute, dtype_of(kind))
        return self.made(kind, compute, *args)
