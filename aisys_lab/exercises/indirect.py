"""What lab IV.5 asks of the indirect convolution: a table of pointers, and no copy of a pixel."""

import ast

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.exercises.compare import alike
from aisys_lab.exercises.convolving import drawn, whole
from aisys_lab.exercises.declare import Case, brief, edits, exercise
from aisys_lab.exercises.texts import needed

BY_PLACES = '''
def indirect_table(sizes, kernel, stride, padding, dilation):
    (height, width), (kh, kw) = sizes, kernel
    oh = (height + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (width + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    table = np.full((oh * ow, kh * kw), height * width)
    for p in range(oh * ow):
        for t in range(kh * kw):
            h = p // ow * stride[0] - padding[0] + t // kw * dilation[0]
            w = p % ow * stride[1] - padding[1] + t % kw * dilation[1]
            if 0 <= h < height and 0 <= w < width:
                table[p, t] = h * width + w
    return table
'''
BY_NUMBERS = '''
def indirect_table(sizes, kernel, stride, padding, dilation):
    """The windows of an image that holds its row numbers, from one on."""
    rows = np.arange(sizes[0] * sizes[1]).reshape(1, 1, *sizes) + 1
    columns = lab.kernels.im2col(rows, kernel, stride, padding, dilation)[0].T
    return np.where(columns == 0, sizes[0] * sizes[1], columns - 1)
'''
WRONG_TABLES = edits(BY_PLACES, {
    "leaves the dilation out": ("t // kw * dilation[0]", "t // kw",
                                "t % kw * dilation[1]", "t % kw"),
    "leaves the dilation out of the output size": ("dilation[0] * (kh - 1) - 1", "(kh - 1) - 1"),
    "rows as long as the output's": ("h * width + w\n", "h * ow + w\n"),
    "the left edge goes on in the row above": ("0 <= h < height and 0 <= w < width",
                                               "0 <= h * width + w < height * width"),
    "one stride for both axes": ("p % ow * stride[1]", "p % ow * stride[0]"),
    "minus one for outside": ("np.full((oh * ow, kh * kw), height * width)",
                              "np.full((oh * ow, kh * kw), -1)"),
    "the first pixel for outside": ("np.full((oh * ow, kh * kw), height * width)",
                                    "np.zeros((oh * ow, kh * kw), int)"),
    "swaps the paddings": ("stride[0] - padding[0]", "stride[0] - padding[1]",
                           "stride[1] - padding[1]", "stride[1] - padding[0]"),
    "turns the kernel round": ("table[p, t]", "table[p, -1 - t]"),
    "taps in rows, places in columns": ("return table", "return table.T"),
    "a table of the first place alone": ("return table", "return np.repeat(table[:1], oh * ow, 0)"),
})


@exercise("kernels.indirect_table", code="IV.5-C", points=4, needs=("kernels.im2col",),
          mutants=WRONG_TABLES, different={"place by place": BY_PLACES,
                                           "row numbers as an image": BY_NUMBERS},
          hides=("kernels.lessons.indirect:indirect_table", "kernels.lessons.indirect:touched"))
def indirect_table(answer, rng):
    """indirect_table(sizes, kernel, stride, padding, dilation), all of them pairs, gives whole
    numbers table[OH·OW, KH·KW], the pointers of an indirect convolution: for place p = a·OW + b and
    tap t = i·KW + j the row of its pixel, h·W + w in an image of sizes (H, W). Where the tap is
    outside the image the table says H·W, the row behind the last one. Places and taps are those of
    im2col: h = a·stride - padding + i·dilation, and w likewise."""
    for x, *setting, _ in drawn(rng):
        case = _pointers(x.shape[2:], setting, answer(x.shape[2:], *setting))
        yield case
        if not case.ok:
            return


def _pointers(sizes, setting, came):
    given = (f"indirect_table of sizes {sizes}, kernel {setting[0]}, stride {setting[1]}, padding "
             f"{setting[2]}, dilation {setting[3]}")
    if not isinstance(came, np.ndarray) or came.dtype.kind not in "iu":
        return Case(False, f"{given}: expected an array of whole numbers, came {brief(came)}")
    want = pointers(sizes, *setting)
    return alike(given, want, came.astype(want.dtype))


