"""Small linear maps of vectors, written out: zeros cost nothing, ones no multiplication.

Points ±p give pairs of rows that differ in some signs: what they share is computed once.
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.vector import called, loaded, number, stored, suffix, vector_of


def mapped(matrix):
    """``apply(p, ldp, to, ldto)``: the vectors at p, ``ldp`` apart, times a matrix of Fractions, go
    to vectors ``ldto`` apart."""
    @intrinsic
    def apply(typing, p, ldp, to, ldto):
        """The matrix times a column of vectors."""
        kind = vector_of(p.dtype).ir

        def build(context, builder, sig, args):
            p, ldp, to, ldto = args
            values = [loaded(builder, p, builder.mul(ldp, number(j)), kind)
                      for j in range(len(matrix[0]))]
            for i, v in enumerate(products(builder, matrix, values)):
                stored(builder, v, to, builder.mul(ldto, number(i)))
            return context.get_dummy_value()
        return types.none(p, types.intp, to, types.intp), build
    return apply


def products(builder, matrix, values):
    """Each row of a matrix times a column of values."""
    made = [None] * len(matrix)
    for i, row in enumerate(matrix):
        twin = next((k for k in range(i + 1, len(matrix)) if twins(row, matrix[k])), None)
        if made[i] is None and twin is not None:
            pairs = list(zip(row, matrix[twin], strict=True))
            same = combined(builder, [x * (x == y) for x, y in pairs], values)
            other = combined(builder, [x * (x != y) for x, y in pairs], values)
            made[i], made[twin] = builder.fadd(same, other), builder.fsub(same, other)
    return [combined(builder, row, values) if v is None else v
            for row, v in zip(matrix, made, strict=True)]


def twins(x, y):
    """Whether rows differ in some signs, and only in those."""
    pairs = list(zip(x, y, strict=True))
    return x != y and all(abs(a) == abs(b) for a, b in pairs) and any(a == b != 0 for a, b in pairs)


def combined(builder, row, values):
    """The sum of coefficients times values, those of one first."""
    terms = sorted(((x, v) for x, v in zip(row, values, strict=True) if x),
                   key=lambda term: (term[0] != 1, abs(term[0]) != 1))
    out = None
    for x, v in terms:
        out = added(builder, out, x, v)
    return out if out is not None else ir.Constant(values[0].type, None)


def added(builder, out, x, v):
    """``out + x * v``."""
    factor = ir.Constant(v.type, [float(x)] * v.type.count)
    if out is None:
        return v if x == 1 else builder.fmul(factor, v)
    if abs(x) == 1:
        return (builder.fadd if x > 0 else builder.fsub)(out, v)
    return called(builder, f"llvm.fmuladd.{suffix(v.type)}", v.type, factor, v, out)
