"""Sums over windows of one plane, in strips: a few lines of one vector each, all in registers."""

from aisys_lab.kernels.conv.planes import STRIP, lay
from aisys_lab.kernels.conv.three import correlate_three, three_by_three
from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.vector import fma, lanes, load, load_part, offset, splat, store, total


@part
def strip_at(i, count, each):
    """Where the strip that begins at ``i`` is computed: the last one further back, so that all
    are whole; what two of them compute is the same."""
    return max(min(i, count - each), 0)


@part
def load_strip(p, pitch):
    """The vectors at the beginning of the lines of a strip."""
    return load(p, 0), load(p, pitch), load(p, 2 * pitch), load(p, 3 * pitch)


@part
def lay_strip(strip, to, ld, count, end):
    """Stores up to ``count`` vectors of a strip, ``ld`` apart; ``end`` as of ``lay``."""
    a, b, c, d = strip
    lay(a, to, 0, end)
    if count > 1:
        lay(b, to, ld, end)
    if count > 2:
        lay(c, to, 2 * ld, end)
    if count > 3:
        lay(d, to, 3 * ld, end)


@part
def add_strip(strip, v, other):
    """``strip + v * other``."""
    (a, b, c, d), (w, x, y, z) = strip, other
    return fma(v, w, a), fma(v, x, b), fma(v, y, c), fma(v, z, d)


@native
def correlate(p, pitch, offsets, w, taps, start, rows, columns, to, ldto, end):
    """``to[i·ldto + j] = start + sum over t of w[t] · p[offsets[t] + i·pitch + j]``.

    A vector may reach over the end of a line, up to ``end`` numbers from ``to`` on.
    """
    if three_by_three(offsets, taps, pitch):
        correlate_three(offset(p, offsets[0]), pitch, w, start, rows, columns, to, ldto, end)
        return
    lane = lanes(p)
    for i in range(0, rows, STRIP):
        row = strip_at(i, rows, STRIP)
        for j in range(0, columns, lane):
            column = strip_at(j, columns, lane)
            first, v = offset(p, row * pitch + column), splat(p, start)
            strip = v, v, v, v
            for t in range(taps):
                strip = add_strip(strip, splat(p, w[t]), load_strip(offset(first, offsets[t]),
                                                                    pitch))
            at = row * ldto + column
            lay_strip(strip, offset(to, at), ldto, rows - row, end - at)


@native
def correlate_weights(p, pitch, offsets, g, taps, rows, columns, sums):
    """``sums[t] += sum over i, j of g[i, j] · p[offsets[t] + i·pitch + j]``, a vector for each tap:
    the total of its lanes counts."""
    lane = lanes(p)
    for i in range(0, rows, STRIP):
        for j in range(0, columns, lane):
            high, wide = rows - i, columns - j
            values, first = offset(g, i * columns + j), offset(p, i * pitch + j)
            if high >= STRIP and wide >= lane:
                strip = load_strip(values, columns)
                for t in range(taps):
                    at = offset(first, offsets[t])
                    store(dot_strips(strip, load_strip(at, pitch), load(sums, t * lane)), sums,
                          t * lane)
            else:
                strip = load_strip_part(values, columns, high, wide)
                for t in range(taps):
                    at = offset(first, offsets[t])
                    part = load_strip_part(at, pitch, high, wide)
                    store(dot_strips(strip, part, load(sums, t * lane)), sums, t * lane)


@part
def dot_strips(strip, other, sum):
    """``sum`` plus the products of two strips."""
    (a, b, c, d), (w, x, y, z) = strip, other
    return fma(a, w, fma(b, x, sum)) + fma(c, y, d * z)


@part
def load_strip_part(p, pitch, high, wide):
    """A strip of which ``high`` lines of ``wide`` numbers are read; the rest is 0."""
    return (load_part(p, 0, wide, 0), load_part(p, pitch, wide if high > 1 else 0, 0),
            load_part(p, 2 * pitch, wide if high > 2 else 0, 0),
            load_part(p, 3 * pitch, wide if high > 3 else 0, 0))


@native
def totals(sums, taps, to):
    """The total of each of ``taps`` vectors."""
    for t in range(taps):
        to[t] = total(load(sums, t * lanes(sums)))
