"""Direct convolution: the register tile runs over pixels of a padded image, channels last.

    for a few images, which are padded (and turned, if their channels come first)
        for a block of pixels of the result
            for a panel of channels out: tiles (``conv.pixels``), which are turned back

Implicit matrix product: the tile is that of a product of columns with weights, but nothing is ever
copied into columns. (Georganas et al. 2018, Anatomy of High-Performance Deep Learning
Convolutions on SIMD Architectures; ONNX Runtime and oneDNN also turn images that come with
channels first.)
"""

from functools import lru_cache

import numpy as np
from numba import prange

from aisys_lab.kernels.block import ROWS, VECTORS
from aisys_lab.kernels.conv.algorithm import Algorithm, ends_of, launch, panel_bias
from aisys_lab.kernels.conv.images import (
    BACK,
    CHANNELS,
    IMAGE_COLUMNS,
    IMAGE_LINES,
    LINES,
    MORE,
    OUT,
    OUT_COLUMNS,
    OUT_LINES,
    TOGETHER,
    common_sizes,
    fill,
    share,
    turn,
)
from aisys_lab.kernels.conv.pixels import HIGH, tiles, tiles_narrow
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry, part
from aisys_lab.kernels.moves import aligned, blank, copy_rows, pack
from aisys_lab.kernels.packed import whole
from aisys_lab.kernels.threads import threads
from aisys_lab.kernels.vector import keep, lanes, offset, pointer

GROUPS, LENGTH, COPIED, STEP, REACH = range(MORE, MORE + 5)
NEAR = 1024  # pixels of the result that small images give together: tiles go on over the ends
BLOCK = 32 * ROWS  # pixels of a block: a panel's results of them stay in the first cache


# ---- tables of a geometry

@lru_cache(64)
def layout_of(g):
    """``(sizes, pixels, runs)``: where the first window of each pixel begins, and how far on its
    runs lie, in numbers of the padded images.

    Sizes of its own: groups, numbers of a run, whether images are copied, lines from window to
    window, and lines of a window.
    """
    (high, wide), c, images = g.padded, g.channels, together(g)
    rows, columns = (s * np.arange(n) for s, n in zip(g.stride, g.places, strict=True))
    pixels = (rows[:, None] * wide + columns).ravel() * c
    pixels = (np.arange(images)[:, None] * high * wide * c + pixels).ravel()
    pixels = np.pad(pixels, (0, HIGH), mode="edge")
    down, along = (d * np.arange(n) for d, n in zip(g.dilation, g.window, strict=True))
    lines = g.groups == 1 and g.dilation[1] == 1
    runs = down * wide * c if lines else (down[:, None] * wide + along).ravel() * c
    length = c // g.groups * (g.window[1] if lines else 1)
    sizes = [*common_sizes(g, g.padded, images), g.groups, length, copied(g), g.stride[0],
             down[-1] + 1]
    return np.array(sizes), pixels, runs


@part
def reach(at, last):
    """How many lines of padded images the windows of the first ``last`` pixels meet."""
    row = (last - 1) // at[OUT_COLUMNS]
    return row // at[OUT_LINES] * at[LINES] + row % at[OUT_LINES] * at[STEP] + at[REACH]


