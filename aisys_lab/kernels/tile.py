"""The tile: accumulators in registers, ``rows`` numbers of a times ``vectors`` registers of b.

Each step of the inner loop adds the outer product of a column of a and a row of b: it loads
rows + vectors · lanes numbers and does rows · vectors · lanes multiply-adds (Goto and van de Geijn
2008, Anatomy of High-Performance Matrix Multiplication; Van Zee and van de Geijn 2015, BLIS).
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from aisys_lab.kernels.vector import (
    called,
    loaded,
    number,
    splatted,
    stored,
    suffix,
    vector_of,
)


def tile(rows, vectors):
    """``(zero, step, read, write)``: the operations of a tile of this shape, for any dtype.

    Its value is a tuple of vectors, row by row.
    """

    def kind(p):
        return types.UniTuple(vector_of(p.dtype), rows * vectors)

    def places(builder, c, ldc, lanes):
        """Row by row, and in each vector by vector, where the tile lies in ``c``."""
        for i in range(rows):
            row = builder.gep(c, [builder.mul(ldc, number(i))])
            yield from ((row, number(j * lanes)) for j in range(vectors))

    @intrinsic
    def zero(typing, p):
        """A tile of zeros, of the dtype that ``p`` points to."""
        value = kind(p)

        def build(context, builder, sig, args):
            zeros = [ir.Constant(value.dtype.ir, None)] * len(value)
            return context.make_tuple(builder, value, zeros)
        return value(p), build

    @intrinsic
    def step(typing, acc, a, lda, b):
        """``acc + outer(a[0], a[lda], …; the vectors at b)``."""
        def build(context, builder, sig, args):
            acc, a, lda, b = args
            vector = sig.return_type.dtype.ir
            right = [loaded(builder, b, number(j * vector.count), vector) for j in range(vectors)]
            left = (splatted(builder, builder.load(builder.gep(a, [builder.mul(lda, number(i))])),
                             vector) for i in range(rows))
            pairs = ((x, y) for x in left for y in right)
            name = f"llvm.fmuladd.{suffix(vector)}"
            sums = [called(builder, name, vector, x, y, z) for (x, y), z in
                    zip(pairs, cgutils.unpack_tuple(builder, acc), strict=True)]
            return context.make_tuple(builder, sig.return_type, sums)
        return acc(acc, a, types.intp, b), build

    @intrinsic
    def read(typing, c, ldc):
        """The tile that lies at ``c``, rows ``ldc`` apart."""
        value = kind(c)

        def build(context, builder, sig, args):
            vector = value.dtype.ir
            parts = [loaded(builder, *at, vector) for at in places(builder, *args, vector.count)]
            return context.make_tuple(builder, value, parts)
        return value(c, types.intp), build

    @intrinsic
    def write(typing, acc, c, ldc):
        """Lays the tile down at ``c``, rows ``ldc`` apart."""
        def build(context, builder, sig, args):
            acc, c, ldc = args
            for v, at in zip(cgutils.unpack_tuple(builder, acc),
                             places(builder, c, ldc, sig.args[0].dtype.lanes), strict=True):
                stored(builder, v, *at)
            return context.get_dummy_value()
        return types.none(acc, c, types.intp), build

    return zero, step, read, write
