"""Dense convolution of images: the verb, its ladder, and which rung serves which shape best."""

from dataclasses import dataclass, field

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.kernels.block import VECTORS
from aisys_lab.kernels.checks import FLOATS, floats, rank, told
from aisys_lab.kernels.conv.algorithm import Algorithm, finish
from aisys_lab.kernels.conv.columns import IM2COL, plain
from aisys_lab.kernels.conv.depthwise import depthwise
from aisys_lab.kernels.conv.direct import DIRECT, copied
from aisys_lab.kernels.conv.fourier import FFT
from aisys_lab.kernels.conv.geometry import geometry
from aisys_lab.kernels.conv.implicit import IMPLICIT
from aisys_lab.kernels.conv.indirect import INDIRECT
from aisys_lab.kernels.conv.naive import NAIVE
from aisys_lab.kernels.conv.winograd import WINOGRAD_2, WINOGRAD_4
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.ladders import KERNELS, ladder


def conv2d(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1, layout="NHWC", kernel=None,
           activation=None):
    """Convolution of images f32 or f64 (its kernel is not mirrored), plus a bias f[O].

    NHWC: x f[N,H,W,C], w f[KH,KW,C / groups,O], result f[N,H',W',O];
    NCHW: x f[N,C,H,W], w f[O,C / groups,KH,KW], result f[N,O,H',W'].
    ``padding`` is a number, one an axis, one pair (before, after) an axis, or 'same'; ``w`` may be
    what ``pack_conv`` made of it; ``activation`` 'relu' or 'relu6'. ``kernel`` names a rung of the
    ladder; without one CHOICES picks it.
    """
    x, w, bias = _arrays(x, w, bias)
    g = geometry("conv2d", x.shape, w.shape, stride, padding, dilation, groups, layout)
    if bias is not None and bias.shape != (g.out,):
        raise LabError(f"conv2d: bias has one number for each of {g.out} channels out, got "
                       f"{told(bias)}.")
    if type(w) is ConvWeights and (w.layout, w.groups) != (g.layout, g.groups):
        raise LabError(f"conv2d: w is packed for layout {w.layout} and groups={w.groups}, got "
                       f"layout {layout} and groups={groups}.")
    if kernel is None:
        kernel = choose(g)
    if type(w) is ConvWeights and kernel not in ALGORITHMS:
        w = w.w
    return KERNELS["conv2d"][kernel](x, w, bias, stride, padding, dilation, groups, layout,
                                     activation)


def _arrays(x, w, bias):
    """Arrays of one dtype; packed weights as they are."""
    if type(w) is ConvWeights:
        given = floats("conv2d", x=x, **({} if bias is None else {"bias": bias}))
        if given[0].dtype != w.dtype:
            raise LabError(f"conv2d: x is {told(given[0])} and w {told(w)}; all are of one dtype.")
        return given[0], w, (None if bias is None else given[1])
    if bias is None:
        return *floats("conv2d", x=x, w=w), None
    return floats("conv2d", x=x, w=w, bias=bias)


# ---- weights that are packed once

@dataclass(frozen=True, eq=False)
class ConvWeights:
    """Weights of many convolutions, and what rungs made of them: made by ``pack_conv``."""

    w: np.ndarray = field(repr=False)
    layout: str
    groups: int
    forms: dict = field(repr=False)  # rung -> what it reads

    @property
    def shape(self):
        """That of the weights."""
        return self.w.shape

    @property
    def dtype(self):
        """That of the weights."""
        return self.w.dtype

    def form(self, name):
        """What a rung reads, made when it is first asked for."""
        if name not in self.forms:
            self.forms[name] = ALGORITHMS[name].form(self.w, self.layout, self.groups)
        return self.forms[name]

    def __repr__(self):
        made = ", ".join(f"{name} {form.nbytes} bytes" for name, form in self.forms.items())
        return f"packed {told(self)} {self.layout}{' for ' * bool(made)}{made}"


def pack_conv(w, layout="NHWC", groups=1, kernel=None):
    """The weights of many convolutions, packed once: for a rung at once, else for each that
    CHOICES picks when it is first used."""
    (w,) = floats("pack_conv", w=w)
    rank("pack_conv", "w", w, 4)
    each, window = (w.shape[2], w.shape[:2]) if layout == "NHWC" else (w.shape[1], w.shape[2:])
    image = (*window, each * groups) if layout == "NHWC" else (each * groups, *window)
    g = geometry("pack_conv", (1, *image), w.shape, groups=groups, layout=layout)
    made = ConvWeights(np.array(w), layout, groups, {})
    if kernel is not None:
        if KERNELS["conv2d"][kernel] and kernel not in ALGORITHMS:
            raise LabError(f"pack_conv: the kernel {kernel!r} takes weights as they are.")
        serve(kernel, g)
        made.form(kernel)
    return made


