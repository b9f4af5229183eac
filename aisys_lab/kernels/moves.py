"""Moving numbers: copies, gathers and transposes, of blocks that are given by pointer and strides.

All strides are in elements. Panels are what matrix products read: ``each`` wide, line by line.
"""

from math import prod

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.vector import (
    I32,
    lanes,
    load,
    load_part,
    loaded,
    number,
    offset,
    store,
    store_part,
    stored,
    vector_of,
)

LINE = 64  # bytes of a cache line
LARGE = 1 << 14  # numbers
LINES = 8  # rows that are read side by side: streams that a processor fetches ahead by itself


@part
def aligned(size, like):
    """An array of ``size`` numbers of the dtype of ``like`` that begins on a cache line."""
    spare = LINE // like.itemsize
    raw = np.empty(size + spare, like.dtype)
    skip = (-raw.ctypes.data % LINE) // like.itemsize
    return raw[skip:skip + size]


def blank(shape, dtype):
    """An array to be filled; a large one begins on a cache line, so that stores of whole lines do
    not touch two."""
    count = prod(shape)
    if count < LARGE:
        return np.empty(shape, dtype)
    raw = np.empty(count + LINE // dtype.itemsize, dtype)
    skip = -raw.ctypes.data % LINE // dtype.itemsize
    return raw[skip:skip + count].reshape(shape)


@intrinsic
def transpose_square(typing, p, ldp, to, ldto):
    """``to[j·ldto + i] = p[i·ldp + j]`` for i and j below the lanes of a register: every stage
    interleaves the first half of the vectors with the second."""
    vector = vector_of(p.dtype)

    def build(context, builder, sig, args):
        p, ldp, to, ldto = args
        n = vector.lanes
        rows = [loaded(builder, p, builder.mul(ldp, number(i)), vector.ir) for i in range(n)]
        for _ in range(n.bit_length() - 1):
            rows = [half for x, y in zip(rows[:n // 2], rows[n // 2:], strict=True)
                    for half in interleaved(builder, x, y, n)]
        for i, row in enumerate(rows):
            stored(builder, row, to, builder.mul(ldto, number(i)))
        return context.get_dummy_value()
    return types.none(p, types.intp, to, types.intp), build


def interleaved(builder, x, y, n):
    """The lower and the upper halves of x and y, lane by lane in turn."""
    for start in (0, n // 2):
        picks = [lane for i in range(start, start + n // 2) for lane in (i, n + i)]
        yield builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(I32, n), picks))


@part
def copy_line(p, to, count):
    """``count`` numbers that lie together."""
    w, i = lanes(p), 0
    while i + w <= count:
        store(load(p, i), to, i)
        i += w
    if i < count:
        store_part(load_part(p, i, count - i, 0), to, i, count - i)


@native
def copy_rows(p, ldp, rows, count, to, ldto):
    """``rows`` lines of ``count`` numbers; lines lie ``ldp`` and ``ldto`` apart."""
    for i in range(rows):
        copy_line(offset(p, i * ldp), offset(to, i * ldto), count)


@native
def transpose(p, ldp, rows, count, to, ldto):
    """``to[j·ldto + i] = p[i·ldp + j]`` for i below ``rows`` and j below ``count``: square by
    square, the last ones further back, so that all are whole."""
    w = lanes(p)
    if rows < w or count < w:
        gather(p, ldp, 1, rows, count, to, ldto)
        return
    for i in range(0, rows, w):
        row = min(i, rows - w)
        for j in range(0, count, w):
            column = min(j, count - w)
            transpose_square(offset(p, row * ldp + column), ldp, offset(to, column * ldto + row),
                             ldto)


@native
def gather(p, across, along, width, depth, to, ldto):
    """``to[d·ldto + i] = p[i·across + d·along]``, one by one."""
    for d in range(depth):
        for i in range(width):
            to[d * ldto + i] = p[i * across + d * along]


@part
def clear(to, rows, count, ldto):
    """Zeros in ``rows`` lines of ``count`` numbers."""
    for i in range(rows):
        for j in range(count):
            to[i * ldto + j] = 0


@native
def pack(p, across, along, width, depth, each, to):
    """Panels ``each`` wide: element (i, d) of p, at i·across + d·along, goes to panel i // each,
    line d, place i % each. The last panel is filled up with zeros."""
    if across == 1:
        for d in range(0, depth, LINES):
            pack_lines(offset(p, d * along), along, width, min(LINES, depth - d), depth, each,
                       offset(to, d * each), d + LINES >= depth)
        return
    for start in range(0, width, each):
        wide, panel, source = min(each, width - start), offset(to, start * depth), offset(
            p, start * across)
        if along == 1:
            transpose(source, across, wide, depth, panel, each)
        else:
            gather(source, across, along, wide, depth, panel, each)
        if wide < each:
            clear(offset(panel, wide), depth, each - wide, each)


@part
def pack_lines(p, along, width, lines, depth, each, to, last):
    """A few lines of every panel, so that each line of p is read in one go.

    Whole registers are copied where what they write too much is written anew by the next line:
    not in the last line of a panel, nor where they would read past the end.
    """
    reach, spare = -(-each // lanes(p)) * lanes(p), 1 if last else 0
    for start in range(0, width, each):
        source, panel, wide = offset(p, start), offset(to, start * depth), min(each, width - start)
        exact = lines - spare if start + reach <= width else 0
        for i in range(lines):
            count = reach if i < exact or wide == reach else wide
            copy_line(offset(source, i * along), offset(panel, i * each), count)
        if wide < each:
            clear(offset(panel, wide), lines, each - wide, each)
