"""The best matrix product: blocks for each level of cache, panels in the order they are read.

    for a block of columns of b, as wide as the last cache holds
        for a block of k, so that one panel of b stays in the first cache
            pack the block of b into panels, a tile wide
            for a block of rows of a, so that it stays in the second cache
                for each panel of b, for each tile's rows of a: one tile

Goto and van de Geijn 2008; Van Zee and van de Geijn 2015 (BLIS). Everything is addressed by
pointers and strides, so that the code is compiled once for a dtype, whatever the layout.
"""

from numba import prange

from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned, copy_rows, pack
from aisys_lab.kernels.tile import tile
from aisys_lab.kernels.vector import lanes, load, load_part, offset, pointer, size_of, store_part

ROWS, VECTORS = host().rows, host().vectors
zero, step_on, read, write = tile(ROWS, VECTORS)
DEPTH = 256  # of k: a panel of b, 256 · 16 numbers, takes half of a first cache of 32 KiB
HIGH = 40 * ROWS  # rows of a block of a: with DEPTH, half of a second cache of 512 KiB
WIDE = 2048  # columns of a block of b
APART = 16  # numbers between packed rows of a, so that they do not meet in one set of the cache


@part
def run(acc, a, lda, step, b, depth, wide):
    """``depth`` outer products added to a tile: along a by ``step``, along b by ``wide``."""
    for _ in range(depth):
        acc = step_on(acc, a, lda, b)
        a, b = offset(a, step), offset(b, wide)
    return acc


@part
def place_tile(a, lda, step, b, depth, c, ldc, more):
    """A whole tile of c: made, or added to where ``more``."""
    wide = VECTORS * lanes(b)
    acc = read(c, ldc) if more else zero(c)
    write(run(acc, a, lda, step, b, depth, wide), c, ldc)


@part
def place_edge(a, lda, step, b, depth, c, ldc, more, high, count, room):
    """A tile that reaches over the edge of c: made in ``room``, of which ``high`` rows of
    ``count`` numbers are laid down."""
    w = lanes(b)
    wide = VECTORS * w
    write(run(zero(b), a, lda, step, b, depth, wide), room, wide)
    for i in range(high):
        for j in range(0, count, w):
            some = min(w, count - j)
            v, at = load(room, i * wide + j), i * ldc + j
            store_part(v + load_part(c, at, some, 0) if more else v, c, at, some)


@part
def arrange(a, lda, step, high, depth, to, close):
    """A block of a as tiles read it: ``(address, lda, step, numbers from tile row to tile row)``.

    As it is where its rows lie together and ``close`` is false; else as rows that do not meet in
    the cache, or as panels where rows do not lie together.
    """
    if step != 1:
        pack(a, lda, step, high, depth, ROWS, to)
        return to, 1, ROWS, depth
    if close:
        copy_rows(a, lda, high, depth, to, depth + APART)
        return to, depth + APART, 1, depth + APART
    return a, lda, 1, lda


@part
def place_block(left, high, b, depth, count, c, ldc, more, room):
    """``high`` rows of an arranged block of a times panels of b with ``count`` columns."""
    a, lda, step, jump = left
    wide = VECTORS * lanes(b)
    full, rest = high - high % ROWS, offset(a, (high - high % ROWS) * jump)
    if full < high and step == 1:  # the rows that fill no tile: a panel with zeros behind ``room``
        pack(rest, lda, step, high - full, depth, ROWS, offset(room, ROWS * wide))
        rest = offset(room, ROWS * wide)
    for j in range(0, count, wide):
        panel, some = offset(b, j * depth), min(wide, count - j)
        for i in range(0, full, ROWS):
            tile_row, at = offset(a, i * jump), offset(c, i * ldc + j)
            if some == wide:
                place_tile(tile_row, lda, step, panel, depth, at, ldc, more)
            else:
                place_edge(tile_row, lda, step, panel, depth, at, ldc, more, ROWS, some, room)
        if full < high:
            place_edge(rest, 1, ROWS, panel, depth, offset(c, full * ldc + j), ldc, more,
                       high - full, some, room)


@part
def room_for(m, n, k, wide):
    """Numbers of working memory: ``(panels of b, edges, rows of a)``."""
    depth = min(k, DEPTH)
    return ((min(n, WIDE) + wide) * depth, ROWS * (wide + depth),
            (min(m, HIGH) + ROWS) * (depth + APART))


@native
def product(m, n, k, a, lda, step, b, ldb, across, c, ldc, room):
    """``c[i·ldc + j] = sum over k of a[i·lda + k·step] · b[k·ldb + j·across]``; k is 1 or more."""
    wide = VECTORS * lanes(b)
    first, second, _ = room_for(m, n, k, wide)
    panels, edges, rows = room, offset(room, first), offset(room, first + second)
    close = lda * size_of(a) % 1024 == 0 and m > ROWS
    for j in range(0, n, WIDE):
        count = min(WIDE, n - j)
        for d in range(0, k, DEPTH):
            deep = min(DEPTH, k - d)
            pack(offset(b, d * ldb + j * across), across, ldb, count, deep, wide, panels)
            for i in range(0, m, HIGH):
                high = min(HIGH, m - i)
                left = arrange(offset(a, i * lda + d * step), lda, step, high, deep, rows, close)
                place_block(left, high, panels, deep, count, offset(c, i * ldc + j), ldc, d > 0,
                            edges)


@part
def place(a, b, out):
    """``out = a @ b`` by one thread, with working memory of its own."""
    (m, k), n, size = a.shape, b.shape[1], out.itemsize
    room = aligned(sum(room_for(m, n, k, VECTORS * lanes(pointer(out)))), out)
    product(m, n, k, pointer(a), a.strides[0] // size, a.strides[1] // size, pointer(b),
            b.strides[0] // size, b.strides[1] // size, pointer(out), out.strides[0] // size,
            pointer(room))


@entry
def into(a, b, out):
    """``out = a @ b`` of matrices f32 or f64 in any layout; rows of out lie together."""
    if a.shape[1] == 0:
        out[:] = 0
    elif out.size:
        place(a, b, out)


@entry(parallel=True)
def into_parts(a, b, out, parts):
    """The same by several threads, each for a stripe of the longer side; k is 1 or more."""
    m, n = out.shape
    high, wide = cut(m, parts, ROWS), cut(n, parts, VECTORS * lanes(pointer(out)))
    for p in prange(parts):
        if m > n:
            rows = slice(min(m, p * high), min(m, (p + 1) * high))
            place(a[rows], b, out[rows])
        else:
            columns = slice(min(n, p * wide), min(n, (p + 1) * wide))
            place(a, b[:, columns], out[:, columns])


@part
def cut(size, parts, whole):
    """The length of a part of ``size``, in whole tiles."""
    return -(-size // (parts * whole)) * whole
