"""Register tiles whose lines lie anywhere: each has an address of its own.

A tile of a matrix product reads rows of a that lie ``lda`` apart (``kernels.tile``). Pixels of
neighbouring windows do so only up to the end of a line of the image.
"""

from numba.core import cgutils, types
from numba.extending import intrinsic

from aisys_lab.kernels.vector import called, loaded, number, splatted, suffix, vector_of


@intrinsic
def on(typing, lines, n):
    """The addresses of lines, each ``n`` elements on."""
    def build(context, builder, sig, args):
        made = [builder.gep(p, [args[1]]) for p in cgutils.unpack_tuple(builder, args[0])]
        return context.make_tuple(builder, lines, made)
    return lines(lines, types.intp), build


@intrinsic
def clamped(typing, acc, low, high):
    """Each number of a tile, or the nearest end; NaN stays what it is."""
    def build(context, builder, sig, args):
        low, high = (splatted(builder, end, acc.dtype.ir) for end in args[1:])
        made = []
        for v in cgutils.unpack_tuple(builder, args[0]):
            v = builder.select(builder.fcmp_ordered(">", low, v), low, v)
            made.append(builder.select(builder.fcmp_ordered("<", high, v), high, v))
        return context.make_tuple(builder, acc, made)
    return acc(acc, acc.dtype.dtype, acc.dtype.dtype), build


def addresses(count):
    """``lines(p, table)``: the addresses ``table[0], table[1], …`` elements from p on."""
    @intrinsic
    def lines(typing, p, table):
        """The addresses of so many lines."""
        def build(context, builder, sig, args):
            p, table = args
            steps = (builder.load(builder.gep(table, [number(i)])) for i in range(count))
            return context.make_tuple(builder, sig.return_type,
                                      [builder.gep(p, [step]) for step in steps])
        return types.UniTuple(p, count)(p, table), build
    return lines


def addresses_or_zero(count):
    """``lines(p, table, zero)``: the same, where a negative number stands for ``zero``."""
    @intrinsic
    def lines(typing, p, table, zero):
        """The addresses of so many lines, some of which hold zeros."""
        def build(context, builder, sig, args):
            p, table, zero = args
            made = []
            for i in range(count):
                step = builder.load(builder.gep(table, [number(i)]))
                outside = builder.icmp_signed("<", step, number(0))
                made.append(builder.select(outside, zero, builder.gep(p, [step])))
            return context.make_tuple(builder, sig.return_type, made)
        return types.UniTuple(p, count)(p, table, p), build
    return lines


def multiplied(builder, sums, left, right):
    """``sums + outer(left, right)``, row by row."""
    pairs = ((x, y) for x in left for y in right)
    return [called(builder, f"llvm.fmuladd.{suffix(z.type)}", z.type, x, y, z)
            for (x, y), z in zip(pairs, sums, strict=True)]


def pixel_tile(rows, vectors):
    """``(begin, step)`` of a tile of ``rows`` pixels times ``vectors`` of channels."""
    @intrinsic
    def begin(typing, bias):
        """A tile whose rows are the vectors at ``bias``."""
        value = types.UniTuple(vector_of(bias.dtype), rows * vectors)

        def build(context, builder, sig, args):
            kind = value.dtype.ir
            row = [loaded(builder, args[0], number(j * kind.count), kind) for j in range(vectors)]
            return context.make_tuple(builder, value, row * rows)
        return value(bias), build

    @intrinsic
    def step(typing, acc, lines, i, b):
        """``acc + outer(element i of each line; the vectors at b)``."""
        def build(context, builder, sig, args):
            acc, lines, i, b = args
            kind = sig.return_type.dtype.ir
            right = [loaded(builder, b, number(j * kind.count), kind) for j in range(vectors)]
            left = (splatted(builder, builder.load(builder.gep(p, [i])), kind)
                    for p in cgutils.unpack_tuple(builder, lines))
            sums = multiplied(builder, cgutils.unpack_tuple(builder, acc), left, right)
            return context.make_tuple(builder, sig.return_type, sums)
        return acc(acc, lines, types.intp, b), build
    return begin, step


def strip_tile(rows, vectors):
    """``begin`` of a tile of ``rows`` channels times ``vectors`` of pixels."""
    @intrinsic
    def begin(typing, bias):
        """A tile each row of which holds one number of ``bias``."""
        value = types.UniTuple(vector_of(bias.dtype), rows * vectors)

        def build(context, builder, sig, args):
            column = [splatted(builder, builder.load(builder.gep(args[0], [number(i)])),
                               value.dtype.ir) for i in range(rows)]
            return context.make_tuple(builder, value, [v for v in column for _ in range(vectors)])
        return value(bias), build
    return begin
