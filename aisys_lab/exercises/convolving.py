"""What lab IV.5 asks of convolutions: windows as columns, and products of matrices."""

import ast

import numpy as np

from aisys_lab.exercises.compare import alike, named
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.exercises.texts import fenced, needed

ALLOWED = ("lab.kernels.im2col", "lab.kernels.winograd_matrices", "lab.LabError")
LIBRARY = (("conv", "correl"), "a ready-made convolution", ALLOWED)

BY_TAPS = '''
def places(n, k, s, p, d):
    return (n + 2 * p - d * (k - 1) - 1) // s + 1

def im2col(x, kernel, stride, padding, dilation):
    n, c, h, w = x.shape
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    oh, ow = places(h, kh, sh, ph, dh), places(w, kw, sw, pw, dw)
    big = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            out[:, :, i, j] = big[:, :, i * dh:, j * dw:][:, :, :sh * oh:sh, :sw * ow:sw]
    return out.reshape(n, c * kh * kw, oh * ow)
'''
BY_PIXELS = '''
def im2col(x, kernel, stride, padding, dilation):
    n, c, *sizes = x.shape
    kh, kw = kernel
    starts = [range(0, size + 2 * p - d * (k - 1), s)
              for size, k, s, p, d in zip(sizes, kernel, stride, padding, dilation)]
    columns = np.zeros((n, c * kh * kw, len(starts[0]) * len(starts[1])), dtype=x.dtype)
    for place, (top, left) in enumerate((t, u) for t in starts[0] for u in starts[1]):
        for row in range(c * kh * kw):
            channel, tap = divmod(row, kh * kw)
            h = top - padding[0] + tap // kw * dilation[0]
            w = left - padding[1] + tap % kw * dilation[1]
            if 0 <= h < sizes[0] and 0 <= w < sizes[1]:
                columns[:, row, place] = x[:, channel, h, w]
    return columns
'''
BY_WINDOWS = '''
from numpy.lib.stride_tricks import sliding_window_view

def im2col(x, kernel, stride, padding, dilation):
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    full = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    view = sliding_window_view(full, reach, axis=(2, 3))
    view = view[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]
    n, c, oh, ow, kh, kw = view.shape
    return view.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, oh * ow)
'''
WRONG_COLUMNS = edits(BY_TAPS, {
    "leaves the dilation out of the output size": ("d * (k - 1) - 1", "(k - 1) - 1"),
    "rounds the output size up": ("return (n + 2 * p - d * (k - 1) - 1) // s + 1",
                                  "return -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1"),
    "fills the padding with garbage": ("(pw, pw)))", "(pw, pw)), mode='edge')"),
    "pads one side only": ("((0, 0), (0, 0), (ph, ph), (pw, pw))",
                           "((0, 0), (0, 0), (2 * ph, 0), (2 * pw, 0))"),
    "swaps the paddings": ("(ph, ph), (pw, pw)", "(pw, pw), (ph, ph)"),
    "one stride for both axes": (":sw * ow:sw]", ":sh * ow:sh]"),
    "does not dilate": ("i * dh:, j * dw:", "i:, j:"),
    "turns the kernel round": ("out[:, :, i, j]", "out[:, :, kh - 1 - i, kw - 1 - j]"),
    "taps before channels": ("return out.reshape(", "return out.transpose(0, 2, 3, 1, 4, 5)"
                                                    ".reshape("),
    "places column by column": ("return out.reshape(", "return out.swapaxes(4, 5).reshape("),
    "the batch in the columns": (
        "return out.reshape(n, c * kh * kw, oh * ow)",
        "return out.transpose(1, 2, 3, 0, 4, 5).reshape(c * kh * kw, n * oh * ow)"),
    "a workspace of doubles": ("oh, ow), x.dtype)", "oh, ow))"),
})
AT_ONCE = '''
def conv_gemm(x, w, stride, padding, dilation, groups):
    n = x.shape[0]
    o, each, kh, kw = w.shape
    columns = lab.kernels.im2col(x, (kh, kw), stride, padding, dilation)
    columns = columns.reshape(n, groups, each * kh * kw, -1)
    rows = w.reshape(groups, o // groups, each * kh * kw)
    oh, ow = [(size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in
              zip(x.shape[2:], (kh, kw), stride, padding, dilation)]
    return (rows @ columns).reshape(n, o, oh, ow)
'''
BY_GROUPS = '''
def conv_gemm(x, w, stride, padding, dilation, groups):
    parts = []
    for mine, own in zip(np.split(x, groups, axis=1), np.split(w, groups)):
        columns = lab.kernels.im2col(mine, w.shape[2:], stride, padding, dilation)
        parts.append(np.tensordot(own.reshape(len(own), -1), columns, (1, 1)).swapaxes(0, 1))
    high = range(0, x.shape[2] + 2 * padding[0] - dilation[0] * (w.shape[2] - 1), stride[0])
    return np.concatenate(parts, axis=1).reshape(len(x), len(w), len(high), -1)
'''
BY_SHIFTS = '''
def conv_gemm(x, w, stride, padding, dilation, groups):
    """Without columns: a product a tap."""
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    n, c, high, wide = x.shape
    o, each, kh, kw = w.shape
    oh = (high + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (wide + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    out = np.zeros((n, groups, o // groups, oh * ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            seen = x[:, :, i * dh:, j * dw:][:, :, :sh * oh:sh, :sw * ow:sw]
            out += w[:, :, i, j].reshape(groups, -1, each) @ seen.reshape(n, groups, each, oh * ow)
    return out.reshape(n, o, oh, ow)
'''
WRONG_PRODUCTS = edits(AT_ONCE, {
    "every group sees the first channels": (
        "each * kh * kw, -1)", "each * kh * kw, -1)[:, :1]"),
    "groups take turns among the channels": (
        "columns = columns.reshape(n, groups, each * kh * kw, -1)",
        "columns = columns.reshape(n, each, groups, kh * kw, -1).swapaxes(1, 2)"
        ".reshape(n, groups, each * kh * kw, -1)"),
    "groups take turns among the results": (
        "(rows @ columns).reshape", "(rows @ columns).swapaxes(1, 2).reshape"),
    "the groups of the weights the other way round": ("(rows @", "(rows[::-1] @"),
    "adds the groups up": ("(rows @ columns)", "(rows @ columns).sum(1).repeat(groups, 1)"),
    "turns the kernel round": ("rows = w.reshape", "rows = w[:, :, ::-1, ::-1].reshape"),
    "transposes the result": (".reshape(n, o, oh, ow)", ".reshape(n, o, ow, oh).swapaxes(2, 3)"),
    "leaves the dilation out of the output size": ("d * (k - 1) - 1", "(k - 1) - 1"),
    "does not dilate": ("stride, padding, dilation)\n    columns", "stride, padding, (1, 1))\n    "
                                                                  "columns"),
    "the first image for all": ("(rows @ columns)", "(rows @ columns[:1]).repeat(n, 0)"),
}) | {
    "loops without a product of matrices": BY_SHIFTS.replace(
        "out += w[:, :, i, j].reshape(groups, -1, each) @ seen.reshape(n, groups, each, oh * ow)",
        "seen = seen.reshape(n, groups, each, 1, -1)\n"
        "            own = w[:, :, i, j].reshape(1, groups, -1, each, 1).swapaxes(2, 3)\n"
        "            out += (own * seen).sum(2)"),
    "calls a ready-made one": '''
def conv_gemm(x, w, stride, padding, dilation, groups):
    return np.asarray(lab.kernels.conv2d(x, w, stride=stride, padding=padding, dilation=dilation,
                                         groups=groups, layout="NCHW")) @ np.eye(1)
'''}


