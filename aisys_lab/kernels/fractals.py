"""Matrices in fractals, and back.

A fractal is a block of 16 x 16 numbers, as Huawei's matrix unit multiplies in half precision. The
small letter of a layout's name says in which order the numbers of a fractal lie, the capital in
which order the fractals do: z row by row, n column by column (CATLASS, layout/matrix.hpp). The unit
takes its left operand as zZ, its right one as nZ and gives its result as zN; CANN's guide (Ascend C
operator development, "Data layout formats") calls these FRACTAL_ZZ, FRACTAL_ZN and FRACTAL_NZ.
"""

import numpy as np

from aisys_lab.core import LabError, Table, whole
from aisys_lab.kernels.axes import array
from aisys_lab.kernels.checks import rank, told
from aisys_lab.kernels.jit import entry
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import clear, copy_rows, transpose
from aisys_lab.kernels.vector import offset, pointer

FRACTALS = Table("FRACTALS", "layouts of matrices in fractals: whether the numbers of one, and "
                             "they themselves, lie column by column", noun="layout")
for _name, _row in {"zZ": (False, False), "zN": (False, True), "nZ": (True, False),
                    "nN": (True, True)}.items():
    FRACTALS.define(_name, _row)


@entry(fastmath=False)
def naive_pack(x, high, wide, inner, outer, out):
    """Number k of fractal f is x[i, j], or 0 outside of x, with i and j counted in the order that
    ``outer`` gives for f and ``inner`` for k: True column by column."""
    m, n = x.shape
    down, across = -(-m // high), -(-n // wide)
    for f in range(out.shape[0]):
        for k in range(out.shape[1]):
            row, column = (f % down, f // down) if outer else (f // across, f % across)
            i, j = (k % high, k // high) if inner else (k // wide, k % wide)
            i, j = row * high + i, column * wide + j
            out[f, k] = x[i, j] if i < m and j < n else 0


@entry(fastmath=False)
def naive_unpack(x, high, wide, inner, outer, out):
    """The other way round."""
    m, n = out.shape
    down, across = -(-m // high), -(-n // wide)
    for i in range(m):
        for j in range(n):
            row, column = i // high, j // wide
            f = column * down + row if outer else row * across + column
            i0, j0 = i % high, j % wide
            out[i, j] = x[f, j0 * high + i0 if inner else i0 * wide + j0]


@entry
def block_pack(x, high, wide, inner, outer, out):
    """Fractal by fractal: lines copied, or squares turned."""
    m, n = x.shape
    down, across = -(-m // high), -(-n // wide)
    for row in range(down):
        for column in range(across):
            f = column * down + row if outer else row * across + column
            i, j = row * high, column * wide
            source, to = offset(pointer(x), i * n + j), offset(pointer(out), f * high * wide)
            rows, count = min(high, m - i), min(wide, n - j)
            if rows < high or count < wide:
                clear(to, 1, high * wide, 0)
            if inner:
                transpose(source, n, rows, count, to, high)
            else:
                copy_rows(source, n, rows, count, to, wide)


@entry
def block_unpack(x, high, wide, inner, outer, out):
    """The other way round."""
    m, n = out.shape
    down, across = -(-m // high), -(-n // wide)
    for row in range(down):
        for column in range(across):
            f = column * down + row if outer else row * across + column
            i, j = row * high, column * wide
            source, to = offset(pointer(x), f * high * wide), offset(pointer(out), i * n + j)
            rows, count = min(high, m - i), min(wide, n - j)
            if inner:
                transpose(source, high, count, rows, to, n)
            else:
                copy_rows(source, wide, rows, count, to, n)


def pack_by(loop):
    """A rung of a loop over fractals."""
    def rung(x, layout, rows, columns):
        (m, n), (inner, outer) = x.shape, FRACTALS[layout]
        blocks, block = (-(-m // rows), -(-n // columns)), (rows, columns)
        out = np.empty(blocks[::-1 if outer else 1] + block[::-1 if inner else 1], x.dtype)
        if out.size:
            loop(np.ascontiguousarray(x), rows, columns, inner, outer,
                 out.reshape(-1, rows * columns))
        return out
    return rung


def unpack_by(loop):
    """A rung of a loop over fractals."""
    def rung(x, layout, shape):
        inner, outer = FRACTALS[layout]
        rows, columns = x.shape[:1:-1] if inner else x.shape[2:]
        out = np.empty(shape, x.dtype)
        if out.size:
            loop(np.ascontiguousarray(x).reshape(-1, rows * columns), rows, columns, inner, outer,
                 out)
        return out
    return rung


ladder("pack_fractal", naive=pack_by(naive_pack), blocks=pack_by(block_pack))
ladder("unpack_fractal", naive=unpack_by(naive_unpack), blocks=unpack_by(block_unpack))


def pack_fractal(x, layout, rows=16, columns=16, kernel="blocks"):
    """A matrix f32 or f64 [m,n] as four axes: fractals, then the numbers of one; zeros fill it up.

    zZ: [m1,n1,rows,columns], zN: [n1,m1,rows,columns], nZ: [m1,n1,columns,rows], nN:
    [n1,m1,columns,rows].
    """
    x = array("pack_fractal", x)
    rank("pack_fractal", "x", x, 2)
    rows, columns = (whole("pack_fractal", name, value, 1) for name, value in
                     [("rows", rows), ("columns", columns)])
    return KERNELS["pack_fractal"][kernel](x, layout, rows, columns)


def unpack_fractal(x, layout, shape, kernel="blocks"):
    """The matrix of this shape of which x is the fractals."""
    x = array("unpack_fractal", x)
    rank("unpack_fractal", "x", x, 4)
    inner, outer = FRACTALS[layout]
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise LabError(f"unpack_fractal: shape={shape!r}; it is two whole numbers.")
    m, n = (whole("unpack_fractal", "a side of the shape", side) for side in shape)
    rows, columns = x.shape[:1:-1] if inner else x.shape[2:]
    blocks = (-(-m // max(rows, 1)), -(-n // max(columns, 1)))
    if blocks[::-1 if outer else 1] != x.shape[:2] or not rows * columns:
        raise LabError(f"unpack_fractal: {told(x)} in layout {layout} is no matrix [{m}, {n}].")
    return KERNELS["unpack_fractal"][kernel](x, layout, (m, n))
