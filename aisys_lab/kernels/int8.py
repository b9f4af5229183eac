"""Products of bytes, exact in 32 bits: several products a lane and instruction.

A **word** of 32 bits holds a few neighbours along k: two numbers of 16 bits, or, where the host has
AVX512-VNNI (Intel SDM: VPDPBUSD), four of 8 bits, the left ones without sign. A step of the tile
multiplies words of a by words of b and adds the products of a word to one accumulator.
"""

from functools import reduce

import numpy as np
from llvmlite import ir
from numba import prange
from numba.core import cgutils, types
from numba.extending import intrinsic

from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.moves import aligned
from aisys_lab.kernels.tile import lines_of, tile
from aisys_lab.kernels.vector import (
    I32,
    called,
    keep,
    lanes,
    load,
    load_part,
    loaded,
    number,
    offset,
    pointer,
    splatted,
    store_part,
)

ROWS, VECTORS = host().rows, host().vectors
GROUP = 4 if host().dot else 2  # neighbours along k in a word
SHIFT = 128 if host().dot else 0  # added to signed bytes of a, which makes them unsigned
WORDS = 256  # of k: a panel of b, 256 words · 16 columns · 4 bytes, takes half of 32 KiB
HIGH = 96 // ROWS * ROWS  # rows of a block of a

zero, _, write, add = tile(ROWS, VECTORS)


# ---- the step of a tile

def dots(builder, x, y, acc):
    """``acc`` plus, lane by lane, the products of the parts of two words."""
    if host().dot == "vpdpbusd":
        return called(builder, "llvm.x86.avx512.vpdpbusd.512", acc.type, acc, x, y)
    bits, grow = (8, builder.zext) if host().dot else (16, builder.sext)
    count = x.type.count * 32 // bits
    parts, wide = ir.VectorType(ir.IntType(bits), count), ir.VectorType(I32, count)
    products = builder.mul(grow(builder.bitcast(x, parts), wide),
                           builder.sext(builder.bitcast(y, parts), wide))
    picks = (ir.Constant(ir.VectorType(I32, x.type.count), list(range(first, count, GROUP)))
             for first in range(GROUP))
    sums = (builder.shuffle_vector(products, products, some) for some in picks)
    return builder.add(acc, reduce(builder.add, sums))  # of 16 bits: one PMADDWD on x86


@intrinsic
def step(typing, acc, a, lda, b):
    """``acc`` plus the products of the words a[0], a[lda], … and the VECTORS of words at b."""
    def build(context, builder, sig, args):
        acc, a, lda, b = args
        kind = sig.return_type.dtype.ir
        right = [loaded(builder, b, number(j * kind.count), kind) for j in range(VECTORS)]
        left = (splatted(builder, builder.load(at), kind)
                for at in lines_of(builder, a, lda, ROWS))
        pairs = ((x, y) for x in left for y in right)
        sums = [dots(builder, x, y, z) for (x, y), z in
                zip(pairs, cgutils.unpack_tuple(builder, acc), strict=True)]
        return context.make_tuple(builder, sig.return_type, sums)
    return acc(acc, a, types.intp, b), build


@intrinsic
def words(typing, p):
    """The same address, of words."""
    def build(context, builder, sig, args):
        return builder.bitcast(args[0], I32.as_pointer())
    return types.CPointer(types.int32)(p), build


# ---- the loops

@part
def pack_words(p, across, along, width, depth, each, to):
    """Panels ``each`` wide: part (i, d) of p, at i·across + d·along, goes to panel i // each,
    word d // GROUP, place i % each; zeros fill words and panels up."""
    for start in range(0, width, each):
        for d in range(0, depth, GROUP):
            for i in range(start, start + each):
                for g in range(d, d + GROUP):
                    there = i < width and g < depth
                    to[0] = p[i * across + g * along] if there else 0
                    to = offset(to, 1)


