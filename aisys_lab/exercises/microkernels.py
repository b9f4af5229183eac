"""What lab IV.5 asks of a matrix product: packed operands and a block in registers, counted."""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.exercises.compare import alike
from aisys_lab.exercises.convolving import whole
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.exercises.texts import needed

TUPLES = '''
def panels(x):
    packed = np.zeros(((x.shape[1] + 3) // 4, x.shape[0], 4), x.dtype)
    for p in range(packed.shape[0]):
        for k in range(x.shape[0]):
            for j in range(min(4, x.shape[1] - 4 * p)):
                packed[p, k, j] = x[k, 4 * p + j]
    return packed

def plus(row, x, y):
    return row[0] + x * y[0], row[1] + x * y[1], row[2] + x * y[2], row[3] + x * y[3]

def product(left, right):
    zero = left.dtype.type(0)
    row = zero, zero, zero, zero
    r0, r1, r2, r3 = row, row, row, row
    for k in range(left.shape[0]):
        y = right[k, 0], right[k, 1], right[k, 2], right[k, 3]
        r0, r1 = plus(r0, left[k, 0], y), plus(r1, left[k, 1], y)
        r2, r3 = plus(r2, left[k, 2], y), plus(r3, left[k, 3], y)
    return r0, r1, r2, r3

def microkernel(a, b, out):
    m, n = out.shape
    left, right = panels(a.T), panels(b)
    for j in range(0, n, 4):
        for i in range(0, m, 4):
            block = product(left[i // 4], right[j // 4])
            for r in range(min(4, m - i)):
                for s in range(min(4, n - j)):
                    out[i + r, j + s] = block[r][s]
'''
NAMED = '''
ROWS, COLUMNS = 4, 4

def microkernel(a, b, out):
    """Sixteen names; a is packed for each row of blocks, and the depth is taken 64 at a time."""
    for start in range(0, max(a.shape[1], 1), 64):
        stop = min(a.shape[1], start + 64)
        width = (out.shape[1] + COLUMNS - 1) // COLUMNS * COLUMNS
        pb = np.zeros((width // COLUMNS, 64, COLUMNS), b.dtype)
        for k in range(start, stop):
            for j in range(out.shape[1]):
                pb[j // COLUMNS, k - start, j % COLUMNS] = b[k, j]
        for i in range(0, out.shape[0], ROWS):
            pa = np.zeros((64, ROWS), a.dtype)
            for r in range(min(ROWS, out.shape[0] - i)):
                for k in range(start, stop):
                    pa[k - start, r] = a[i + r, k]
            for j in range(0, width, COLUMNS):
                block(pa, pb[j // COLUMNS], out[i:, j:], stop - start, start > 0)

def block(pa, pb, out, depth, more):
    c00 = c01 = c02 = c03 = pa.dtype.type(0)
    c10 = c11 = c12 = c13 = c00
    c20 = c21 = c22 = c23 = c00
    c30 = c31 = c32 = c33 = c00
    for k in range(depth):
        b0, b1, b2, b3 = pb[k, 0], pb[k, 1], pb[k, 2], pb[k, 3]
        x = pa[k, 0]
        c00 += x * b0
        c01 += x * b1
        c02 += x * b2
        c03 += x * b3
        x = pa[k, 1]
        c10 += x * b0
        c11 += x * b1
        c12 += x * b2
        c13 += x * b3
        x = pa[k, 2]
        c20 += x * b0
        c21 += x * b1
        c22 += x * b2
        c23 += x * b3
        x = pa[k, 3]
        c30 += x * b0
        c31 += x * b1
        c32 += x * b2
        c33 += x * b3
    rows = ((c00, c01, c02, c03), (c10, c11, c12, c13), (c20, c21, c22, c23), (c30, c31, c32, c33))
    for r in range(min(4, out.shape[0])):
        for s in range(min(4, out.shape[1])):
            before = out[r, s] if more else pa.dtype.type(0)
            out[r, s] = before + rows[r][s]
'''
WIDE = '''
def pack(x, size):
    """x[n, depth] in panels of rows."""
    blocks = (len(x) + size - 1) // size
    out = np.zeros((blocks, x.shape[1], size), x.dtype)
    for i in range(len(x)):
        for k in range(x.shape[1]):
            out[i // size, k, i % size] = x[i, k]
    return out

def fma(c, x, y0, y1, y2):
    return c[0] + x * y0, c[1] + x * y1, c[2] + x * y2

def microkernel(a, b, out):
    """Six rows of three columns."""
    m, n = out.shape
    zero = out.dtype.type(0)
    pa, pb = pack(a, 6), pack(b.T, 3)
    for q in range(pb.shape[0]):
        for p in range(pa.shape[0]):
            t = zero, zero, zero
            c = t, t, t, t, t, t
            for k in range(a.shape[1]):
                y0, y1, y2 = pb[q, k, 0], pb[q, k, 1], pb[q, k, 2]
                c = (fma(c[0], pa[p, k, 0], y0, y1, y2), fma(c[1], pa[p, k, 1], y0, y1, y2),
                     fma(c[2], pa[p, k, 2], y0, y1, y2), fma(c[3], pa[p, k, 3], y0, y1, y2),
                     fma(c[4], pa[p, k, 4], y0, y1, y2), fma(c[5], pa[p, k, 5], y0, y1, y2))
            for i in range(p * 6, min(p * 6 + 6, m)):
                for j in range(q * 3, min(q * 3 + 3, n)):
                    out[i, j] = c[i - p * 6][j - q * 3]
'''
TALL = WIDE.replace("pack(a, 6)", "pack(a, 12)").replace("p * 6 + 6", "p * 12 + 12").replace(
    "p * 6", "p * 12").replace("c = t, t", "c = t, t, t, t, t, t, t, t").replace(
    "y1, y2))\n", "y1, y2),\n" + ",\n".join(
        f"{' ' * 21}fma(c[{i}], pa[p, k, {i}], y0, y1, y2)" for i in range(6, 12)) + ")\n")
