"""Blocks of a matrix product: rows of a times panels of b, tile by tile, edges included.

A panel of b holds ``wide`` columns, as many as a tile has, line by line of k. Rows of a are read
where they lie, or from a copy (``arrange``).
"""

from aisys_lab.kernels.epilogue import NONE, finish
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import part
from aisys_lab.kernels.moves import copy_rows, pack
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import lanes, load, load_part, offset, prefetch, store, store_part

ROWS, VECTORS = host().rows, host().vectors
APART = 16  # numbers between copied rows of a, so that they do not meet in one set of the cache
STRIP = 16  # panels after which a result is finished: lines of 1 KiB, 96 of them in the cache
AHEAD = 16  # lines of b that are asked for before they are needed, where it is not yet packed

READY, PASSING, AS_IS = range(3)  # ways to b

zero, step, write, add = tile(ROWS, VECTORS)
SOME = ROWS * 2 // 3  # rows of a lower tile, for the last rows of a
zero_narrow, step_narrow, write_narrow, _ = tile(ROWS, 1)
zero_low, step_low, write_low, _ = tile(SOME, VECTORS)


@part
def run(acc, a, lda, along, b, wide, depth):
    """``depth`` outer products added to a tile: on along a by ``along``, along b by ``wide``."""
    for _ in range(depth):
        acc = step(acc, a, lda, b)
        a, b = offset(a, along), offset(b, wide)
    return acc


@part
def run_narrow(acc, a, lda, along, b, wide, depth):
    """The same, of the first register of each line of b."""
    for _ in range(depth):
        acc = step_narrow(acc, a, lda, b)
        a, b = offset(a, along), offset(b, wide)
    return acc


@part
def run_low(acc, a, lda, along, b, wide, depth):
    """The same, of the first SOME rows of a."""
    for _ in range(depth):
        acc = step_low(acc, a, lda, b)
        a, b = offset(a, along), offset(b, wide)
    return acc


@part
def run_ahead(acc, a, lda, along, b, ldb, depth):
    """The same, and asks for lines of b before they are needed."""
    for _ in range(depth):
        prefetch(b, AHEAD * ldb + VECTORS * lanes(b) - 1)
        acc = step(acc, a, lda, b)
        a, b = offset(a, along), offset(b, ldb)
    return acc


@part
def run_packing(acc, a, lda, along, b, ldb, depth, panel):
    """The same of b as it is, which lies in ``panel`` afterwards: packing in passing."""
    w = lanes(b)
    for _ in range(depth):
        prefetch(b, AHEAD * ldb + VECTORS * w - 1)
        acc = step(acc, a, lda, b)
        for j in range(VECTORS):
            store(load(b, j * w), panel, j * w)
        a, b, panel = offset(a, along), offset(b, ldb), offset(panel, VECTORS * w)
    return acc


@part
def lay(acc, c, ldc, more):
    """A whole tile goes to c, or is added to it where ``more``."""
    if more:
        add(acc, c, ldc)
    else:
        write(acc, c, ldc)


@part
def expect(c, ldc):
    """The lines of a tile of c are on their way before they are needed."""
    for i in range(ROWS):
        prefetch(c, i * ldc)


@part
def place_edge(a, lda, along, lines, depth, c, ldc, more, high, count, room):
    """A tile that reaches over the edge of c: made in ``room``, of which ``high`` rows of
    ``count`` numbers are laid down."""
    b, ldb, head, tail = lines
    w, rest = lanes(b), depth - head
    wide, below = VECTORS * w, offset(a, head * along)
    if count <= w:
        acc = run_narrow(zero_narrow(b), a, lda, along, b, ldb, head)
        write_narrow(run_narrow(acc, below, lda, along, tail, wide, rest), room, wide)
    elif high <= SOME:
        acc = run_low(zero_low(b), a, lda, along, b, ldb, head)
        write_low(run_low(acc, below, lda, along, tail, wide, rest), room, wide)
    else:
        acc = run(zero(b), a, lda, along, b, ldb, head)
        write(run(acc, below, lda, along, tail, wide, rest), room, wide)
    for i in range(high):
        for j in range(0, count, w):
            some = min(w, count - j)
            v, at = load(room, i * wide + j), i * ldc + j
            store_part(v + load_part(c, at, some, 0) if more else v, c, at, some)


