"""Sums over windows of 3 x 3 neighbours, the most common ones: lines pass through registers.

A line of the image is loaded once, in its three shifts, and serves the three lines of the result
that it meets; the weights stay in registers.
"""

from aisys_lab.kernels.conv.planes import lay
from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.vector import fma, lanes, load, load_part, offset, splat, store


@part
def three_by_three(offsets, taps, pitch):
    """Whether taps are those of a 3 x 3 window of neighbours, in order."""
    return (taps == 9 and offsets[4] == offsets[0] + pitch + 1
            and offsets[8] == offsets[4] + pitch + 1)


@part
def load_three(p):
    """The vectors at p and one and two numbers on."""
    return load(p, 0), load(p, 1), load(p, 2)


@part
def splat_three(p):
    """Three vectors of one number each."""
    return splat(p, p[0]), splat(p, p[1]), splat(p, p[2])


@part
def dot_three(weights, line, sum):
    """``sum`` plus three products."""
    (a, b, c), (x, y, z) = weights, line
    return fma(a, x, fma(b, y, fma(c, z, sum)))


@native
def correlate_three(p, pitch, w, start, rows, columns, to, ldto, end):
    """``to[i·ldto + j] = start + sum over k, l of w[3·k + l] · p[(i + k)·pitch + j + l]``.

    A vector may reach over the end of a line, up to ``end`` numbers from ``to`` on.
    """
    top, middle, bottom = splat_three(w), splat_three(offset(w, 3)), splat_three(offset(w, 6))
    for j in range(0, columns, lanes(p)):
        column = max(min(j, columns - lanes(p)), 0)
        line = offset(p, column)
        second = dot_three(top, load_three(line), splat(p, start))
        line = offset(line, pitch)
        first = dot_three(middle, load_three(line), second)
        second = dot_three(top, load_three(line), splat(p, start))
        for i in range(rows):
            line = offset(line, pitch)
            three = load_three(line)
            lay(dot_three(bottom, three, first), to, i * ldto + column, end)
            first = dot_three(middle, three, second)
            second = dot_three(top, three, splat(p, start))


@part
def add_three(sums, v, line):
    """``sums + v * line``."""
    (a, b, c), (x, y, z) = sums, line
    return fma(v, x, a), fma(v, y, b), fma(v, z, c)


@part
def load_sums(sums):
    """Three vectors one after the other."""
    lane = lanes(sums)
    return load(sums, 0), load(sums, lane), load(sums, 2 * lane)


@part
def store_sums(three, sums):
    """Three vectors one after the other."""
    lane = lanes(sums)
    store(three[0], sums, 0)
    store(three[1], sums, lane)
    store(three[2], sums, 2 * lane)


@native
def correlate_weights_three(p, pitch, g, rows, columns, sums):
    """``sums[3·k + l] += sum over i, j of g[i, j] · p[(i + k)·pitch + j + l]``, a vector for each
    weight: the total of its lanes counts.

    Numbers of p behind the last column are multiplied by 0, so they have to be finite.
    """
    lane = lanes(p)
    top, middle = load_sums(sums), load_sums(offset(sums, 3 * lane))
    bottom = load_sums(offset(sums, 6 * lane))
    for j in range(0, columns, lane):
        count = min(lane, columns - j)
        for i in range(0, rows - 1, 2):  # two lines of g share two of p
            first, line = offset(g, i * columns + j), offset(p, i * pitch + j)
            v, w = load_part(first, 0, count, 0), load_part(first, columns, count, 0)
            second, third = load_three(offset(line, pitch)), load_three(offset(line, 2 * pitch))
            top = add_three(add_three(top, v, load_three(line)), w, second)
            middle = add_three(add_three(middle, v, second), w, third)
            fourth = load_three(offset(line, 3 * pitch))
            bottom = add_three(add_three(bottom, v, third), w, fourth)
        if rows % 2:
            line, v = offset(p, (rows - 1) * pitch + j), load_part(g, (rows - 1) * columns + j,
                                                                   count, 0)
            top = add_three(top, v, load_three(line))
            middle = add_three(middle, v, load_three(offset(line, pitch)))
            bottom = add_three(bottom, v, load_three(offset(line, 2 * pitch)))
    store_sums(top, sums)
    store_sums(middle, offset(sums, 3 * lane))
    store_sums(bottom, offset(sums, 6 * lane))
