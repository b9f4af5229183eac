"""Vectors in Numba: a register of numbers as a value, with loads, stores and arithmetic.

    v = load(pointer(x), 8)          # elements 8, 9, … of x, as many as a register holds
    store(v * 2 + w, pointer(y), 8)

Numba turns loops into vector code where it can prove that nothing overlaps; a kernel that says
itself which elements belong together does not depend on that proof. Every operation here is one
of LLVM's own (language reference: vector types, llvm.fmuladd, llvm.masked.load), so it runs on any
processor, as wide as that is. Nothing checks bounds: kernels do, before they come here.
"""

import operator

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, register_model
from numba.np.numpy_support import as_dtype

from aisys_lab.kernels.isa import host

I32, I64 = ir.IntType(32), ir.IntType(64)


class Vector(types.Type):
    """``lanes`` numbers of a dtype in one register (or several: LLVM splits what is too wide)."""

    def __init__(self, dtype, lanes):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(f"vector({lanes} x {dtype})")

    @property
    def ir(self):
        """LLVM's type."""
        return ir.VectorType(element(self.dtype), self.lanes)


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A vector is one LLVM value."""

    def __init__(self, manager, vector):
        super().__init__(manager, vector, vector.ir)


def element(dtype):
    """LLVM's type of a number."""
    floats = {32: ir.FloatType(), 64: ir.DoubleType()}
    is_float = isinstance(dtype, types.Float)
    return floats[dtype.bitwidth] if is_float else ir.IntType(dtype.bitwidth)


def vector_of(dtype):
    """The vector type of a Numba dtype, one register of this host wide."""
    return Vector(dtype, host().lanes(as_dtype(dtype)))


# ---- code: functions of LLVM's builder and values

def number(value):
    """A whole number as an LLVM constant."""
    return ir.Constant(I64, value)


def splatted(builder, value, kind):
    """A vector whose lanes are all ``value``."""
    blank = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(blank, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, blank, ir.Constant(ir.VectorType(I32, kind.count), None))


def called(builder, name, result, *args, flags=()):
    """A call of one of LLVM's functions."""
    kind = ir.FunctionType(result, [arg.type for arg in args])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, args, fastmath=flags)


def suffix(kind):
    """``v8f32`` for a vector of eight floats, as LLVM's overloaded names have it."""
    one = kind.element if isinstance(kind, ir.VectorType) else kind
    name = {"float": "f32", "double": "f64"}.get(str(one)) or str(one)
    return f"v{kind.count}{name}" if isinstance(kind, ir.VectorType) else name


def bytes_of(kind):
    """Bytes of a number of LLVM's type."""
    return {"float": 4, "double": 8}.get(str(kind)) or kind.width // 8


def address(builder, p, i, kind):
    """Where a vector of this kind begins at element i."""
    return builder.bitcast(builder.gep(p, [i]), kind.as_pointer())


def loaded(builder, p, i, kind):
    """A load that need not be aligned."""
    return builder.load(address(builder, p, i, kind), align=bytes_of(kind.element))


def stored(builder, v, p, i):
    """A store that need not be aligned."""
    builder.store(v, address(builder, p, i, v.type), align=bytes_of(v.type.element))


def first_lanes(builder, n, kind):
    """The mask of lanes 0 to n - 1."""
    lanes = ir.VectorType(I64, kind.count)
    counted = ir.Constant(lanes, list(range(kind.count)))
    return builder.icmp_signed("<", counted, splatted(builder, n, lanes))


# ---- memory

@intrinsic
def pointer(typing, array):
    """The address of an array's first element."""
    def build(context, builder, sig, args):
        return context.make_array(array)(context, builder, args[0]).data
    return types.CPointer(array.dtype)(array), build


@intrinsic
def keep(typing, array):
    """Keeps an array alive up to here: an address does not, and Numba frees what is not named
    any more, also while a routine works on its memory."""
    def build(context, builder, sig, args):
        return context.get_dummy_value()
    return types.none(array), build


@intrinsic
def offset(typing, p, n):
    """The address ``n`` elements on."""
    def build(context, builder, sig, args):
        return builder.gep(args[0], [args[1]])
    return p(p, types.intp), build


