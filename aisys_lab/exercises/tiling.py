"""What lab IV.5 asks of Winograd's convolution: tiles that overlap, and fewer products."""

from fractions import Fraction

import numpy as np

from aisys_lab.exercises.compare import alike
from aisys_lab.exercises.convolving import LIBRARY, convolved
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.exercises.texts import fenced

ALL_TILES = '''
def winograd(x, w, m):
    r = w.shape[3]
    at, g, bt = [np.array(a, dtype=x.dtype) for a in lab.kernels.winograd_matrices(m, r)]
    n, c, h, wide = x.shape
    rows, columns = -(-(h - r + 1) // m), -(-(wide - r + 1) // m)
    x = np.pad(x, ((0, 0), (0, 0), (0, rows * m + r - 1 - h), (0, columns * m + r - 1 - wide)))
    out = np.zeros((n, len(w), rows * m, columns * m), x.dtype)
    u = g @ w @ g.T
    for i in range(0, rows * m, m):
        for j in range(0, columns * m, m):
            v = bt @ x[:, :, i:i + m + r - 1, j:j + m + r - 1] @ bt.T
            summed = (u[None] * v[:, None]).sum(axis=2)
            out[:, :, i:i + m, j:j + m] = at @ summed @ at.T
    return out[:, :, :h - r + 1, :wide - r + 1]
'''
SHIFTED = '''
def winograd(x, w, m):
    """The last tiles end at the edge and do some results twice; no zeros are added where they fit.
    """
    o, c, r, _ = w.shape
    at, g, bt = (np.array(a, x.dtype) for a in lab.kernels.winograd_matrices(m, r))
    high, wide = x.shape[2] - r + 1, x.shape[3] - r + 1
    grow = [(0, 0), (0, 0), (0, max(m - high, 0)), (0, max(m - wide, 0))]
    x = np.pad(x, grow)
    out = np.zeros((len(x), o, max(high, m), max(wide, m)), x.dtype)
    u = np.array([[g @ w[k, l] @ g.T for l in range(c)] for k in range(o)])
    for b in range(len(x)):
        for i in {min(i, max(high - m, 0)) for i in range(0, high, m)}:
            for j in {min(j, max(wide - m, 0)) for j in range(0, wide, m)}:
                v = [bt @ x[b, l, i:i + m + r - 1, j:j + m + r - 1] @ bt.T for l in range(c)]
                for k in range(o):
                    total = sum(u[k, l] * v[l] for l in range(c))
                    out[b, k, i:i + m, j:j + m] = at @ total @ at.T
    return out[:, :, :high, :wide]
'''
WRONG_TILES = edits(ALL_TILES, {
    "the transforms the wrong way round": ("bt @ x[:, :, i:i + m + r - 1, j:j + m + r - 1] @ bt.T",
                                           "bt.T @ x[:, :, i:i + m + r - 1, j:j + m + r - 1] @ bt"),
    "tiles do not overlap": ("x[:, :, i:i + m + r - 1, j:j + m + r - 1]",
                             "np.pad(x, ((0, 0), (0, 0), (0, 9 * r), (0, 9 * r)))[:, :, "
                             "i // m * (m + r - 1):, j // m * (m + r - 1):]"
                             "[:, :, :m + r - 1, :m + r - 1]"),
    "tiles overlap by one too many": ("x[:, :, i:i + m + r - 1, j:j + m + r - 1]",
                                      "x[:, :, i - i // m:, j - j // m:]"
                                      "[:, :, :m + r - 1, :m + r - 1]"),
    "leaves the ragged edge out": ("rows, columns = -(-(h - r + 1) // m), -(-(wide - r + 1) // m)",
                                   "rows, columns = (h - r + 1) // m, (wide - r + 1) // m",
                                   "return out[:, :, :h - r + 1, :wide - r + 1]",
                                   "out = np.pad(out, ((0, 0), (0, 0), (0, m), (0, m)))\n"
                                   "    return out[:, :, :h - r + 1, :wide - r + 1]",
                                   "(0, rows * m + r - 1 - h), (0, columns * m + r - 1 - wide)",
                                   "(0, 0), (0, 0)"),
    "returns the zeros behind the edge too": (
        "return out[:, :, :h - r + 1, :wide - r + 1]", "return out"),
    "turns the kernel round": ("g @ w @ g.T", "g @ w[:, :, ::-1, ::-1] @ g.T"),
    "transforms the rows of the kernel only": ("g @ w @ g.T", "g @ w @ np.abs(g).T"),
    "sums no channels": ("(u[None] * v[:, None]).sum(axis=2)", "u[:, 0] * v[:, :1]"),
    "multiplies the transforms as matrices": ("(u[None] * v[:, None])", "(u[None] @ v[:, None])"),
    "the first image for all": ("summed = (u[None] * v[:, None]).sum(axis=2)",
                                "summed = (u[None] * v[:1, None]).sum(axis=2)"),
    "works in double precision": ("r = w.shape[3]", "r, kept, x = w.shape[3], x.dtype, x + "
                                  "np.zeros(1, 'O' if x.dtype == object else float)",
                                  "return out[:, :, :h - r + 1, :wide - r + 1]",
                                  "return out[:, :, :h - r + 1, :wide - r + 1].astype(kept)"),
}) | {
    "a direct convolution": '''
def winograd(x, w, m):
    r = w.shape[3]
    h, wide = x.shape[2] - r + 1, x.shape[3] - r + 1
    out = np.zeros((len(x), len(w), h, wide), x.dtype)
    for i in range(r):
        for j in range(r):
            seen = x[:, None, :, i:i + h, j:j + wide]
            out = out + (w[None, :, :, i, j, None, None] * seen).sum(2)
    return out
''',
    "Winograd along the rows only": '''
def winograd(x, w, m):
    r = w.shape[3]
    at, g, bt = [np.array(a, dtype=x.dtype) for a in lab.kernels.winograd_matrices(m, r)]
    h, wide = x.shape[2] - r + 1, x.shape[3] - r + 1
    columns = -(-wide // m)
    x = np.pad(x, ((0, 0), (0, 0), (0, 0), (0, columns * m - wide)))
    out = np.zeros((len(x), len(w), h, columns * m), x.dtype)
    u = w @ g.T
    for j in range(0, wide, m):
        for i in range(r):
            v = x[:, :, i:i + h, j:j + m + r - 1] @ bt.T
            out[..., j:j + m] += (u[None, :, :, i, None] * v[:, None]).sum(2) @ at.T
    return out[..., :wide]
'''}


