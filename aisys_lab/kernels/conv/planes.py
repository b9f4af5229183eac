"""Planes: an image as sliding windows meet it, padded and sorted by what strides leave over.

With a stride s, tap t of a window meets the rows t, t + s, t + 2 s, … of a padded image. A plane
holds the rows, and the columns, that leave one rest modulo s; so what a tap meets lies together,
``offsets[t]`` numbers on, and every stride is computed like the stride 1. Lines end in so much of
the fill that whole vectors, and strips of a few lines, may be read from each place of a window.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.moves import aligned, gather, interleaved
from aisys_lab.kernels.vector import I32, lanes, load, load_part, offset, store, store_part

STRIP = 4  # lines that kernels take at once


@dataclass(frozen=True)
class Planes:
    """The planes of an image: ``numbers`` of their shape as ``spread`` and ``collect`` read them,
    and ``offsets`` of the taps, row by row."""

    numbers: np.ndarray
    offsets: np.ndarray


@lru_cache(1024)
def planes(g, lane):
    """Planes of the images of a Geometry, for vectors of ``lane`` numbers."""
    (above, _), (left, _) = g.pads
    deep, far = reach(g)
    return _planes(g.image, (above, left), g.padded, g.stride, (deep, far), g.places, lane,
                   tuple(product(*(range(0, taps * d, d) for taps, d in zip(
                       g.window, g.dilation, strict=True)))))


def reach(g):
    """How many lines and columns of a plane the last tap lies behind the first."""
    return tuple((taps - 1) * d // s
                 for taps, d, s in zip(g.window, g.dilation, g.stride, strict=True))


def _planes(image, before, padded, stride, reach, places, lane, taps):
    (down, along), (deep, far), (rows, columns) = stride, reach, places
    lines = max(-(-padded[0] // down), rows + deep) + STRIP
    pitch = max(-(-padded[1] // along), -(-columns // lane) * lane + far)
    size = lines * pitch + 2 * lane
    offsets = [(i % down * along + j % along) * size + i // down * pitch + j // along
               for i, j in taps]
    return Planes(np.array([*image, *before, *stride, pitch, size, *places]), np.array(offsets))


@dataclass(frozen=True)
class Way:
    """The way back from results to images: the planes of both, and the taps that make each plane
    of an image.

    Plane k is made of ``counts[k]`` taps, whose weights come next in ``order`` and whose places in
    the planes of a result come next in ``offsets``; it begins at ``firsts[k]`` in those of the
    image, and ``inner`` is the size of what is made of it.
    """

    image: np.ndarray
    result: np.ndarray
    inner: np.ndarray
    order: np.ndarray
    offsets: np.ndarray
    counts: np.ndarray
    firsts: np.ndarray


@lru_cache(1024)
def way_back(g, lane):
    """The Way of a Geometry.

    Line q of a plane is the sum over its taps of w[t] · result[q - t·dilation // stride].
    """
    image, (deep, far) = planes(g, lane).numbers, reach(g)
    start = [ends[0] // s for ends, s in zip(g.pads, g.stride, strict=True)]
    stop = [(ends[0] + n - 1) // s + 1
            for ends, n, s in zip(g.pads, g.image, g.stride, strict=True)]
    padded = [max(n, p) + r for n, p, r in zip(stop, g.places, (deep, far), strict=True)]
    result = _planes(g.places, (deep, far), padded, (1, 1), (deep, far), stop, lane, ()).numbers
    meets = [_meets(*axis) for axis in zip(g.window, g.dilation, g.stride, strict=True)]
    pitch, size = image[6:8]
    order, offsets, counts, firsts = [], [], [], []
    for k, (lines, columns) in enumerate(product(*meets)):
        order += [i * g.window[1] + j for i, _ in lines for j, _ in columns]
        offsets += [(start[0] + deep - i) * result[6] + start[1] + far - j
                    for _, i in lines for _, j in columns]
        counts.append(len(lines) * len(columns))
        firsts.append(k * size + start[0] * pitch + start[1])
    inner = [n - m for n, m in zip(stop, start, strict=True)]
    return Way(image, result, *(np.array(x, np.int64) for x in (inner, order, offsets, counts,
                                                                firsts)))


def _meets(taps, dilation, stride):
    """For each rest modulo the stride, pairs of a tap and how many lines it lies behind."""
    pairs = [(t, t * dilation) for t in reversed(range(taps))]
    return [[(t, d // stride) for t, d in pairs if d % stride == rest] for rest in range(stride)]


@part
def room_of(at, like, fill):
    """Working memory for all planes of an image, filled."""
    room = aligned(at[4] * at[5] * at[7], like)
    room[:] = fill
    return room


@native
def spread(p, at, fill, to):
    """Lays an image whose lines lie together into its planes, which hold ``fill`` elsewhere."""
    high, wide, top, left, down, along, pitch, size = (at[0], at[1], at[2], at[3], at[4], at[5],
                                                       at[6], at[7])
    for rest in range(min(down, high)):
        row, i = top + rest, offset(p, rest * wide)
        rows, plane = (high - rest - 1) // down + 1, offset(to, row % down * along * size
                                                            + row // down * pitch)
        if along == 1:
            copy_filled(i, down * wide, rows, wide, fill, offset(plane, left), pitch)
        elif along == 2:
            part_lines(i, down * wide, rows, wide, fill, offset(plane, left % 2 * size + left // 2),
                       offset(plane, (left + 1) % 2 * size + (left + 1) // 2), pitch)
        else:
            for j in range(min(along, wide)):
                at_j = (left + j) % along * size + (left + j) // along
                gather(offset(i, j), along, down * wide, (wide - j - 1) // along + 1, rows,
                       offset(plane, at_j), pitch)


@native
def copy_filled(p, ld, rows, count, fill, to, ldto):
    """Lines of ``count`` numbers, each with fill up to a whole vector."""
    lane = lanes(p)
    full = count - count % lane
    for i in range(rows):
        for j in range(0, full, lane):
            store(load(p, i * ld + j), to, i * ldto + j)
        if full < count:
            store(load_part(p, i * ld + full, count - full, fill), to, i * ldto + full)


@native
def part_lines(p, ld, rows, count, fill, even, odd, ldto):
    """Numbers 0, 2, 4, … and 1, 3, 5, … of lines, each with fill up to a whole vector."""
    lane = lanes(p)
    full = count - count % (2 * lane)
    for i in range(rows):
        line = offset(p, i * ld)
        for j in range(0, full, 2 * lane):
            two = parted(load(line, j), load(line, j + lane))
            store(two[0], even, i * ldto + j // 2)
            store(two[1], odd, i * ldto + j // 2)
        if full < count:
            two = parted(load_part(line, full, count - full, fill),
                         load_part(line, full + lane, count - full - lane, fill))
            store(two[0], even, i * ldto + full // 2)
            store(two[1], odd, i * ldto + full // 2)


@native
def collect(p, at, to, end):
    """The image back from its planes. ``to`` has ``end`` numbers: a vector may reach over the end
    of a line, since the next line is written later, but not over that."""
    high, wide, top, left, down, along, pitch, size = (at[0], at[1], at[2], at[3], at[4], at[5],
                                                       at[6], at[7])
    rest, line = top % down, top // down
    for i in range(high):
        source, first = offset(p, rest * along * size + line * pitch), i * wide
        if along == 1:
            for j in range(0, wide, lanes(p)):
                lay(load(source, left + j), to, first + j, end)
        elif along == 2:
            join_line(offset(source, left % 2 * size + left // 2),
                      offset(source, (left + 1) % 2 * size + (left + 1) // 2), wide, to, first, end)
        else:
            for j in range(wide):
                to[first + j] = source[(left + j) % along * size + (left + j) // along]
        rest, line = (rest + 1, line) if rest + 1 < down else (0, line + 1)


@native
def join_line(even, odd, count, to, start, end):
    """A line of numbers, in turn of the one and the other."""
    lane = lanes(even)
    for j in range(0, count, 2 * lane):
        two = joined(load(even, j // 2), load(odd, j // 2))
        lay(two[0], to, start + j, end)
        if j + lane < count:
            lay(two[1], to, start + j + lane, end)


@part
def lay(v, to, i, end):
    """Stores a vector, or as much of it as there is room for before ``end``."""
    if i + lanes(to) <= end:
        store(v, to, i)
    else:
        store_part(v, to, i, end - i)


@intrinsic
def parted(typing, x, y):
    """``(lanes 0, 2, …, lanes 1, 3, …)`` of two vectors."""
    def build(context, builder, sig, args):
        picks = (ir.Constant(ir.VectorType(I32, x.lanes), list(range(first, 2 * x.lanes, 2)))
                 for first in (0, 1))
        return context.make_tuple(builder, sig.return_type,
                                  [builder.shuffle_vector(*args, some) for some in picks])
    return types.UniTuple(x, 2)(x, x), build


@intrinsic
def joined(typing, x, y):
    """``(lower, upper)``: the lanes of two vectors in turn."""
    def build(context, builder, sig, args):
        return context.make_tuple(builder, sig.return_type,
                                  list(interleaved(builder, *args, x.lanes)))
    return types.UniTuple(x, 2)(x, x), build
