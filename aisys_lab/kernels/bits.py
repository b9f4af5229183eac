"""Floats in vectors by their parts: sign, exponent, fraction; numbers and polynomials by dtype.

IEEE 754: a float has its sign, then its exponent with a bias, then its fraction, as bits.
"""

from functools import reduce

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.vector import called, splatted, suffix

SHAPES = {32: (23, 127), 64: (52, 1023)}  # bits of a float -> of its fraction, and the bias
ROOT_HALF = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}  # the bits of sqrt(1/2)


def constant(f32, f64):
    """An intrinsic: a vector like x, all lanes of which are the number for its dtype."""
    @intrinsic
    def number(typing, x):
        def build(context, builder, sig, args):
            return ir.Constant(x.ir, [f32 if x.dtype.bitwidth == 32 else f64] * x.lanes)
        return x(x), build
    return number


def polynomial(f32, f64):
    """An intrinsic: ``c[0] + c[1]·x + c[2]·x² + …`` with the coefficients of the dtype of x, by
    Horner's rule; long ones as an even and an odd part, which do not wait for each other."""
    @intrinsic
    def evaluate(typing, x):
        c = f32 if x.dtype.bitwidth == 32 else f64

        def build(context, builder, sig, args):
            x, = args
            if len(c) < 8:
                return _horner(builder, c, x)
            square = builder.fmul(x, x)
            even, odd = (_horner(builder, c[start::2], square) for start in (0, 1))
            return _fma(builder, odd, x, even)
        return x(x), build
    return evaluate


def _horner(builder, coefficients, x):
    highest, *rest = (ir.Constant(x.type, [c] * x.type.count) for c in reversed(coefficients))
    return reduce(lambda y, c: _fma(builder, y, x, c), rest, highest)


def _fma(builder, x, y, z):
    return called(builder, f"llvm.fmuladd.{suffix(x.type)}", x.type, x, y, z)


@intrinsic
def absolute(typing, x):
    """Without the sign."""
    def build(context, builder, sig, args):
        return called(builder, f"llvm.fabs.{suffix(args[0].type)}", args[0].type, *args)
    return x(x), build


@intrinsic
def with_sign(typing, x, y):
    """The absolute value of x with the sign of y."""
    def build(context, builder, sig, args):
        return called(builder, f"llvm.copysign.{suffix(args[0].type)}", args[0].type, *args)
    return x(x, x), build


@intrinsic
def nearest(typing, x):
    """The nearest whole number where |x| is below 2**22 (f32; f64: 2**51), halves to the even one.

    The sum with 1.5 · 2**23 has no place for a fraction. Of what fast arithmetic may do, these two
    instructions allow nothing but a zero of either sign: re-associated they would be none.
    """
    shift = 1.5 * 2 ** SHAPES[x.dtype.bitwidth][0]

    def build(context, builder, sig, args):
        shifts = ir.Constant(x.ir, [shift] * x.lanes)
        return builder.fsub(builder.fadd(args[0], shifts, flags=("nsz",)), shifts, flags=("nsz",))
    return x(x), build


@intrinsic
def nearest_power(typing, x, factor):
    """``(n, 2**n)`` with n the nearest whole number to x · factor, from -127 (where the power is 0)
    to 128 (infinity; f64: -1023 to 1024).

    The sum with 1.5 · 2**23 + 127 has n + 127 as its last bits, which a shift makes the exponent.
    """
    width = x.dtype.bitwidth
    fraction, bias = SHAPES[width]

    def build(context, builder, sig, args):
        whole = ir.VectorType(ir.IntType(width), x.lanes)
        shifts = ir.Constant(x.ir, [1.5 * 2 ** fraction + bias] * x.lanes)
        sum = _fma(builder, args[0], splatted(builder, args[1], x.ir), shifts)
        power = builder.shl(builder.bitcast(sum, whole), ir.Constant(whole, [fraction] * x.lanes))
        n = builder.fsub(sum, shifts, flags=("nsz",))
        return context.make_tuple(builder, sig.return_type, [n, builder.bitcast(power, x.ir)])
    return types.UniTuple(x, 2)(x, x.dtype), build


@intrinsic
def split(typing, x):
    """``(e, m)`` with x = m · 2**e and m from sqrt(1/2) to sqrt(2), for x from the smallest normal
    number on.

    The bits of x less those of sqrt(1/2) have e in the place of the exponent.
    """
    width = x.dtype.bitwidth
    fraction, bias = SHAPES[width]

    def build(context, builder, sig, args):
        whole = ir.VectorType(ir.IntType(width), x.lanes)

        def many(value, kind=whole):
            return ir.Constant(kind, [value] * x.lanes)

        above = builder.sub(builder.bitcast(args[0], whole), many(ROOT_HALF[width]))
        part = builder.and_(above, many(2 ** fraction - 1))
        m = builder.bitcast(builder.add(part, many(ROOT_HALF[width])), x.ir)
        biased = builder.add(above, many(bias << fraction))
        exponent = builder.lshr(biased, many(fraction))  # as the last bits of 2**23 + exponent
        high = ir.Constant(whole, [(bias + fraction) << fraction] * x.lanes)
        e = builder.fsub(builder.bitcast(builder.or_(exponent, high), x.ir),
                         many(float(2 ** fraction + bias), x.ir))
        return context.make_tuple(builder, sig.return_type, [e, m])
    return types.UniTuple(x, 2)(x), build
