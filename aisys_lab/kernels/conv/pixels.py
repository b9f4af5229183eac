"""Register tiles of a direct convolution: a few pixels of the result times a panel of channels.

    for six pixels of the result (as many as a tile has rows)
        for a run: numbers of the image that lie together and meet weights that lie together
            six numbers of the image times a line of the panel

A run is a whole line of the window, or one tap where dilation or groups part them.
"""

from aisys_lab.kernels.block import ROWS, VECTORS, expect
from aisys_lab.kernels.conv.lines import addresses, clamped, on, pixel_tile
from aisys_lab.kernels.jit import native, part
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import lanes, load, offset, store_part

HIGH = max(ROWS, 8)  # pixels of a tile one register wide: eight sums hide what one waits for

begin, step = pixel_tile(ROWS, VECTORS)
begin_narrow, step_narrow = pixel_tile(HIGH, 1)
_, _, write, _ = tile(ROWS, VECTORS)
_, _, write_narrow, _ = tile(HIGH, 1)
lines_at, lines_high = addresses(ROWS), addresses(HIGH)


@part
def run_along(acc, base, runs, count, length, b):
    """The products of all runs added to a tile: one line of the panel for each number."""
    wide = VECTORS * lanes(b)
    for r in range(count):
        here = on(base, runs[r])
        for i in range(length):
            acc = step(acc, here, i, b)
            b = offset(b, wide)
    return acc


@part
def run_narrow(acc, base, runs, count, length, b):
    """The same, of the first register of each line."""
    wide = VECTORS * lanes(b)
    for r in range(count):
        here = on(base, runs[r])
        for i in range(length):
            acc = step_narrow(acc, here, i, b)
            b = offset(b, wide)
    return acc


@part
def lay_part(room, wide, rows, some, c, ldc):
    """The first ``rows`` lines of a tile, ``some`` numbers of each."""
    w = lanes(room)
    for i in range(rows):
        for j in range(0, some, w):
            store_part(load(room, i * wide + j), c, i * ldc + j, min(w, some - j))


@native
def tiles(x, pixels, first, last, runs, count, length, panel, bias, ends, c, ldc, some, room):
    """Pixels ``first`` to ``last - 1`` of a panel with ``some`` channels; a tile that reaches over
    their ends is made in ``room``."""
    for t in range(first, last, ROWS):
        at = offset(c, t * ldc)
        expect(at, ldc)
        acc = run_along(begin(bias), lines_at(x, offset(pixels, t)), runs, count, length, panel)
        acc = clamped(acc, ends[0], ends[1])
        if t + ROWS <= last and some == VECTORS * lanes(x):
            write(acc, at, ldc)
        else:
            write(acc, room, VECTORS * lanes(x))
            lay_part(room, VECTORS * lanes(x), min(ROWS, last - t), some, at, ldc)


@native
def tiles_narrow(x, pixels, first, last, runs, count, length, panel, bias, ends, c, ldc, some,
                 room):
    """The same where a register holds all channels."""
    for t in range(first, last, HIGH):
        at = offset(c, t * ldc)
        acc = run_narrow(begin_narrow(bias), lines_high(x, offset(pixels, t)), runs, count, length,
                         panel)
        acc = clamped(acc, ends[0], ends[1])
        if t + HIGH <= last and some == lanes(x):
            write_narrow(acc, at, ldc)
        else:
            write_narrow(acc, room, lanes(x))
            lay_part(room, lanes(x), min(HIGH, last - t), some, at, ldc)
