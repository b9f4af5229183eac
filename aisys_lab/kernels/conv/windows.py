"""The tile of a depthwise convolution: places side by side times vectors of channels.

A tap multiplies the vectors of its weights by those of as many pixels as there are places; nothing
is shared between channels, so that each multiply-add loads a vector of its own, unless windows
overlap: then a pixel is loaded once for all the places that it meets.
"""

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

NEAR = 3  # columns of a window whose pixels are shared


def window_tile(places, vectors):
    """``(begin, step, step_near, write)`` of a tile of this shape; its value is a tuple of
    vectors, place by place."""
    return (_begin(places, vectors), _step(places, vectors, 1), _step(places, vectors, NEAR),
            _write(places, vectors))


def _begin(places, vectors):
    @intrinsic
    def begin(typing, bias):
        """A tile each place of which holds the vectors at ``bias``."""
        value = types.UniTuple(vector_of(bias.dtype), places * vectors)

        def build(context, builder, sig, args):
            kind = value.dtype.ir
            row = [loaded(builder, args[0], number(j * kind.count), kind) for j in range(vectors)]
            return context.make_tuple(builder, value, row * places)
        return value(bias), build
    return begin


def _step(places, vectors, columns):
    @intrinsic
    def step(typing, acc, x, next, w):
        """``acc`` plus the products of so many columns of taps, whose weights are at w and whose
        pixels, like those of the places, lie ``next`` apart from x on."""
        def build(context, builder, sig, args):
            acc, x, next, w = args
            kind, sums = sig.return_type.dtype.ir, list(cgutils.unpack_tuple(builder, acc))
            for j in range(vectors):
                weights = [loaded(builder, w, number((i * vectors + j) * kind.count), kind)
                           for i in range(columns)]
                for pixel in range(places + columns - 1):
                    at = builder.add(builder.mul(next, number(pixel)), number(j * kind.count))
                    v = loaded(builder, x, at, kind)
                    for i in range(max(0, pixel - places + 1), min(columns, pixel + 1)):
                        k = (pixel - i) * vectors + j
                        sums[k] = called(builder, f"llvm.fmuladd.{suffix(kind)}", kind, v,
                                         weights[i], sums[k])
            return context.make_tuple(builder, sig.return_type, sums)
        return acc(acc, x, types.intp, w), build
    return step


def _write(places, vectors):
    @intrinsic
    def write(typing, acc, ends, to, ld):
        """Lays the tile down, each number or the nearest end (NaN stays), places ``ld`` apart."""
        def build(context, builder, sig, args):
            acc, ends, to, ld = args
            kind = sig.args[0].dtype.ir
            low, high = (splatted(builder, builder.load(builder.gep(ends, [number(i)])), kind)
                         for i in (0, 1))
            for i, v in enumerate(cgutils.unpack_tuple(builder, acc)):
                v = builder.select(builder.fcmp_ordered(">", low, v), low, v)
                v = builder.select(builder.fcmp_ordered("<", high, v), high, v)
                at = builder.add(builder.mul(ld, number(i // vectors)),
                                 number(i % vectors * kind.count))
                stored(builder, v, to, at)
            return context.get_dummy_value()
        return types.none(acc, ends, to, types.intp), build
    return write