def pointers(sizes, kernel, stride, padding, dilation):
    """The table, place by place and tap by tap, from an image with its margin around it."""
    margin = np.full((sizes[0] + 2 * padding[0], sizes[1] + 2 * padding[1]), sizes[0] * sizes[1])
    for h, w in np.ndindex(*sizes):
        margin[h + padding[0], w + padding[1]] = h * sizes[1] + w
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return np.array([[margin[h + i * dilation[0], w + j * dilation[1]]
                      for i in range(kernel[0]) for j in range(kernel[1])]
                     for h in range(0, margin.shape[0] - reach[0], stride[0])
                     for w in range(0, margin.shape[1] - reach[1], stride[1])])


LOOPS = '''
def indirect_conv(x, zero, table, w):
    rows = x.shape[0]
    out = np.empty((table.shape[0], w.shape[0]), x.dtype)
    for p in range(table.shape[0]):
        for o in range(w.shape[0]):
            total = 0.0
            for t in range(table.shape[1]):
                at = table[p, t]
                for c in range(x.shape[1]):
                    total += (x[at, c] if at < rows else zero[c]) * w[o, t, c]
            out[p, o] = total
    return out
'''
BY_RESULTS = '''
def dot(row, taps):
    total = 0.0
    for c in range(len(row)):
        total += row[c] * taps[c]
    return total

def indirect_conv(x, zero, table, w):
    places, taps = table.shape
    out = np.zeros((places, len(w)), x.dtype)
    for o in range(len(w)):
        for p in range(places):
            total = 0.0
            for t in range(taps):
                if table[p, t] == len(x):
                    total += dot(zero, w[o, t])
                else:
                    total += dot(x[table[p, t]], w[o, t])
            out[p, o] = total
    return out
'''
WRONG_POINTERS = edits(LOOPS, {
    "pointers of the first place, moved on": ("at = table[p, t]",
                                              "at = table[0, t] + p\n                "
                                              "at = at if at < rows else rows"),
    "pointers of the place before": ("at = table[p, t]", "at = table[p - 1, t]"),
    "skips what is outside": ("(x[at, c] if at < rows else zero[c]) * w[o, t, c]",
                              "(x[at, c] if at < rows else 0.0) * w[o, t, c]"),
    "a place outside is the last pixel": ("at = table[p, t]", "at = min(table[p, t], rows - 1)"),
    "turns the kernel round": ("* w[o, t, c]", "* w[o, table.shape[1] - 1 - t, c]"),
    "one channel too few": ("range(x.shape[1])", "range(x.shape[1] - 1)"),
    "adds to the place before": ("            total = 0.0\n", "",
                                 "    for p in range(table.shape[0]):\n",
                                 "    for p in range(table.shape[0]):\n        total = 0.0\n"),
    "copies the window of every place": (
        "        for o in range(w.shape[0]):\n",
        "        window = np.empty((table.shape[1], x.shape[1]), x.dtype)\n"
        "        for t in range(table.shape[1]):\n"
        "            for c in range(x.shape[1]):\n"
        "                window[t, c] = x[table[p, t], c] if table[p, t] < rows else zero[c]\n"
        "        for o in range(w.shape[0]):\n",
        "(x[at, c] if at < rows else zero[c])", "window[t, c]"),
    "copies the image and the row of zeros first": (
        "    rows = x.shape[0]\n",
        "    rows = x.shape[0]\n    full = np.empty((rows + 1, x.shape[1]), x.dtype)\n"
        "    full[:rows] = x\n    full[rows] = zero\n",
        "(x[at, c] if at < rows else zero[c])", "full[at, c]"),
}) | {
    "gathers whole rows with NumPy": '''
def indirect_conv(x, zero, table, w):
    rows = np.concatenate([x, zero[None]])
    return np.einsum("ptc,otc->po", rows[table], w)
''',
    "a table of pointers that still name the first image": """
SEEN = {}

def indirect_conv(x, zero, table, w):
    x = SEEN.setdefault(table.tobytes(), x)
""" + LOOPS[LOOPS.index("    rows"):],
}


