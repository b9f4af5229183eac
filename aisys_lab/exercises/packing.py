"""What lab IV.5 asks of layouts: channels in fours."""

import numpy as np

from aisys_lab.exercises.compare import alike, named
from aisys_lab.exercises.convolving import whole
from aisys_lab.exercises.declare import Case, edits, exercise

BY_CHANNELS = '''
def pack_nc4hw4(x):
    n, c, h, w = x.shape
    packed = np.zeros((n, (c + 3) // 4, h, w, 4), x.dtype)
    for k in range(c):
        packed[:, k // 4, :, :, k % 4] = x[:, k]
    return packed
'''
BY_TRANSPOSE = '''
def pack_nc4hw4(x):
    n, c, h, w = x.shape
    full = np.pad(x, ((0, 0), (0, -c % 4), (0, 0), (0, 0)))
    fours = full.reshape(n, -(-c // 4), 4, h, w) if c else full.reshape(n, 0, 4, h, w)
    return np.ascontiguousarray(np.moveaxis(fours, 2, 4))
'''
WRONG_PACKS = edits(BY_CHANNELS, {
    "the last channels are not set to zero": (
        "np.zeros((n, (c + 3) // 4, h, w, 4), x.dtype)",
        "np.full((n, (c + 3) // 4, h, w, 4), 77, x.dtype)"),
    "the last channels again instead of zeros": ("    return packed",
                                                 "    for k in range(c, (c + 3) // 4 * 4):\n"
                                                 "        packed[:, k // 4, :, :, k % 4] = "
                                                 "x[:, c - 1]\n    return packed"),
    "leaves out a last block that is not full": ("(c + 3) // 4, h", "c // 4, h",
                                                 "range(c)", "range(c // 4 * 4)"),
    "a block more than there is": ("(c + 3) // 4, h", "c // 4 + 1, h"),
    "channels four apart": ("k // 4, :, :, k % 4", "k % ((c + 3) // 4), :, :, k // ((c + 3) // 4)"),
    "always in doubles": ("4), x.dtype)", "4))"),
    "rows and columns change places": ("(c + 3) // 4, h, w, 4", "(c + 3) // 4, w, h, 4",
                                       "= x[:, k]", "= x[:, k].swapaxes(1, 2)"),
}) | edits(BY_TRANSPOSE, {
    "the new axes on the old memory": ("np.ascontiguousarray(np.moveaxis(fours, 2, 4))",
                                       "np.moveaxis(fours, 2, 4)"),
    "blocks of channels behind one another": ("np.moveaxis(fours, 2, 4)",
                                              "fours.reshape(n, -1, h, w, 4)"),
})


@exercise("kernels.pack_nc4hw4", code="IV.5-C", points=4, driver="layout", mutants=WRONG_PACKS,
          different={"channel by channel": BY_CHANNELS, "by a transpose": BY_TRANSPOSE},
          hides=("kernels.lessons.indirect:pack_nc4hw4",))
def pack_nc4hw4(answer, rng):
    """pack_nc4hw4(x) lays x[N,C,H,W] out as packed[N, ceil(C/4), H, W, 4], in the dtype of x:
    channel c of a pixel is packed[n, c // 4, h, w, c % 4]. Where C is not a multiple of four, the
    channels that are missing in the last block are zero. In memory the four numbers of a pixel lie
    side by side and the last axis runs fastest, so make a new array, not a view."""
    for shape in PACKED:
        for dtype in (np.float32, np.int8):
            x = whole(rng, shape, dtype)
            packed, steps = answer(x)
            given = f"pack_nc4hw4 of {named(x)}"
            case = alike(given, packed_by_index(x), packed)
            yield case
            if not case.ok:
                return
            back = np.stack([packed[:, k // 4, :, :, k % 4] for k in range(shape[1])], 1)
            yield alike(f"{given}, and back", x, back)
            yield _dense(given, packed, steps)


PACKED = ((1, 4, 2, 3), (2, 6, 3, 2), (1, 1, 2, 2), (2, 9, 1, 4), (1, 3, 5, 1), (3, 8, 2, 2))


def packed_by_index(x):
    """Every number at its place, one after another."""
    n, c, h, w = x.shape
    packed = np.zeros((n, -(-c // 4), h, w, 4), x.dtype)
    for i, k, row, column in np.ndindex(*x.shape):
        packed[i, k // 4, row, column, k % 4] = x[i, k, row, column]
    return packed


def _dense(given, packed, steps):
    """The case that neighbours along the last axis are neighbours in memory, and so on."""
    want = [int(np.prod(packed.shape[axis + 1:])) for axis in range(packed.ndim)]
    wrong = any(n > 1 and a != b for n, a, b in zip(packed.shape, want, steps, strict=True))
    return Case(not wrong, f"{given}: expected in memory steps of {want} from neighbour to "
                           f"neighbour along the axes, came {steps}")
