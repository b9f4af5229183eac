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

from aisys_lab.kernels.block import (
    APART,
    AS_IS,
    PASSING,
    READY,
    ROWS,
    VECTORS,
    arrange,
    over,
    place_block,
)
from aisys_lab.kernels.epilogue import NONE
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned, pack
from aisys_lab.kernels.vector import keep, lanes, offset, pointer, size_of

DEPTH = 384  # of k: a panel of b, 384 · 16 numbers, takes three quarters of a cache of 32 KiB
HIGH = 96 // ROWS * ROWS  # rows of a block of a: with DEPTH, a quarter of a cache of 512 KiB
WIDE = 2048  # columns of a block of b
SHALLOW = 128  # k up to which tiles read a by columns; panels pay for deeper ones, if b is wide
FEW = 4 * ROWS  # rows of a that do not pay for panels of b
NEAR = 1 << 19  # bytes of a matrix that is packed in passing; of larger ones whole lines are read


@part
def whole(count, each):
    """``count``, rounded up to a multiple of ``each``."""
    return -(-count // each) * each


@part
def even(k):
    """The length of blocks of k: at most DEPTH, and all alike."""
    return -(-k // -(-k // DEPTH))


@part
def room_for(m, n, k, wide):
    """Numbers of working memory: ``(panels of b, edges, rows of a)``."""
    depth = even(k)
    return (min(whole(n, wide), WIDE) * depth, ROWS * (wide + depth),
            (whole(min(m, HIGH), ROWS) + APART) * (depth + APART))


@part
def copies(m, n, k, a, lda, along, wide):
    """Whether tiles read a copy of a: where its lines would meet in one set of the cache, and of
    large matrices, whose lines lie on many pages; unless b is narrow."""
    meet = lda * along * size_of(a) % 1024 == 0
    return (meet or m * k * size_of(a) > NEAR) and m > ROWS and (n > 4 * wide or along != 1)


@part
def way_to(m, n, k, b, ldb, across, wide):
    """How b is read: as it is by few rows of a, or where all of its lines lie close together; if
    its lines do not meet in one set of the cache."""
    if across != 1:
        return READY
    few = m <= FEW or ldb <= wide
    if few and ldb >= n and (m <= ROWS or ldb * size_of(b) % 512 != 0):
        return AS_IS
    return PASSING if k * n * size_of(b) <= NEAR else READY


@part
def pack_end(b, ldb, count, depth, wide, to):
    """The lines of the last columns of b of which a whole tile's width would read past its end,
    filled up with zeros."""
    some = count % wide
    if some:
        lines = min(depth, over(some, wide, ldb))
        pack(offset(b, (depth - lines) * ldb + count - some), 1, ldb, some, lines, wide, to)


@native
def blocks(m, n, k, a, lda, along, b, ldb, across, ready, c, ldc, code, bias, biased, residual,
           ldr, added, room):
    """The loops over blocks; ``ready``: b is what ``pack_all`` made of it. ``code`` and what
    follows it are what ``finish`` takes."""
    wide, depth = VECTORS * lanes(b), even(k)
    first, second, _ = room_for(m, n, k, wide)
    edges, rows = offset(room, first), offset(room, first + second)
    copied = copies(m, n, k, a, lda, along, wide)
    columns = depth <= SHALLOW or n <= 4 * wide
    way = READY if ready else way_to(m, n, k, b, ldb, across, wide)
    for j in range(0, n, WIDE):
        count = min(WIDE, n - j)
        for d in range(0, k, depth):
            deep, source = min(depth, k - d), offset(b, d * ldb + j * across)
            panels = offset(b, j * k + d * whole(count, wide)) if ready else room
            if way == AS_IS:
                pack_end(source, ldb, count, deep, wide, panels)
            elif way == READY and not ready:
                pack(source, across, ldb, count, deep, wide, panels)
            for i in range(0, m, HIGH):
                high, to = min(HIGH, m - i), offset(c, i * ldc + j)
                left = arrange(offset(a, i * lda + d * along), lda, along, high, deep, rows,
                               copied, columns)
                end = (NONE if d + deep < k else code), offset(bias, j), biased, offset(
                    residual, i * ldr + j), ldr, added
                place_block(left, high, source, ldb, READY if way == PASSING and i else way,
                            panels, deep, count, to, ldc, d > 0, end, edges)


@part
def product(m, n, k, a, lda, along, b, ldb, across, c, ldc, room):
    """``c[i·ldc + j] = sum over k of a[i·lda + k·along] · b[k·ldb + j·across]``; k is 1 or more.

    ``room`` has sum(room_for(…)) numbers, aligned to a cache line.
    """
    blocks(m, n, k, a, lda, along, b, ldb, across, False, c, ldc, NONE, c, False, c, 0, False, room)


@native
def pack_all(n, k, b, ldb, across, to):
    """The panels of a whole matrix, block by block as ``blocks`` takes them."""
    wide, depth = VECTORS * lanes(b), even(k)
    for j in range(0, n, WIDE):
        count = min(WIDE, n - j)
        for d in range(0, k, depth):
            pack(offset(b, d * ldb + j * across), across, ldb, count, min(depth, k - d), wide,
                 offset(to, j * k + d * whole(count, wide)))


@part
def place(a, b, out):
    """``out = a @ b`` by one thread, with working memory of its own."""
    (m, k), n, size = a.shape, b.shape[1], out.itemsize
    room = aligned(sum(room_for(m, n, k, VECTORS * lanes(pointer(out)))), out)
    product(m, n, k, pointer(a), a.strides[0] // size, a.strides[1] // size, pointer(b),
            b.strides[0] // size, b.strides[1] // size, pointer(out), out.strides[0] // size,
            pointer(room))
    keep(room)


@part
def place_packed(a, panels, out):
    """``out = a @ b`` by one thread, where ``panels`` is what ``panels_of`` made of b."""
    (m, k), n, size = a.shape, out.shape[1], out.itemsize
    room = aligned(sum(room_for(m, n, k, VECTORS * lanes(pointer(out)))), out)
    blocks(m, n, k, pointer(a), a.strides[0] // size, a.strides[1] // size, pointer(panels), 0, 0,
           True, pointer(out), out.strides[0] // size, NONE, pointer(out), False, pointer(out), 0,
           False, pointer(room))
    keep(room)


@part
def place_finished(a, b, ready, code, bias, residual, out):
    """``out = activate(a @ b + bias) + residual`` by one thread; b may be panels (``ready``), bias
    and residual may be empty."""
    (m, k), n, size = a.shape, out.shape[1], out.itemsize
    room = aligned(sum(room_for(m, n, k, VECTORS * lanes(pointer(out)))), out)
    blocks(m, n, k, pointer(a), a.strides[0] // size, a.strides[1] // size, pointer(b),
           b.strides[0] // size, b.strides[1] // size, ready, pointer(out),
           out.strides[0] // size, code, pointer(bias), bias.size > 0, pointer(residual),
           residual.strides[0] // size, residual.size > 0, pointer(room))
    keep(room)


@entry
def finished(a, b, ready, code, bias, residual, out):
    """``out = activate(a @ b + bias) + residual``; k is 1 or more."""
    place_finished(a, b, ready, code, bias, residual, out)


@entry(parallel=True)
def finished_parts(a, b, ready, code, bias, residual, out, parts):
    """The same by several threads, each for a stripe of rows."""
    m = len(a)
    high = whole(-(-m // parts), ROWS)
    for p in prange(parts):
        rows = slice(min(m, p * high), min(m, (p + 1) * high))
        place_finished(a[rows], b, ready, code, bias, residual[rows], out[rows])


@entry
def panels_of(b):
    """The panels of b[k,n], one array, once for many products."""
    (k, n), size = b.shape, b.itemsize
    panels = aligned(k * whole(n, VECTORS * lanes(pointer(b))), b)
    if b.size:
        pack_all(n, k, pointer(b), b.strides[0] // size, b.strides[1] // size, pointer(panels))
    return panels


@entry
def into_packed(a, panels, out):
    """``out = a @ b`` of a in any layout and packed b; rows of out lie together."""
    if a.shape[1] == 0:
        out[:] = 0
    elif out.size:
        place_packed(a, panels, out)


@entry(parallel=True)
def into_packed_parts(a, panels, out, parts):
    """The same by several threads, each for a stripe of rows; k is 1 or more."""
    m = len(a)
    high = whole(-(-m // parts), ROWS)
    for p in prange(parts):
        rows = slice(min(m, p * high), min(m, (p + 1) * high))
        place_packed(a[rows], panels, out[rows])


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
    high = whole(-(-m // parts), ROWS)
    wide = whole(-(-n // parts), VECTORS * lanes(pointer(out)))
    for p in prange(parts):
        if m > n:
            rows = slice(min(m, p * high), min(m, (p + 1) * high))
            place(a[rows], b, out[rows])
        else:
            columns = slice(min(n, p * wide), min(n, (p + 1) * wide))
            place(a, b[:, columns], out[:, columns])