PLAIN = '''
def microkernel(a, b, out):
    right = panels(b)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = out.dtype.type(0)
            for k in range(a.shape[1]):
                total += a[i, k] * right[j // 4, k, j % 4]
            out[i, j] = total
'''
AHEAD = TUPLES[:TUPLES.index("def microkernel")]
WRONG = edits(TUPLES, {
    "accumulates into what lies there": ("out[i + r, j + s] = block", "out[i + r, j + s] += block"),
    "drops the last rows": ("range(0, m, 4)", "range(0, m - 3, 4)"),
    "drops the last columns": ("range(0, n, 4)", "range(0, n - 3, 4)"),
    "writes whole blocks at the edge": ("range(min(4, m - i))", "range(4)"),
    "rounds the number of panels down": ("(x.shape[1] + 3) // 4", "max(x.shape[1] // 4, 1)"),
    "pads the depth, but not with zeros": (
        "np.zeros(((x.shape[1] + 3) // 4, x.shape[0], 4)",
        "np.empty(((x.shape[1] + 3) // 4, (x.shape[0] + 1) // 2 * 2, 4)"),
    "writes a block the wrong way round": ("block[r][s]", "block[s][r]"),
    "takes the panels of a for those of b": ("product(left[i // 4], right[j // 4])",
                                             "product(right[j // 4], left[i // 4])"),
    "packs again for every block": ("block = product(left[i // 4], right[j // 4])",
                                    "block = product(panels(a[i:i + 4].T)[0], "
                                    "panels(b[:, j:j + 4])[0])"),
    "packs b only": ("block = product(left[i // 4], right[j // 4])",
                     "block = product(panels(a[i:i + 4].T)[0], right[j // 4])"),
    "reads b where it lies": (
        "r0, r1, r2, r3 = row, row, row, row", "r0, r1, r2, r3 = row, row, row, row\n"
        "    right = right.T.T if right.shape[1] > 3 else panels(right)[0]",
        "left, right = panels(a.T), panels(b)", "left = panels(a.T)",
        "right[j // 4])\n", "b[:, j:j + 4])\n"),
    "only a part of the depth is left": (
        "def microkernel(a, b, out):\n", "def microkernel(a, b, out):\n"
        "    for k in range(0, max(a.shape[1], 1), 16):\n"
        "        part(a[:, k:k + 16], b[k:k + 16], out)\n\ndef part(a, b, out):\n"),
}) | edits(NAMED, {
    "the second part of the depth takes the place of the first": (
        "before = out[r, s] if more else pa.dtype.type(0)", "before = pa.dtype.type(0)"),
    "adds every part of the depth to what lies there": (
        "before = out[r, s] if more else pa.dtype.type(0)", "before = out[r, s]"),
    "one multiply-add of sixteen by the wrong column": ("c23 += x * b3", "c23 += x * b2"),
}) | {
    "no block in registers": AHEAD + PLAIN,
    "a block in memory": AHEAD + TUPLES[TUPLES.index("def microkernel"):].replace(
        "            block = product(left[i // 4], right[j // 4])\n",
        "            block = np.zeros((4, 4), out.dtype)\n"
        "            for k in range(a.shape[1]):\n"
        "                for r in range(4):\n"
        "                    for s in range(4):\n"
        "                        block[r, s] += left[i // 4, k, r] * right[j // 4, k, s]\n"
        ).replace("block[r][s]", "block[r, s]"),
    "calls NumPy": '''
def microkernel(a, b, out):
    out[:] = np.dot(a, b)
''',
    "calls NumPy for every block": TUPLES.replace("product(left[i // 4], right[j // 4])",
                                                  "left[i // 4].T @ right[j // 4]"),
    "more sums than there are registers": TALL,
}