@intrinsic
def load(typing, p, i):
    """The vector that begins at element i."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        return loaded(builder, *args, vector.ir)
    return vector(p, types.intp), build


@intrinsic
def store(typing, v, p, i):
    """Writes a vector to element i and those after it."""
    def build(context, builder, sig, args):
        stored(builder, *args)
        return context.get_dummy_value()
    return types.none(v, p, types.intp), build


@intrinsic
def load_part(typing, p, i, n, rest):
    """The vector that begins at element i, of which only ``n`` are read; the others are
    ``rest``."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        p, i, n, rest = args
        kind, at = vector.ir, address(builder, p, i, vector.ir)
        align = ir.Constant(I32, bytes_of(kind.element))
        return called(builder, f"llvm.masked.load.{suffix(kind)}.p0", kind, at, align,
                      first_lanes(builder, n, kind), splatted(builder, rest, kind))
    return vector(p, types.intp, types.intp, p.dtype), build


@intrinsic
def store_part(typing, v, p, i, n):
    """Writes the first ``n`` lanes of a vector to element i and those after it."""
    def build(context, builder, sig, args):
        v, p, i, n = args
        align = ir.Constant(I32, bytes_of(v.type.element))
        called(builder, f"llvm.masked.store.{suffix(v.type)}.p0", ir.VoidType(), v,
               address(builder, p, i, v.type), align, first_lanes(builder, n, v.type))
        return context.get_dummy_value()
    return types.none(v, p, types.intp, types.intp), build