@exercise("kernels.winograd", code="IV.5-B", points=10, driver="symbols", seconds=30.0,
          needs=("kernels.winograd_matrices",), mutants=WRONG_TILES,
          different={"tile after tile": ALL_TILES, "tiles that end at the edge": SHIFTED},
          hides=("kernels.lessons.winograd:winograd", "kernels.lessons.winograd:tiles",
                 "kernels.lessons.winograd:joined", "kernels.lessons.im2col:conv_gemm",
                 "kernels.lessons.indirect:indirect_conv"))
def winograd(answer, rng):
    """winograd(x, w, m) convolves x[N,C,H,W] with w[O,C,R,R], stride 1 and no padding, and gives
    [N,O,H-R+1,W-R+1], in the dtype of x and computed in it. lab.kernels.winograd_matrices(m, R) is
    (A^T, G, B^T). A tile of m × m results is A^T [sum over c of (G w G^T) * (B^T d B)] A, where d
    is the tile of m + R - 1 rows and columns of x that it reads; tiles of x overlap by R - 1. H and
    W are any that hold the kernel, so the last tiles may be ragged: fill x up with zeros, and cut
    the result. The judge also runs it on arrays of objects that know + - * only, writes down every
    operation, and counts the products of two numbers that come from x and w: at most (m + R - 1)²
    for each tile, channel and result; what is multiplied by a constant is not counted. So make
    arrays with x.dtype, also those of the three matrices. In float32 the error grows from m = 2 to
    4 to 6."""
    for refused in fenced(answer, *LIBRARY):
        yield refused
        return
    for m, r, n, c, o, h, w in SHAPES:
        x, weights = rng.standard_normal((n, c, h, w)), rng.standard_normal((o, c, r, r))
        want = convolved(x, weights, (1, 1), (0, 0), (1, 1))
        given = f"winograd of x{list(x.shape)}, w{list(weights.shape)}, m = {m}"
        case = alike(given, want, answer("result", x, weights, m), 1e-8)
        yield case
        if not case.ok:
            return
    for m, shape, weights in ((2, (1, 2, 6, 5), (2, 2, 3, 3)), (2, (1, 1, 4, 4), (1, 1, 3, 3)),
                              (4, (1, 2, 7, 6), (1, 2, 3, 3))):
        yield from _program(answer, rng, m, shape, weights)
    yield _errors(answer, rng)