@exercise("kernels.indirect_conv", code="IV.5-C", points=6, mutants=WRONG_POINTERS, seconds=30.0,
          different={"place by place": LOOPS, "result by result": BY_RESULTS},
          hides=("kernels.lessons.indirect:indirect_conv", "kernels.lessons.im2col:conv_gemm"))
def indirect_conv(answer, rng):
    """indirect_conv(x, zero, table, w) convolves through pointers. x[H·W, C] holds the pixels, a
    row of channels each; table[P, T] says for each place and tap which row is meant; row H·W,
    behind the last one, is zero[C], which need not hold zeros (quantised data have a zero point).
    With w[O, T, C] it gives out[P, O] in the dtype of x: for each place and result the sum over
    taps and channels of w times the row. Write it in loops over numbers, out made by np.empty or
    np.zeros: the judge runs the text itself and counts. No pixel is copied: nothing is written but
    out, once (and zeros before). The same table serves for other images, and every pointer is
    followed, wherever it points."""
    for x, *setting, _ in drawn(rng):
        rows = x.shape[2] * x.shape[3]
        for case in _through(answer, rng, pointers(x.shape[2:], *setting), rows, x.shape[1]):
            yield case
            if not case.ok:
                return
    yield from _counted(answer, rng)


def _through(answer, rng, table, rows, channels):
    """The cases of two images on one table, and of a table whose pointers were shuffled."""
    shuffled = rng.integers(0, rows + 1, table.shape)
    for words, used in (("an image", table), ("another image", table),
                        ("pointers anywhere", shuffled)):
        x, zero = whole(rng, (rows, channels), np.float64), whole(rng, (channels,), np.float64)
        w = whole(rng, (2, table.shape[1], channels), np.float64)
        given = f"indirect_conv of x{list(x.shape)}, table{list(table.shape)}, {words}"
        yield alike(given, gathered(x, zero, used, w), answer(x, zero, used, w))


def gathered(x, zero, table, w):
    """By copies of all windows: exact, as numbers are whole."""
    rows = np.concatenate([x, zero[None]])
    return np.array([[np.sum(rows[places] * taps) for taps in w] for places in table])


def _counted(answer, rng):
    """The cases of the text, run by the judge: what it writes, how often it reads a pointer."""
    from aisys_lab.chips import count_source
    setting = ((6, 7), (3, 3), (2, 2), (1, 1), (1, 1))
    table, channels, results = pointers(*setting), 8, 3
    x, zero = whole(rng, (42, channels), np.float32), whole(rng, (channels,), np.float32)
    w = whole(rng, (results, table.shape[1], channels), np.float32)
    given = f"indirect_conv of x{list(x.shape)}, table{list(table.shape)}, w{list(w.shape)}"
    text = needed(answer, "indirect_conv")
    try:
        count = count_source(text, "indirect_conv", x, zero, table, w)
    except LabError as error:
        yield Case(False, f"{given}, counted: {error}")
        return
    yield alike(f"{given}, counted", gathered(x, zero, table, w).astype(x.dtype), count.result)
    places = len(table)
    yield Case(count.stores <= 2 * places * results,
               f"{given}: expected at most {places * results} results and as many zeros to be "
               f"written, and no pixel, came {count.stores} numbers")
    read = {row.name: row.loads for row in count.arrays}.get(parameters(text)[2], 0)
    most = 2 * table.size * results
    yield Case(table.size <= read <= most, f"{given}: expected every pointer to be read, "
               f"{table.size} to {most} in all, came {read}")


def parameters(text, name="indirect_conv"):
    """The names of a function's parameters."""
    node = next(n for n in ast.parse(text).body if getattr(n, "name", "") == name)
    return [arg.arg for arg in node.args.args]