@part
def arrange(a, lda, along, high, depth, to, copied, columns):
    """A block of a as tiles read it: ``(address, lda, along, numbers from tile row to tile row,
    whether the last tile row is filled up with zeros)``.

    Where it lies; or, of lines that meet in the cache, as a copy in which they do not; or as
    panels, where no lines lie together, or not to be read by ``columns``.
    """
    if along == 1:
        if not copied:
            return a, lda, 1, lda * ROWS, False
        copy_rows(a, lda, high, depth, to, depth + APART)
        return to, depth + APART, 1, (depth + APART) * ROWS, False
    if lda == 1 and columns:
        if not copied:
            return a, 1, along, ROWS, False
        copy_rows(a, along, depth, high, to, high + APART)
        return to, 1, high + APART, ROWS, False
    pack(a, lda, along, high, depth, ROWS, to)
    return to, 1, ROWS, depth * ROWS, True


@part
def place_panel(left, high, rest, lines, depth, some, first, c, ldc, more, room):
    """Tiles from row ``first`` down a panel with ``some`` columns; ``rest``: the rows of a that
    fill no tile, as a panel."""
    a, lda, along, jump, _ = left
    b, ldb, _, _ = lines
    full = high - high % ROWS
    for i in range(first, full, ROWS):
        row, at = offset(a, i // ROWS * jump), offset(c, i * ldc)
        if some == VECTORS * lanes(b):
            expect(at, ldc)
            lay(run(zero(b), row, lda, along, b, ldb, depth), at, ldc, more)
        else:
            place_edge(row, lda, along, lines, depth, at, ldc, more, ROWS, some, room)
    if full < high:
        place_edge(rest, 1, ROWS, lines, depth, offset(c, full * ldc), ldc, more, high - full,
                   some, room)


@part
def rest_of(left, high, depth, to):
    """The rows of a block of a that fill no tile, as a panel with zeros."""
    a, lda, along, jump, filled = left
    full = high // ROWS
    if full * ROWS < high and not filled:
        pack(offset(a, full * jump), lda, along, high - full * ROWS, depth, ROWS, to)
        return to
    return offset(a, full * jump)


@part
def place_block(left, high, b, ldb, way, panels, depth, count, c, ldc, more, end, room):
    """``high`` rows of an arranged block of a times ``count`` columns of b.

    ``way``: b is READY as panels; or its rows lie together, and the panels are to be made in
    PASSING; or it is read AS_IS, of which ``panels`` holds the last lines of the last columns.
    ``end`` tells what else is to be done to the columns.
    """
    code, bias, biased, residual, ldr, added = end
    wide = VECTORS * lanes(panels)
    rest = rest_of(left, high, depth, offset(room, ROWS * wide))
    for j in range(0, count, wide):
        panel, some, at, first = offset(panels, j * depth), min(wide, count - j), offset(c, j), 0
        lines = panel, wide, depth, panel
        if way == AS_IS:
            lines = offset(b, j), ldb, max(0, depth - over(some, wide, ldb)), panels
            first = place_first(left, high, lines, depth, some, at, ldc, more)
        elif way == PASSING:
            first = place_packing(left, high, offset(b, j), ldb, panel, depth, some, at, ldc, more)
        place_panel(left, high, rest, lines, depth, some, first, at, ldc, more, room)
        done = j + some
        if code != NONE and (done == count or done % (STRIP * wide) == 0):
            first = (done - 1) // (STRIP * wide) * (STRIP * wide)
            finish(offset(c, first), ldc, high, done - first, code, offset(bias, first), biased,
                   offset(residual, first), ldr, added)


@part
def over(some, wide, ldb):
    """How many of the last lines of ``some`` columns a whole tile's width reads past the end of."""
    return -(-(wide - some) // ldb)


@part
def place_first(left, high, lines, depth, some, c, ldc, more):
    """The first tile of b as it is, if there is a whole one, asking for lines ahead; returns its
    rows."""
    a, lda, along, _, _ = left
    b, ldb, _, _ = lines
    if some < VECTORS * lanes(b) or high < ROWS:
        return 0
    expect(c, ldc)
    lay(run_ahead(zero(b), a, lda, along, b, ldb, depth), c, ldc, more)
    return ROWS


@part
def place_packing(left, high, b, ldb, panel, depth, some, c, ldc, more):
    """Makes a panel, and in passing the first tile if there is a whole one; returns its rows."""
    a, lda, along, _, _ = left
    if some < VECTORS * lanes(panel) or high < ROWS:
        pack(b, 1, ldb, some, depth, VECTORS * lanes(panel), panel)
        return 0
    expect(c, ldc)
    lay(run_packing(zero(b), a, lda, along, b, ldb, depth, panel), c, ldc, more)
    return ROWS