# ---- independent: every number of every window, one after the other

def size_of(size, kernel, stride, padding, dilation):
    """Places along an axis, by trying each."""
    return sum(start + dilation * (kernel - 1) < size + 2 * padding
               for start in range(0, size + 2 * padding, stride))


def pixel(image, h, w):
    """The channels of a pixel; outside the image, zeros."""
    inside = 0 <= h < image.shape[1] and 0 <= w < image.shape[2]
    return image[:, h, w] if inside else np.zeros(image.shape[0], image.dtype)


def windows(image, kernel, stride, padding, dilation):
    """[C, KH·KW, P] of an image [C,H,W]."""
    oh, ow = map(size_of, image.shape[1:], kernel, stride, padding, dilation)
    taps = [(i * dilation[0], j * dilation[1]) for i in range(kernel[0]) for j in range(kernel[1])]
    starts = [(a * stride[0] - padding[0], b * stride[1] - padding[1])
              for a in range(oh) for b in range(ow)]
    return np.stack([np.stack([pixel(image, h + i, w + j) for i, j in taps], 1)
                     for h, w in starts], 2), (oh, ow)


def convolved(x, w, stride, padding, dilation, groups=1):
    """[N,O,OH,OW], result by result, exact for whole numbers."""
    out = []
    for image in x:
        seen, sizes = windows(image, w.shape[2:], stride, padding, dilation)
        for o, row in enumerate(w.reshape(*w.shape[:2], -1)):
            first = o // (len(w) // groups) * w.shape[1]
            mine = seen[first:first + w.shape[1]]
            out.append(sum(row[c, t] * mine[c, t] for c, t in np.ndindex(*row.shape)))
    return np.array(out, x.dtype).reshape(len(x), len(w), *sizes)


SETTINGS = (  # kernel, stride, padding, dilation, groups
    ((3, 3), (1, 1), (0, 0), (1, 1), 1), ((3, 2), (1, 1), (1, 2), (1, 1), 2),
    ((2, 3), (2, 3), (1, 0), (1, 1), 3), ((2, 3), (1, 1), (0, 2), (3, 2), 2),
    ((3, 2), (3, 2), (2, 1), (2, 3), 2), ((1, 1), (2, 1), (0, 0), (1, 1), 1))