@exercise("kernels.microkernel", code="IV.5-D", points=14, driver="product", mutants=WRONG,
          different={"rows as tuples": TUPLES, "sixteen names": NAMED, "six by three": WIDE},
          hides=("kernels.lessons.microkernel:microkernel", "kernels.lessons.microkernel:panels",
                 "kernels.lessons.microkernel:product", "kernels.lessons.microkernel:plus"),
          seconds=60.0)
def microkernel(answer, rng):
    """microkernel(a, b, out) writes the product of a[M,K] and b[K,N] into out[M,N], which may hold
    anything before, in loops over numbers that Numba compiles: no product of arrays, no lists. Any
    sizes, any layout of a and b. Pack both operands first, so that the innermost loop reads memory
    in its order, and keep a block of sums in names or tuples, which are registers: each number that
    is loaded serves a whole row or column of the block. The judge runs the text and counts, on
    40 × 40 × 40 numbers in rows 4096 bytes apart: at most 0.65 loads a multiply-add; at most 40
    numbers in the names of one function; in a cache of 32 KiB with 8 ways no more misses than a and
    b have numbers. Functions of your own beside it are welcome."""
    text = needed(answer, "microkernel")
    for m, n, k in ((1, 1, 1), (5, 7, 3), (8, 4, 6), (4, 13, 1), (11, 3, 20), (6, 9, 0)):
        case = _right(text, rng, m, n, k)
        yield case
        if not case.ok:
            return
    yield _right(text, rng, 5, 6, int(rng.integers(65, 90)))
    for case in _counts(text, rng):
        yield case
        if not case.ok:
            return
    a, b = whole(rng, (37, 41), np.float32), whole(rng, (41, 29), np.float32)
    yield alike("microkernel, compiled, of a[37, 41] and b[41, 29]", product(a, b), answer(a, b))


def product(a, b):
    """The definition; whole numbers are exact."""
    return (a[:, :, None] * b).sum(axis=1)


def run(text, a, b, caches=None):
    """``(count, case)`` of the text on these; the case is None if it ran."""
    from aisys_lab.chips import count_source
    out = np.full((a.shape[0], b.shape[1]), 7, a.dtype)
    try:
        return count_source(text, "microkernel", a, b, out, caches=caches), None
    except LabError as error:
        return None, Case(False, f"microkernel of a{list(a.shape)}, b{list(b.shape)}: {error}")


def _right(text, rng, m, n, k):
    """The case of one product; a is the transpose of an array now and then."""
    dtype = (np.float32, np.float64)[int(rng.integers(2))]
    a = whole(rng, (m, k), dtype) if rng.random() < 0.5 else whole(rng, (k, m), dtype).T
    b = whole(rng, (k, 2 * n), dtype)[:, ::2]
    count, failed = run(text, a, b)
    return failed or alike(f"microkernel of a[{m}, {k}] and b[{k}, {n}], {a.dtype}, out full of "
                           f"sevens", product(a, b), count.arguments[2])


def _counts(text, rng, size=40, apart=1024):
    """The cases of loads, of names, and of misses."""
    from aisys_lab.chips import Cache
    a, b = (whole(rng, (size, apart), np.float32)[:, :size] for _ in range(2))
    count, failed = run(text, a, b, (Cache(32 << 10, 8),))
    if failed:
        yield failed
        return
    given = f"microkernel of {size} × {size} × {size} numbers"
    yield alike(given, product(a, b), count.arguments[2])
    loads = count.loads / size**3
    yield Case(loads <= 0.65, f"{given}: expected at most 0.65 loads for each of the {size**3} "
                             f"multiply-adds, came {loads:.3f}")
    yield Case(count.held <= 40, f"{given}: expected the names of a function to hold at most 40 "
                                 f"numbers, came {count.held}")
    misses, most = count.traffic[0].misses, a.size + b.size
    yield Case(misses <= most, f"{given}, in rows {4 * apart} bytes apart: expected at most {most} "
                               f"misses, came {misses}")
