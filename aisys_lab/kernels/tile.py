"""The tile: accumulators in registers, ``rows`` numbers of a times ``vectors`` registers of b.

Each step of the inner loop adds the outer product of a column of a and a row of b: it loads
rows + vectors · lanes numbers and does rows · vectors · lanes multiply-adds (Goto and van de Geijn
2008, Anatomy of High-Performance Matrix Multiplication; Van Zee and van de Geijn 2015, BLIS).
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from aisys_lab.kernels.vector import called, loaded, number, splatted, stored, suffix, vector_of


def tile(rows, vectors):
    """``(zero, step, write, add)``: the operations of a tile of this shape, for any dtype.

    Its value is a tuple of vectors, row by row.
    """
    return (_zero(rows * vectors), _step(rows, vectors), _write(rows, vectors),
            _write(rows, vectors, more=True))


@intrinsic
def chain(typing, acc, x):
    """``v * x + x`` of each register of a tile."""
    def build(context, builder, sig, args):
        kind = args[1].type
        made = [called(builder, f"llvm.fmuladd.{suffix(kind)}", kind, v, args[1], args[1])
                for v in cgutils.unpack_tuple(builder, args[0])]
        return context.make_tuple(builder, acc, made)
    return acc(acc, x), build


def _zero(count):
    @intrinsic
    def zero(typing, p):
        """A tile of zeros, of the dtype that ``p`` points to."""
        value = types.UniTuple(vector_of(p.dtype), count)

        def build(context, builder, sig, args):
            zeros = [ir.Constant(value.dtype.ir, None)] * count
            return context.make_tuple(builder, value, zeros)
        return value(p), build
    return zero


def _step(rows, vectors):
    @intrinsic
    def step(typing, acc, a, lda, b):
        """``acc + outer(a[0], a[lda], …; the vectors at b)``."""
        def build(context, builder, sig, args):
            acc, a, lda, b = args
            kind = sig.return_type.dtype.ir
            right = [loaded(builder, b, number(j * kind.count), kind) for j in range(vectors)]
            left = (splatted(builder, builder.load(at), kind)
                    for at in lines_of(builder, a, lda, rows))
            pairs = ((x, y) for x in left for y in right)
            sums = [called(builder, f"llvm.fmuladd.{suffix(kind)}", kind, x, y, z) for (x, y), z
                    in zip(pairs, cgutils.unpack_tuple(builder, acc), strict=True)]
            return context.make_tuple(builder, sig.return_type, sums)
        return acc(acc, a, types.intp, b), build
    return step


def _write(rows, vectors, more=False):
    @intrinsic
    def write(typing, acc, c, ldc):
        """Lays the tile down at ``c``, rows ``ldc`` apart, or adds it to what lies there."""
        is_float = isinstance(c.dtype, types.Float)

        def build(context, builder, sig, args):
            acc, c, ldc = args
            places = _places(builder, c, ldc, rows, vectors, acc.type.element)
            for v, at in zip(cgutils.unpack_tuple(builder, acc), places, strict=True):
                plus = builder.fadd if is_float else builder.add
                stored(builder, plus(v, loaded(builder, *at, v.type)) if more else v, *at)
            return context.get_dummy_value()
        return types.none(acc, c, types.intp), build
    return write


def lines_of(builder, p, ld, rows):
    """The addresses 0, ld, 2 ld, … elements on."""
    return (builder.gep(p, [builder.mul(ld, number(i))]) for i in range(rows))


def _places(builder, c, ldc, rows, vectors, kind):
    """Where the vectors of a tile lie in ``c``, row by row."""
    return ((line, number(j * kind.count)) for line in lines_of(builder, c, ldc, rows)
            for j in range(vectors))