def drawn(rng):
    """Images with every setting: not square, with remainders; whole numbers, exact in floats."""
    more = [tuple(tuple(map(int, rng.integers(low, 4, 2))) for low in (1, 1, 0, 1)) + (2,)
            for _ in range(2)]
    for kernel, stride, padding, dilation, groups in (*SETTINGS, *more):
        sizes = [max(1, d * (k - 1) + 1 - 2 * p + s * int(rng.integers(2, 4)) + s - 1 + extra)
                 for k, s, p, d, extra in zip(kernel, stride, padding, dilation, (0, 1),
                                              strict=True)]
        shape = (2, groups * int(rng.integers(2, 4)), *sizes)
        yield whole(rng, shape), kernel, stride, padding, dilation, groups


def whole(rng, shape, dtype=None):
    """Whole numbers without zeros, as floats of either width."""
    dtype = dtype or (np.float32, np.float64)[int(rng.integers(2))]
    return (rng.integers(1, 10, shape) * rng.choice([-1, 1], shape)).astype(dtype)


def told(name, x, kernel, stride, padding, dilation):
    return (f"{name} of x{list(x.shape)}, kernel {kernel}, stride {stride}, padding {padding}, "
            f"dilation {dilation}")


@exercise("kernels.im2col", code="IV.5-A", points=6, mutants=WRONG_COLUMNS,
          different={"by taps": BY_TAPS, "by pixels": BY_PIXELS, "by windows": BY_WINDOWS},
          hides=("kernels.lessons.im2col:im2col", "kernels.lessons.im2col:places",
                 "kernels.lessons.im2col:places_of", "kernels.lessons.im2col:conv_gemm"))
def im2col(answer, rng):
    """im2col(x, kernel, stride, padding, dilation) lays the windows of x[N,C,H,W] side by side as
    columns[N, C·KH·KW, OH·OW], in the dtype of x. All settings are pairs, for height and width.
    The window of place (a, b) begins at row a·stride - padding, and its taps are dilation apart;
    outside the image is zero. OH is the number of places where all taps fit into the image with
    padding rows of zeros on both sides: (H + 2·padding - dilation·(KH - 1) - 1) // stride + 1.
    Row (c·KH + i)·KW + j of the columns holds channel c at tap (i, j); column a·OW + b is place
    (a, b). No name with conv in it may come from elsewhere."""
    for refused in fenced(answer, *LIBRARY):
        yield refused
        return
    for x, *setting, _ in drawn(rng):
        given = told("im2col", x, *setting)
        want = np.stack([windows(image, *setting)[0] for image in x])
        want = want.reshape(len(x), -1, want.shape[-1])
        came = answer(x, *setting)
        size = getattr(came, "nbytes", 0)
        yield Case(size == want.nbytes, f"{given}: expected a workspace of {want.nbytes} bytes, "
                                        f"{named(want)}, came {size} bytes")
        case = alike(given, want, came)
        yield case
        if not case.ok:
            return


@exercise("kernels.conv_gemm", code="IV.5-A", points=6, needs=("kernels.im2col",),
          mutants=WRONG_PRODUCTS, different={"all groups at once": AT_ONCE,
                                             "group by group": BY_GROUPS,
                                             "a product a tap": BY_SHIFTS},
          hides=("kernels.lessons.im2col:conv_gemm",))
def conv_gemm(answer, rng):
    """conv_gemm(x, w, stride, padding, dilation, groups) convolves x[N,C,H,W] with
    w[O,C/groups,KH,KW] and gives out[N,O,OH,OW] in the dtype of x, by matrix products (@, dot or
    tensordot). The kernel is not turned round. Channels are cut into groups in their order: the
    first O/groups results see the first C/groups channels, and so on. stride, padding and dilation
    are pairs; lab.kernels.im2col(x, kernel, stride, padding, dilation) gives the columns. No other
    name with conv in it may come from elsewhere."""
    for refused in fenced(answer, *LIBRARY):
        yield refused
        return
    for x, *setting, groups in drawn(rng):
        o, (kernel, *others) = groups * int(rng.integers(1, 4)), setting
        w = whole(rng, (o, x.shape[1] // groups, *kernel), x.dtype)
        given = f"{told('conv_gemm', x, *setting)}, groups {groups}, w{list(w.shape)}"
        case = alike(given, convolved(x, w, *others, groups), answer(x, w, *others, groups))
        yield case
        if not case.ok:
            return
    yield Case(multiplies(needed(answer, "conv_gemm")), f"conv_gemm: expected a product of "
               f"matrices (@, {', '.join(PRODUCTS)}), came none")


PRODUCTS = ("matmul", "dot", "tensordot", "einsum")


def multiplies(text):
    """Whether a text has a product of matrices."""
    return any(isinstance(node, ast.MatMult)
               or getattr(node, "attr", getattr(node, "id", "")) in PRODUCTS
               for node in ast.walk(ast.parse(text)))