SHAPES = (  # m, r, images, channels, results, height, width
    (2, 3, 2, 3, 4, 8, 10), (2, 3, 1, 2, 2, 7, 6), (4, 3, 1, 2, 3, 11, 9), (3, 2, 2, 1, 2, 6, 9),
    (6, 3, 1, 2, 1, 5, 14), (2, 5, 1, 1, 2, 9, 8), (4, 3, 2, 2, 2, 3, 4))


# ---- what it does, operation by operation

def _program(answer, rng, m, x, w):
    """The program that the answer is: right on whole numbers, and with few products."""
    given = f"winograd of objects x{list(x)}, w{list(w)}, m = {m}"
    lines, shape, outputs = answer("program", x, w, m)
    values = [int(v) for v in rng.integers(-9, 10, int(np.prod(x)) + int(np.prod(w)))]
    data = np.array(values[:int(np.prod(x))], float).reshape(x)
    weights = np.array(values[int(np.prod(x)):], float).reshape(w)
    want = convolved(data, weights, (1, 1), (0, 0), (1, 1))
    came, products = evaluated(lines, values)
    right = tuple(shape) == want.shape and all(
        line is not None and abs(came[line] - int(v)) < Fraction(1, 10**6)
        for line, v in zip(outputs, want.flat, strict=True))
    yield Case(right, f"{given}: expected the convolution, came something else")
    each = -(-want.shape[2] // m) * -(-want.shape[3] // m) * w[0] * w[1] * x[0]
    most, direct = each * (m + 2)**2, want.size * w[1] * 9
    yield Case(products <= most, f"{given}: expected at most {most} products of numbers that come "
                                 f"from x and w (a direct one has {direct}), came {products}")


def evaluated(lines, values):
    """The value of every line, exactly; how many products have two factors that are no constants.
    """
    found, moving, products = [], [], 0
    for op, *parts in lines:
        if op in ("x", "c"):
            found.append(Fraction(values[len(found)]) if op == "x" else Fraction(*parts))
            moving.append(op == "x")
            continue
        a, b = parts
        if not (0 <= a < len(found) and 0 <= b < len(found)):
            raise ValueError("a line reads a later one")
        products += op == "*" and moving[a] and moving[b]
        found.append(OPERATIONS[op](found[a], found[b]))
        moving.append(moving[a] or moving[b])
    return found, products


OPERATIONS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}


def _errors(answer, rng):
    """The property that larger tiles are less exact in single precision."""
    x = rng.standard_normal((2, 6, 26, 26)).astype(np.float32)
    w = rng.standard_normal((4, 6, 3, 3)).astype(np.float32)
    want = np.zeros((2, 4, 24, 24))
    for i, j in np.ndindex(3, 3):
        seen = x[:, :, i:i + 24, j:j + 24].astype(float).reshape(2, 6, -1)
        want += (w[:, :, i, j].astype(float) @ seen).reshape(want.shape)
    errors = [float(np.abs(answer("result", x, w, m) - want).mean()) for m in (2, 4, 6)]
    said = " < ".join(f"{error:.2g}" for error in errors)
    return Case(0 < errors[0] < errors[1] < errors[2] < 1e-3,
                f"mean errors in float32 of m = 2, 4, 6: expected them to grow, came {said}")
