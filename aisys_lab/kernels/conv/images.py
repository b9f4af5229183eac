"""Images as tiles meet them: padded, channels last; and results turned back.

Compiled code takes sizes as one array of numbers; a name below says where in it a size stands.
"""

from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.moves import copy_line, transpose
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.vector import offset

# of an image, of it with its pads, and of the result; whether channels come first in images and in
# results, so that they are turned; and how many images are taken together
(IMAGE_LINES, IMAGE_COLUMNS, CHANNELS, ABOVE, LEFT, LINES, COLUMNS, OUT, OUT_LINES, OUT_COLUMNS,
 TURNED, BACK, TOGETHER) = range(13)
MORE = 13  # where the sizes of an algorithm of its own begin


def common_sizes(g, padded, images):
    """The first MORE sizes of a Geometry whose images are padded to so many lines and columns and
    taken so many together."""
    first = g.layout == "NCHW"
    return [*g.image, g.channels, g.pads[0][0], g.pads[1][0], *padded, g.out, *g.places,
            first and g.channels > 1, first and g.out > 1, images]


@native
def fill(x, at, first, last, to):
    """Lines ``first`` to ``last - 1`` of images with zeros around them, one below the other."""
    high, wide, c, line_size = at[IMAGE_LINES], at[IMAGE_COLUMNS], at[CHANNELS], (
        at[COLUMNS] * at[CHANNELS])
    for i in range(first, last):
        line, row = offset(to, i * line_size), i % at[LINES] - at[ABOVE]
        inside = 0 <= row < high
        begun = at[LEFT] * c if inside else line_size
        for j in range(begun):
            line[j] = 0
        if inside:
            image = offset(x, i // at[LINES] * high * wide * c)
            if at[TURNED]:
                transpose(offset(image, row * wide), high * wide, c, wide, offset(line, begun), c)
            else:
                copy_line(offset(image, row * wide * c), offset(line, begun), wide * c)
            for j in range(begun + wide * c, line_size):
                line[j] = 0


@native
def turn(p, ldp, first, last, count, places, channels, to):
    """Pixels ``first`` to ``last - 1``, which lie ``ldp`` apart, laid down as lines of images with
    ``places`` pixels: ``count`` of their ``channels``."""
    t = first
    while t < last:
        n = t // places
        end = min(last, (n + 1) * places)
        transpose(offset(p, (t - first) * ldp), ldp, end - t, count,
                  offset(to, n * (channels - 1) * places + t), places)
        t = end


@part
def share(count, parts, p, each):
    """``(first, last + 1)`` of the p-th of so many shares, which begin at multiples of ``each``."""
    size = whole(-(-count // parts), each)
    return min(count, p * size), min(count, (p + 1) * size)