@intrinsic
def splat(typing, p, value):
    """A vector of one number, of the dtype that ``p`` points to."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        return splatted(builder, args[1], vector.ir)
    return vector(p, p.dtype), build


@intrinsic
def prefetch(typing, p, i):
    """Asks for the cache line of element i ahead of time; a wrong address does no harm."""
    def build(context, builder, sig, args):
        byte = builder.bitcast(builder.gep(args[0], [args[1]]), ir.IntType(8).as_pointer())
        hints = [ir.Constant(I32, value) for value in (0, 3, 1)]  # to read, keep, data
        called(builder, "llvm.prefetch.p0", ir.VoidType(), byte, *hints)
        return context.get_dummy_value()
    return types.none(p, types.intp), build


# ---- arithmetic: + - * / of vectors, and of a vector and a number

ARITHMETIC = {operator.add: ("fadd", "add"), operator.sub: ("fsub", "sub"),
              operator.mul: ("fmul", "mul"), operator.truediv: ("fdiv", None)}


class Arithmetic(AbstractTemplate):
    """``vector op vector``, or a number in place of one of them."""

    def generic(self, args, kwargs):
        vectors = [x for x in args if isinstance(x, Vector)]
        if len(args) != 2 or not vectors or len(set(vectors)) > 1:
            return None
        vector = vectors[0]
        return signature(vector, *(x if x is vector else vector.dtype for x in args))


def _arithmetic(op, names):
    infer_global(op)(type(f"Vector_{names[0]}", (Arithmetic,), {"key": op}))

    def build(context, builder, sig, args):
        kind, is_float = sig.return_type.ir, isinstance(sig.return_type.dtype, types.Float)
        x, y = (v if isinstance(t, Vector) else splatted(builder, v, kind)
                for v, t in zip(args, sig.args, strict=True))
        return getattr(builder, names[0 if is_float else 1])(x, y)

    for kinds in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(op, *kinds)(build)


for _op, _names in ARITHMETIC.items():
    _arithmetic(_op, _names)
    _arithmetic(getattr(operator, f"i{_op.__name__}"), _names)  # v += w


@intrinsic
def fma(typing, x, y, z):
    """``x * y + z`` in one rounding where the processor has that."""
    def build(context, builder, sig, args):
        return called(builder, f"llvm.fmuladd.{suffix(args[0].type)}", args[0].type, *args)
    return x(x, x, x), build


@intrinsic
def maximum(typing, x, y):
    """``x`` where x > y, else ``y``: one instruction, and so a NaN of x is lost."""
    def build(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)
    return x(x, x), build


@intrinsic
def minimum(typing, x, y):
    """``x`` where x < y, else ``y``: a NaN of x is lost."""
    def build(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", *args), *args)
    return x(x, x), build


@intrinsic
def greatest(typing, x, y):
    """The larger one, or NaN where either is NaN."""
    def build(context, builder, sig, args):
        name = f"llvm.maximum.{suffix(args[0].type)}"
        return called(builder, name, args[0].type, *args, flags=("nsz",))
    return x(x, x), build


@intrinsic
def least(typing, x, y):
    """The smaller one, or NaN where either is NaN."""
    def build(context, builder, sig, args):
        name = f"llvm.minimum.{suffix(args[0].type)}"
        return called(builder, name, args[0].type, *args, flags=("nsz",))
    return x(x, x), build


@intrinsic
def sqrt(typing, x):
    """Square roots, rounded correctly."""
    def build(context, builder, sig, args):
        return called(builder, f"llvm.sqrt.{suffix(args[0].type)}", args[0].type, *args)
    return x(x), build


@intrinsic
def rounded(typing, x):
    """The nearest whole number, halves to the even one."""
    def build(context, builder, sig, args):
        return called(builder, f"llvm.rint.{suffix(args[0].type)}", args[0].type, *args)
    return x(x), build


@intrinsic
def where_less(typing, x, y, a, b):
    """``a`` where x < y, else ``b`` (also where one of them is NaN)."""
    def build(context, builder, sig, args):
        x, y, a, b = args
        return builder.select(builder.fcmp_ordered("<", x, y), a, b)
    return a(x, x, a, a), build


@intrinsic
def where_equal(typing, x, y, a, b):
    """``a`` where x == y, else ``b`` (also where one of them is NaN)."""
    def build(context, builder, sig, args):
        x, y, a, b = args
        return builder.select(builder.fcmp_ordered("==", x, y), a, b)
    return a(x, x, a, a), build


@intrinsic
def scale_by_power(typing, x, n):
    """``x * 2**n`` for whole ``n`` (as floats) of -126 to 127, and 0 for -127.

    In double precision from -1022 to 1023, and 0 for -1023. The sum ``n + bias + 1.5 * 2**23``
    has n + bias as its last bits, which a shift puts into the exponent.
    """
    def build(context, builder, sig, args):
        bits, bias, fraction = ((32, 127, 23) if x.dtype.bitwidth == 32 else (64, 1023, 52))
        whole = ir.VectorType(ir.IntType(bits), x.lanes)
        shifted = builder.fadd(args[1], ir.Constant(x.ir, [1.5 * 2 ** fraction + bias] * x.lanes))
        power = builder.shl(builder.bitcast(shifted, whole),
                            ir.Constant(whole, [fraction] * x.lanes))
        return builder.fmul(args[0], builder.bitcast(power, x.ir))
    return x(x, x), build


# ---- across lanes

@intrinsic
def total(typing, v):
    """The sum of the lanes."""
    def build(context, builder, sig, args):
        kind = args[0].type
        zero = ir.Constant(kind.element, 0)
        if isinstance(v.dtype, types.Float):
            return called(builder, f"llvm.vector.reduce.fadd.{suffix(kind)}", kind.element, zero,
                          args[0], flags=("reassoc",))
        return called(builder, f"llvm.vector.reduce.add.{suffix(kind)}", kind.element, args[0])
    return v.dtype(v), build


@intrinsic
def largest(typing, v):
    """The largest lane; NaN loses."""
    def build(context, builder, sig, args):
        kind = args[0].type
        return called(builder, f"llvm.vector.reduce.fmax.{suffix(kind)}", kind.element, args[0])
    return v.dtype(v), build


@intrinsic
def lanes(typing, p):
    """How many numbers like those that ``p`` points to a register holds."""
    count = vector_of(p.dtype).lanes

    def build(context, builder, sig, args):
        return number(count)
    return types.intp(p), build


@intrinsic
def size_of(typing, p):
    """Bytes of a number like those that ``p`` points to."""
    size = as_dtype(p.dtype).itemsize

    def build(context, builder, sig, args):
        return number(size)
    return types.intp(p), build