def together(g):
    """How many images are padded and computed at a time."""
    return max(1, min(g.batch, NEAR // (g.places[0] * g.places[1])))


def copied(g):
    """Whether images are not yet as windows meet them."""
    return g.padded != g.image or (g.layout == "NCHW" and g.channels > 1)


# ---- weights

@entry
def panels_of(w, groups):
    """The panels of w[taps · C / groups, O]: group by group, a tile wide, filled up with zeros."""
    depth, out = w.shape
    p, each = pointer(w), out // groups
    wide = VECTORS * lanes(p)
    one = depth * whole(each, wide)
    panels = aligned(groups * one, w)
    for g in range(groups):
        pack(offset(p, g * each), 1, out, each, depth, wide, offset(pointer(panels), g * one))
    return panels


@entry
def panels_turned(w, groups, taps):
    """The same panels of w[O, C / groups · taps]: lines come in the order of channels, and go into
    that of taps."""
    out, depth = w.shape
    p, each, channels = pointer(w), out // groups, depth // taps
    wide = VECTORS * lanes(p)
    one = depth * whole(each, wide)
    panels, room = aligned(groups * one, w), np.empty(depth * wide, w.dtype)
    for g in range(groups):
        for j in range(0, each, wide):
            pack(offset(p, (g * each + j) * depth), depth, 1, min(wide, each - j), depth, wide,
                 pointer(room))
            for t in range(taps):
                copy_rows(offset(pointer(room), t * wide), taps * wide, channels, wide,
                          offset(pointer(panels), g * one + j * depth + t * channels * wide), wide)
    keep(room)
    return panels


# ---- tiles, block by block

@part
def place(x, at, pixels, runs, panels, bias, ends, c, first, last, room):
    """Pixels ``first`` to ``last - 1`` of all channels: group by group, panel by panel."""
    out, places, back = at[OUT], at[OUT_LINES] * at[OUT_COLUMNS], at[BACK]
    each, depth, wide = out // at[GROUPS], runs.size * at[LENGTH], VECTORS * lanes(x)
    for g in range(at[GROUPS]):
        here, before = offset(x, g * (at[CHANNELS] // at[GROUPS])), g * whole(each, wide)
        for j in range(0, each, wide):
            some, panel = min(wide, each - j), offset(panels, (before + j) * depth)
            to, ldc, end, count = offset(c, g * each + j), out, last, some
            narrow = some <= lanes(x)
            if back:  # whole tiles, side by side
                end = first + whole(last - first, HIGH if narrow else ROWS)
                to, ldc, count = offset(room, -first * wide), wide, lanes(x) if narrow else wide
            if narrow:
                tiles_narrow(here, pixels, first, end, pointer(runs), runs.size, at[LENGTH], panel,
                             offset(bias, before + j), ends, to, ldc, count, room)
            else:
                tiles(here, pixels, first, end, pointer(runs), runs.size, at[LENGTH], panel,
                      offset(bias, before + j), ends, to, ldc, count, room)
            if back:
                turn(room, wide, first, last, some, places, out,
                     offset(c, (g * each + j) * places))


@part
def images_from(n, x, at, out):
    """``(where image n begins, where its result does, how many images are taken from there)``."""
    return (offset(pointer(x), n * at[IMAGE_LINES] * at[IMAGE_COLUMNS] * at[CHANNELS]),
            offset(pointer(out), n * at[OUT_LINES] * at[OUT_COLUMNS] * at[OUT]),
            min(at[TOGETHER], len(x) - n))


@entry
def into(x, at, pixels, runs, panels, bias, ends, out, room):
    """``out`` of images x by one thread; lines are copied just before they are met."""
    p = pointer(room)
    copy = offset(p, (BLOCK + HIGH) * VECTORS * lanes(p))
    for n in range(0, len(x), at[TOGETHER]):
        source, c, images = images_from(n, x, at, out)
        total, lines = images * at[OUT_LINES] * at[OUT_COLUMNS], 0
        for first in range(0, total, BLOCK):
            last = min(first + BLOCK, total)
            if at[COPIED]:
                fill(source, pointer(at), lines, reach(at, last), copy)
                lines = reach(at, last)
            place(copy if at[COPIED] else source, at, pointer(pixels), runs, pointer(panels),
                  pointer(bias), pointer(ends), c, first, last, p)
    keep(room)


@entry(parallel=True)
def into_parts(x, at, pixels, runs, panels, bias, ends, out, room, parts):
    """The same by several threads: each copies a share of the lines, then makes one of the
    pixels."""
    p, each = pointer(room), (BLOCK + HIGH) * VECTORS * lanes(pointer(room))
    copy = offset(p, parts * each)
    for n in range(0, len(x), at[TOGETHER]):
        source, c, images = images_from(n, x, at, out)
        if at[COPIED]:
            for i in prange(parts):
                begun, ended = share(images * at[LINES], parts, i, 1)
                fill(source, pointer(at), begun, ended, copy)
        for i in prange(parts):
            begun, ended = share(images * at[OUT_LINES] * at[OUT_COLUMNS], parts, i, BLOCK)
            for first in range(begun, ended, BLOCK):
                place(copy if at[COPIED] else source, at, pointer(pixels), runs, pointer(panels),
                      pointer(bias), pointer(ends), c, first, min(first + BLOCK, ended),
                      offset(p, i * each))
    keep(room)


# ---- the algorithm

def room_for(g, dtype, parts=1):
    """Numbers of working memory: a block's results for each thread, and the images if they are
    copied."""
    wide = VECTORS * host().lanes(dtype)
    images = together(g) * g.padded[0] * g.padded[1] * g.channels if copied(g) else 0
    return parts * (BLOCK + HIGH) * wide + images


def form(w, layout, groups):
    """The panels of weights."""
    w = np.ascontiguousarray(w)
    if layout == "NHWC":
        return panels_of(w.reshape(-1, w.shape[3]), groups)
    return panels_turned(w.reshape(len(w), -1), groups, w.shape[2] * w.shape[3])


def run(x, panels, bias, activation, g):
    """Tiles of pixels, straight from a padded image: nothing is copied into columns."""
    many, out = threads(2 * g.macs), blank(g.shape, x.dtype)
    launch(into, into_parts, many, x, *layout_of(g), panels, panel_bias(bias, g, x.dtype),
           ends_of(activation, x.dtype), out, blank((room_for(g, x.dtype, many),), x.dtype))
    return out


DIRECT = Algorithm(form, run, room_for)
