"""Six ways to convolve an image in f32, by formula: what they multiply, move and keep, and a time.

A way is a few stages; each reads its arrays once and writes its result once, from the smallest
level of memory that holds them all, and takes the longer of that and of its arithmetic. Weights
are in the form that a way wants, which is made once; only their spectra are made anew, as they are
in ``kernels.conv.fourier``. Winograd's ways: Lavin and Gray 2016, arXiv:1509.09308.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2

from aisys_lab.kernels.conv.geometry import geometry
from aisys_lab.kernels.lessons.winograd import winograd_matrices

F32, COMPLEX, POINTER = 4, 8, 8  # bytes


@dataclass(frozen=True)
class Stage:
    """A pass over arrays: operations, and bytes read and written."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Way:
    """``counts(g) -> (multiplications that depend on the input, bytes of workspace, stages)``;
    ``refuses(g)`` says why it cannot serve, or ''; ``rung(g)`` names that of KERNELS['conv2d']."""

    counts: Callable
    rung: Callable
    refuses: Callable = lambda g: ""


@dataclass(frozen=True)
class Cost:
    """What a way does for a convolution, or why it does not."""

    multiplications: float = 0
    workspace: float = 0
    stages: tuple = ()
    why: str = ""

    @property
    def bytes(self):
        """Bytes that all stages move."""
        return sum(stage.bytes for stage in self.stages)

    def seconds(self, peak, levels):
        """The time of all stages on a machine: ``levels`` are pairs (bytes that fit, bytes a
        second), the smallest first."""
        return sum(max(stage.flops / peak, stage.bytes / bandwidth(stage.bytes, levels))
                   for stage in self.stages)


def bandwidth(size, levels):
    """Bytes a second of the smallest level that holds ``size`` bytes; of the last one if none."""
    return next((rate for fits, rate in levels if size <= fits), levels[-1][1])


def shape_of(side, channels, window, stride):
    """The Geometry: an image [side,side,channels] to as many channels, 'same' but for the stride;
    ``window`` is ``'3×3'``, or ``'3×3 depthwise'``."""
    k, groups = int(window[0]), channels if "depthwise" in window else 1
    return geometry("conv2d", (1, side, side, channels), (k, k, channels // groups, channels),
                    stride, k // 2, groups=groups)


def cost(way, g):
    """The Cost of a way, by name."""
    why = WAYS[way].refuses(g)
    if why:
        return Cost(why=why)
    multiplications, workspace, stages = WAYS[way].counts(g)
    return Cost(multiplications, workspace, tuple(stages))


# ---- bytes of the three arrays

def image(g):
    return F32 * g.batch * g.image[0] * g.image[1] * g.channels


def weights(g):
    return F32 * g.taps * g.channels // g.groups * g.out


def result(g):
    return F32 * g.batch * g.places[0] * g.places[1] * g.out


# ---- the ways

def direct(g):
    """Windows are read where they lie."""
    return g.macs, 0, [Stage(2 * g.macs, image(g) + weights(g) + result(g))]


def plain(g):
    """Whether windows are the pixels themselves."""
    return g.taps == 1 and g.places == g.image


def im2col(g):
    """Every window becomes a row of a matrix: the image, as often as the window has taps. Groups
    use one matrix after the other."""
    columns = 0 if plain(g) else F32 * g.batch * g.places[0] * g.places[1] * g.taps * g.channels
    product = Stage(2 * g.macs, (columns or image(g)) + weights(g) + result(g))
    copy = [Stage(0, image(g) + columns)] if columns else []
    return g.macs, columns // g.groups, [*copy, product]


def indirect(g):
    """A pointer for each place and tap, made once a shape."""
    table = POINTER * g.batch * g.places[0] * g.places[1] * g.taps
    return g.macs, table, [Stage(2 * g.macs, image(g) + table + weights(g) + result(g))]


def winograd(m):
    """F(m × m, 3 × 3): tiles to the transformed domain, products there, and back."""
    at, _, bt = winograd_matrices(m, 3)
    points = len(bt) ** 2
    ahead, back = (sums(matrix) * (len(matrix[0]) + len(matrix)) for matrix in (bt, at))

    def counts(g):
        tiles = g.batch * -(-g.places[0] // m) * -(-g.places[1] // m)
        data, product = (F32 * points * tiles * n for n in (g.channels, g.out))
        pairs = points * tiles * g.channels // g.groups * g.out
        return pairs, data + product, [
            Stage(tiles * g.channels * ahead, image(g) + data),
            Stage(2 * pairs, data + weights(g) // g.taps * points + product),
            Stage(tiles * g.out * back, product + result(g))]
    return counts


def sums(matrix):
    """Additions of a matrix times a vector, which are most of its operations."""
    return sum(sum(value != 0 for value in row) - 1 for row in matrix)


def fourier(g):
    """Planes of images and windows to frequencies, complex products there, and back."""
    high, wide = g.padded
    frequencies = high * (wide // 2 + 1)
    each = 2.5 * high * wide * log2(high * wide)  # operations of a real transform
    planes = g.batch * g.channels, g.channels // g.groups * g.out, g.batch * g.out
    data, kept, product = (COMPLEX * frequencies * n for n in planes)
    pairs = frequencies * g.batch * planes[1]
    return 4 * pairs, data + kept + product, [
        Stage(each * planes[0], image(g) + data), Stage(each * planes[1], weights(g) + kept),
        Stage(8 * pairs, data + kept + product), Stage(each * planes[2], product + result(g))]


def three(g):
    dense = g.window == (3, 3) and g.stride == (1, 1) and g.groups == 1
    return "" if dense else "3×3, stride 1, dense only"


def always(name):
    """The same rung for every convolution."""
    return lambda g: name


WAYS = {
    "direct": Way(direct, lambda g: "direct" if g.groups == 1 else "depthwise"),
    "im2col": Way(im2col, always("im2col")),
    "indirect": Way(indirect, always("indirect")),
    "F(2,3)": Way(winograd(2), always("winograd-f2"), three),
    "F(4,3)": Way(winograd(4), always("winograd-f4"), three),
    "FFT": Way(fourier, always("fft")),
}
