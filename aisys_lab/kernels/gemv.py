"""One row times a matrix of bytes: every weight is read once, so fewer bytes are less time."""

import numpy as np
from llvmlite import ir
from numba import prange
from numba.core import types
from numba.extending import intrinsic

from aisys_lab.kernels.jit import entry, native, part
from aisys_lab.kernels.vector import (
    bytes_of,
    fma,
    lanes,
    load,
    offset,
    pointer,
    prefetch,
    splat,
    total,
    vector_of,
)

LINE = 64  # bytes of a cache line
AHEAD = 4096  # bytes of weights that are asked for before they are needed
BYTE = ir.IntType(8)


@intrinsic
def load_bytes(typing, p, i, like):
    """As many signed bytes as ``like`` has lanes, as floats."""
    vector = vector_of(like.dtype)

    def build(context, builder, sig, args):
        kind = ir.VectorType(BYTE, vector.lanes)
        at = builder.bitcast(builder.gep(args[0], [args[1]]), kind.as_pointer())
        whole = builder.sext(builder.load(at, align=1), ir.VectorType(
            ir.IntType(8 * bytes_of(vector.ir.element)), vector.lanes))
        return builder.sitofp(whole, vector.ir)
    return vector(p, types.intp, like), build


@native
def rows(count, k, x, w, ldw, scales, y):
    """``y[i] = scales[i] · sum over k of w[i·ldw + k] · x[k]`` for ``count`` rows."""
    for i in range(count):
        y[i] = scales[i] * row(offset(w, i * ldw), k, x)


@part
def row(w, k, x):
    """The sum of products of a row; four sums, since each multiply-add waits for its last one."""
    lane, sums = lanes(x), (splat(x, 0), splat(x, 0), splat(x, 0), splat(x, 0))
    full = k - k % LINE
    for j in range(0, full, LINE):
        prefetch(w, j + AHEAD)
        for i in range(j, j + LINE, 4 * lane):
            sums = four(sums, w, i, lane, x)
    out = total(sums[0] + sums[1] + (sums[2] + sums[3]))
    for j in range(full, k):
        out += w[j] * x[j]
    return out


@part
def four(sums, w, i, lane, x):
    """Four vectors further."""
    a, b, c, d = sums
    return (fma(load_bytes(w, i, x), load(x, i), a),
            fma(load_bytes(w, i + lane, x), load(x, i + lane), b),
            fma(load_bytes(w, i + 2 * lane, x), load(x, i + 2 * lane), c),
            fma(load_bytes(w, i + 3 * lane, x), load(x, i + 3 * lane), d))


@entry
def into(x, w, scales, y):
    """``y = scales * (w @ x)``, w s8[n,k] with rows that lie together."""
    rows(len(y), len(x), pointer(x), pointer(w), w.strides[0], pointer(scales), pointer(y))


@entry(parallel=True)
def into_parts(x, w, scales, y, parts):
    """The same by several threads."""
    each = -(-len(y) // parts)
    for p in prange(parts):
        first, last = min(len(y), p * each), min(len(y), (p + 1) * each)
        rows(last - first, len(x), pointer(x), offset(pointer(w), first * w.strides[0]),
             w.strides[0], offset(pointer(scales), first), offset(pointer(y), first))


@entry(fastmath=False)
def naive(x, w, scales):
    """for i: y[i] = scales[i] * sum over k of w[i,k] * x[k]"""
    y = np.zeros(len(w), x.dtype)
    for i in range(len(w)):
        for k in range(len(x)):
            y[i] += w[i, k] * x[k]
        y[i] *= scales[i]
    return y