@part
def copy_words(p, lda, along, high, depth, shift, to):
    """Rows of words: part (i, d) of p plus ``shift``; zeros fill the last word of a row."""
    room = -(-depth // GROUP) * GROUP
    for i in range(high):
        line = offset(to, i * room)
        if along == 1:  # the same loop, which becomes vector code
            for d in range(depth):
                line[d] = p[i * lda + d] + shift
        else:
            for d in range(depth):
                line[d] = p[i * lda + d * along] + shift
        for d in range(depth, room):
            line[d] = 0


@part
def place_tile(a, b, deep, c, ldc, more, high, count, room):
    """One tile from rows of a and a panel of b, ``deep`` words long; ``high`` rows of ``count``
    numbers of it are laid down."""
    w, acc, lda = lanes(c), zero(c), deep
    wide = VECTORS * w
    for _ in range(deep):
        acc = step(acc, a, lda, b)
        a, b = offset(a, 1), offset(b, wide)
    if high == ROWS and count == wide:
        if more:
            add(acc, c, ldc)
        else:
            write(acc, c, ldc)
        return
    write(acc, room, wide)
    for i in range(high):
        for j in range(0, count, w):
            some, at = min(w, count - j), i * ldc + j
            v = load(room, i * wide + j)
            store_part(v + load_part(c, at, some, 0) if more else v, c, at, some)


@native
def blocks(m, n, k, a, lda, along, shift, b, c, ldc, rows, room):
    """``c = (a + shift) @ b``, where b is packed; ``rows`` holds a block of a, ``room`` a tile."""
    wide, all_words = VECTORS * lanes(c), -(-k // GROUP)
    columns = -(-n // wide) * wide
    for d in range(0, all_words, WORDS):
        deep = min(WORDS, all_words - d)
        for i in range(0, m, HIGH):
            high = min(HIGH, m - i)
            copy_words(offset(a, i * lda + d * GROUP * along), lda, along, high,
                       min(deep * GROUP, k - d * GROUP), shift, rows)
            for j in range(0, n, wide):
                panel = offset(words(b), d * columns + j * deep)
                for r in range(0, high, ROWS):
                    place_tile(offset(words(rows), r * deep), panel, deep,
                               offset(c, (i + r) * ldc + j), ldc, d > 0, min(ROWS, high - r),
                               min(wide, n - j), room)


@entry
def panels_of(b, like):
    """``(panels, sums)``: a matrix s8[k,n] as ``blocks`` takes it, and the sums of its columns."""
    k, n = b.shape
    room = np.empty(1, np.int32)
    wide, all_words = VECTORS * lanes(pointer(room)), -(-k // GROUP)
    columns = -(-n // wide) * wide
    panels = aligned(columns * all_words * GROUP, like)
    for d in range(0, all_words, WORDS):
        some = min(WORDS * GROUP, k - d * GROUP)
        pack_words(pointer(b[d * GROUP:]), b.strides[1], b.strides[0], n, some, wide,
                   offset(pointer(panels), d * columns * GROUP))
    sums = np.zeros(n, np.int32)
    for i in range(k):
        for j in range(n):
            sums[j] += b[i, j]
    keep(room)
    return panels, sums


@part
def place(a, shift, panels, sums, minus, out):
    """``out = (a - minus) @ b`` by one thread, with working memory of its own."""
    (m, k), n = a.shape, out.shape[1]
    rows = aligned((min(m, HIGH) + ROWS) * (WORDS * GROUP), panels)
    room = aligned(ROWS * VECTORS * lanes(pointer(out)), out)
    blocks(m, n, k, pointer(a), a.strides[0], a.strides[1], shift, pointer(panels), pointer(out),
           out.strides[0] // out.itemsize, pointer(rows), pointer(room))
    keep(rows)
    keep(room)
    factor = np.int32(minus + shift)
    if factor:
        for i in range(m):
            for j in range(n):
                out[i, j] -= factor * sums[j]


@entry
def into(a, shift, panels, sums, minus, out):
    """``out = (a - minus) @ b`` in int32, for a u8 or s8 [m,k], which ``shift`` makes what words
    hold, and b packed."""
    if a.shape[1] == 0:
        out[:] = 0
    elif out.size:
        place(a, shift, panels, sums, minus, out)


@entry(parallel=True)
def into_parts(a, shift, panels, sums, minus, out, parts):
    """The same by several threads, each for a stripe of rows; k is 1 or more."""
    m = len(a)
    high = -(-m // (parts * ROWS)) * ROWS
    for p in prange(parts):
        rows = slice(min(m, p * high), min(m, (p + 1) * high))
        place(a[rows], shift, panels, sums, minus, out[rows])
