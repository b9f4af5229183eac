"""Four channels side by side: four registers, of a channel each, become four of four channels.

Each stage interleaves the first half of the registers with the second; two stages turn four lines
into quads, and picking every other number undoes a stage.
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.jit import native
from aisys_lab.kernels.moves import clear, gather, interleaved
from aisys_lab.kernels.vector import I32, lanes, loaded, number, offset, stored, vector_of


@intrinsic
def quads(typing, p, ld, to):
    """``to[4·j + i] = p[i·ld + j]`` for i below 4 and j below the lanes of a register."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        p, ld, to = args
        rows = [loaded(builder, p, builder.mul(ld, number(i)), vector.ir) for i in range(4)]
        for _ in range(2):
            rows = [half for x, y in zip(rows[:2], rows[2:], strict=True)
                    for half in interleaved(builder, x, y, vector.lanes)]
        for i, row in enumerate(rows):
            stored(builder, row, to, number(i * vector.lanes))
        return context.get_dummy_value()
    return types.none(p, types.intp, to), build


@intrinsic
def lines_of_quads(typing, p, to, ld):
    """``to[i·ld + j] = p[4·j + i]``: the other way round."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        p, to, ld = args
        n = vector.lanes
        rows = [loaded(builder, p, number(i * n), vector.ir) for i in range(4)]
        for _ in range(2):
            pairs = list(zip(rows[::2], rows[1::2], strict=True))
            rows = [every_other(builder, x, y, n, odd) for odd in (0, 1) for x, y in pairs]
        for i, row in enumerate(rows):
            stored(builder, row, to, builder.mul(ld, number(i)))
        return context.get_dummy_value()
    return types.none(p, to, types.intp), build


def every_other(builder, x, y, n, odd):
    """The even, or the odd, lanes of two vectors."""
    picks = [2 * i + odd for i in range(n)]
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, n), picks))


@native
def pack_four(p, channels, size, to):
    """Channels of an image [channels, size] as [blocks, size, 4]."""
    w = lanes(p)
    for c in range(0, channels, 4):
        source, out, j = offset(p, c * size), offset(to, c * size), 0
        if c + 4 <= channels:
            while j + w <= size:
                quads(offset(source, j), size, offset(out, 4 * j))
                j += w
        deep = min(4, channels - c)
        if deep < 4:
            clear(offset(out, 4 * j), 1, 4 * (size - j), 0)
        gather(offset(source, j), size, 1, deep, size - j, offset(out, 4 * j), 4)


@native
def unpack_four(p, channels, size, to):
    """Back: channels [channels, size] from [blocks, size, 4]."""
    w = lanes(p)
    for c in range(0, channels, 4):
        source, out, j = offset(p, c * size), offset(to, c * size), 0
        if c + 4 <= channels:
            while j + w <= size:
                lines_of_quads(offset(source, 4 * j), offset(out, j), size)
                j += w
        gather(offset(source, 4 * j), 4, 1, size - j, min(4, channels - c), offset(out, j), size)