# ---- the ladder

def _depthwise(x, w, bias, activation, g):
    """Each channel with a window of its own."""
    out = depthwise(x, w, bias, g.stride, g.pads, g.dilation, g.layout)
    return finish(out, None, activation, g.layout)


DEPTHWISE = Algorithm(
    lambda w, layout, groups: np.ascontiguousarray(w[:, :, 0] if layout == "NHWC" else w[:, 0]),
    _depthwise, lambda g, dtype: 0,
    refuses=lambda g: "" if g.groups == g.channels == g.out else (
        "each channel has a window of its own there, so that channels in, channels out and groups "
        "are one number"))

SMALL = 128  # pixels: images below share tiles in 'direct'

ALGORITHMS = {"naive": NAIVE, "fft": FFT, "im2col": IM2COL, "implicit": IMPLICIT,
              "depthwise": DEPTHWISE, "direct": DIRECT, "indirect": INDIRECT,
              "winograd-f2": WINOGRAD_2, "winograd-f4": WINOGRAD_4}


def serve(name, g):
    """A sentence if a rung cannot serve a Geometry."""
    why = ALGORITHMS[name].refuses(g)
    if why:
        raise LabError(f"conv2d: the kernel {name!r} does not serve this one: {why}.")


def rung_of(name, algorithm):
    """A rung of the ladder: x and w in any layout in memory, w packed or not."""
    def rung(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1, layout="NHWC",
             activation=None):
        g = geometry("conv2d", x.shape, w.shape, stride, padding, dilation, groups, layout)
        serve(name, g)
        if not g.macs:
            return finish(np.zeros(g.shape, x.dtype), bias, activation, layout)
        form = w.form(name) if type(w) is ConvWeights else algorithm.form(w, layout, groups)
        return algorithm.run(np.ascontiguousarray(x), form, bias, activation, g)
    rung.__doc__ = algorithm.run.__doc__
    return rung


ladder("conv2d", **{name.replace("-", "_"): rung_of(name, algorithm)
                    for name, algorithm in ALGORITHMS.items()})

CHOICES = Table("CHOICES", "rung -> whether it is the best for a Geometry; the first one is taken",
                noun="rung")
CHOICES.define("depthwise", lambda g: g.groups == g.channels == g.out > 1)
CHOICES.define("im2col", lambda g: plain(g) and g.layout == "NCHW"  # a product, nothing turned
               and g.places[0] * g.places[1] >= SMALL)
CHOICES.define("implicit", lambda g: g.layout == "NCHW" and g.channels // g.groups <= 4)
CHOICES.define("indirect", lambda g: g.layout == "NHWC" and copied(g) and g.stride == (1, 1)
               and g.channels // g.groups >= 8 and not narrow(g))
CHOICES.define("direct", lambda g: True)


def narrow(g):
    """Whether the last panel of a group fills one register only, for which 'direct' has a tile."""
    lane = host().lanes(FLOATS[0])
    return 0 < g.out // g.groups % (VECTORS * lane) <= lane


def choose(g):
    """The rung that ``conv2d`` takes for a Geometry where none is named.

    Winograd's and the FFT's are not among them: they are less exact, and spread NaN and infinity
    over a tile or an image.
    """
    return next(name for name, best in CHOICES.items() if best(g))


# ---- what a rung costs

def conv2d_workspace(kernel, x, w, stride=1, padding=0, dilation=1, groups=1, layout="NHWC",
                     dtype="float32"):
    """Bytes of working memory that a rung allocates on one thread, for shapes ``x`` and ``w``:
    beside images, weights (also packed ones) and the result."""
    dtype, g = _shapes(kernel, x, w, stride, padding, dilation, groups, layout, dtype)
    return int(ALGORITHMS[kernel].room(g, dtype)) * dtype.itemsize


def conv2d_multiplications(kernel, x, w, stride=1, padding=0, dilation=1, groups=1, layout="NHWC"):
    """Multiplications of two numbers that a rung does for shapes ``x`` and ``w``; those by
    constants, as in Winograd's transforms, are not counted."""
    _, g = _shapes(kernel, x, w, stride, padding, dilation, groups, layout, "float32")
    return int(ALGORITHMS[kernel].multiplications(g))


def _shapes(kernel, x, w, stride, padding, dilation, groups, layout, dtype):
    """The dtype, and the Geometry, of what a rung is asked for."""
    dtype = np.dtype(dtype)
    if dtype not in FLOATS:
        raise LabError(f"conv2d: takes float32 or float64, got {dtype}.")
    g = geometry("conv2d", tuple(x), tuple(w), stride, padding, dilation, groups, layout)
    if kernel not in ALGORITHMS:
        KERNELS["conv2d"][kernel]
        raise LabError(f"conv2d: what the kernel {kernel!r} costs is not known.")
    serve(kernel, g)
    return dtype, g
