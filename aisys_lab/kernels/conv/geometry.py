"""What a convolution of images is, apart from the numbers: sizes, steps and pads, checked once."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from aisys_lab.core import LabError, whole

AXES = {"NHWC": ("N, H, W, C", "KH, KW, C / groups, O"), "NCHW": ("N, C, H, W",
                                                                  "O, C / groups, KH, KW")}


@dataclass(frozen=True, eq=False)
class Geometry:
    """``batch`` images of ``channels`` and a ``window`` for each of ``out`` channels.

    Pairs are (along H, along W); ``pads`` is ((above, below), (left, right)). With ``groups``, each
    of them reads ``channels // groups`` channels and makes ``out // groups``.
    """

    layout: str
    batch: int
    image: tuple
    channels: int
    window: tuple
    out: int
    stride: tuple
    pads: tuple
    dilation: tuple
    groups: int

    @cached_property
    def padded(self):
        """The size of an image with its pads."""
        return tuple(n + sum(ends) for n, ends in zip(self.image, self.pads, strict=True))

    @cached_property
    def places(self):
        """How many windows there are along each axis: the size of the result."""
        return tuple((n - (taps - 1) * d - 1) // s + 1 for n, taps, s, d in zip(
            self.padded, self.window, self.stride, self.dilation, strict=True))

    @cached_property
    def taps(self):
        """Entries of a window."""
        return self.window[0] * self.window[1]

    @cached_property
    def shape(self):
        """The shape of the result, in this layout."""
        if self.layout == "NHWC":
            return (self.batch, *self.places, self.out)
        return (self.batch, self.out, *self.places)

    @cached_property
    def macs(self):
        """Multiply-adds by the definition, those with pads included."""
        return (self.batch * self.places[0] * self.places[1] * self.out * self.taps
                * (self.channels // self.groups))


@lru_cache(4096, typed=True)
def _geometry(op, x, w, stride, padding, dilation, groups, layout):
    if layout not in AXES:
        raise LabError(f"{op}: layout={layout!r}; the layouts are {' and '.join(AXES)}.")
    for name, shape, axes in zip("xw", (x, w), AXES[layout], strict=True):
        if len(shape) != 4:
            raise LabError(f"{op}: {name} is [{axes}] in {layout}, got {list(shape)}.")
    last = layout == "NHWC"
    image, channels = (x[1:3], x[3]) if last else (x[2:], x[1])
    window, each, out = (w[:2], w[2], w[3]) if last else (w[2:], w[1], w[0])
    groups = whole(op, "groups", groups, 1)
    if channels % groups or out % groups or channels != each * groups:
        raise LabError(f"{op}: x {list(x)} has {channels} channels and w {list(w)} takes {each} in "
                       f"each of {groups} groups and makes {out}; layout {layout}.")
    stride, dilation = (pair(op, name, value, 1)
                        for name, value in (("stride", stride), ("dilation", dilation)))
    pads = pads_of(op, padding, window, stride, dilation)
    made = Geometry(layout, x[0], image, channels, window, out, stride, pads, dilation, groups)
    if min(made.places) < 1 or min(window) < 1:
        raise LabError(f"{op}: a window of {window} with dilation {dilation} does not fit images "
                       f"of {image} with pads {pads}; enlarge the image or the padding.")
    return made


def geometry(op, x, w, stride=1, padding=0, dilation=1, groups=1, layout="NHWC"):
    """The Geometry of shapes ``x`` and ``w``; a sentence, which begins with ``op``, if they do not
    fit.

    ``padding`` is a number, one an axis, one pair (before, after) an axis, or 'same'.
    """
    try:
        return _geometry(op, x, w, stride, padding, dilation, groups, layout)
    except TypeError:  # lists and arrays have no hash
        return _geometry(op, x, w, *map(_frozen, (stride, padding, dilation)), groups, layout)


def _frozen(value):
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_frozen, value)) if isinstance(value, tuple | list) else value


def pair(op, name, value, least):
    """One whole number along H and one along W."""
    values = value if isinstance(value, tuple) else (value, value)
    if len(values) != 2:
        raise LabError(f"{op}: {name}={value!r}; give one whole number, or 2.")
    return tuple(whole(op, name, n, least) for n in values)


def pads_of(op, padding, window, stride=(1, 1), dilation=(1, 1)):
    """((above, below), (left, right)); 'same' keeps the size, and an odd one goes to the end."""
    if padding == "same":
        if stride != (1, 1):
            raise LabError(f"{op}: padding='same' keeps the size at stride 1, not at {stride}.")
        totals = [d * (taps - 1) for d, taps in zip(dilation, window, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        raise LabError(f"{op}: padding={padding!r}; it is a number, 2 numbers, 2 pairs or 'same'.")
    if isinstance(padding, tuple) and len(padding) == 2 and all(
            isinstance(ends, tuple) for ends in padding):
        return tuple(pair(op, "padding", ends, 0) for ends in padding)
    return tuple((n, n) for n in pair(op, "padding", padding, 0))
