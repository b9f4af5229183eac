"""Pooling: the sum and the largest entry of each window, and the way back for their gradients.

``sum_pool`` and ``sum_pool_input`` are linear and each other's transpose. ``max_pool_pick`` reads
a second image where the first has its window's largest entry, ``max_pool_input`` lays values down
there; the two are each other's transpose. Of equal entries the first counts, as in PyTorch.

Images are [N, C, *size], results [N, C, *places].
"""

from math import prod

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.select import select
from aisys_lab.ir.spec import Spec
from aisys_lab.ir.windows import Slide, pad


def _slide(op, x, kernel, stride, padding):
    """``(slide, places)`` on an image; a sentence if the window does not fit."""
    if len(x.shape) < 3 or len(kernel) != len(x.shape) - 2:
        raise LabError(f"{op}: an image is [N, C, *size] with as many spatial axes as the window "
                       f"has, got {Spec(x.shape, x.dtype)} and the window {kernel}.")
    slide = Slide(kernel, stride, padding, (1,) * len(kernel))
    places = slide.places(x.shape[2:], op)
    if any(max(pads) >= taps for taps, pads in zip(kernel, padding, strict=True)):
        raise LabError(f"{op}: padding {padding} is as wide as the window {kernel}, so that some "
                       f"windows would hold nothing; give less.")
    return slide, places


def _result_like(op, g, size, at):
    """``(slide, image)`` of the image that pools to something like ``g``."""
    image = Spec((*g.shape[:2], *size), g.dtype)
    slide, places = _slide(op, image, **at)
    if tuple(g.shape[2:]) != places:
        raise LabError(f"{op}: {Spec(g.shape, g.dtype)} is no result of {image}; that is "
                       f"{[*g.shape[:2], *places]}.")
    return slide, image


def _lowest(dtype):
    return -np.inf if dtype.kind == "f" else False if dtype.kind == "b" else np.iinfo(dtype).min


def _sum_pool(x, **at):
    slide, places = _slide("sum_pool", x, **at)
    padded, taps = pad(x, slide), slide.taps(places)
    out = padded[next(taps)].copy()
    for tap in taps:
        out += padded[tap]
    return out


def _sum_pool_input(g, size, **at):
    slide, image = _result_like("sum_pool_input", g, size, at)
    out = np.zeros((*g.shape[:2], *slide.padded(size)), g.dtype)
    for tap in slide.taps(g.shape[2:]):
        out[tap] += g
    return out[slide.inside(size)]


def _max_pool(x, **at):
    slide, places = _slide("max_pool", x, **at)
    padded, taps = pad(x, slide, _lowest(x.dtype)), slide.taps(places)
    out = padded[next(taps)].copy()
    for tap in taps:
        np.maximum(out, padded[tap], out=out)
    return out


def _winners(op, x, at):
    """``(slide, places, pairs)``: for each tap its slices, and where it is the first largest."""
    slide, places = _slide(op, x, **at)
    top, padded = _max_pool(x, **at), pad(x, slide, _lowest(x.dtype))

    def pairs():
        free = np.ones(top.shape, bool)
        for tap in slide.taps(places):
            won = np.equal(padded[tap], top)
            won &= free
            free ^= won
            yield tap, won
    return slide, places, pairs()


def _max_pool_pick(t, x, **at):
    _same_image(t, x)
    slide, places, pairs = _winners("max_pool_pick", x, at)
    padded, out = pad(t, slide), np.zeros((*x.shape[:2], *places), t.dtype)
    for tap, won in pairs:
        out += select(won, padded[tap], 0)
    return out


def _max_pool_input(g, x, **at):
    _same_result(g, x, at)
    slide, _, pairs = _winners("max_pool_input", x, at)
    out = np.zeros((*x.shape[:2], *slide.padded(x.shape[2:])), g.dtype)
    for tap, won in pairs:
        out[tap] += select(won, g, 0)
    return out[slide.inside(x.shape[2:])]


def _same_image(t, x):
    if tuple(t.shape) != tuple(x.shape):
        raise LabError(f"max_pool_pick: {Spec(t.shape, t.dtype)} and {Spec(x.shape, x.dtype)} "
                       f"should have one shape.")


def _same_result(g, x, at):
    _, places = _slide("max_pool_input", x, **at)
    if tuple(g.shape) != (*x.shape[:2], *places):
        raise LabError(f"max_pool_input: {Spec(g.shape, g.dtype)} is no result of "
                       f"{Spec(x.shape, x.dtype)}; that is {[*x.shape[:2], *places]}.")


# ---- the rows

def _infer_pool(op):
    def infer(x, **at):
        return Spec((*x.shape[:2], *_slide(op, x, **at)[1]), x.dtype)
    return infer


def _infer_sum_pool_input(g, size, **at):
    return _result_like("sum_pool_input", g, size, at)[1]


def _infer_max_pool_pick(t, x, **at):
    _same_image(t, x)
    return Spec(_infer_pool("max_pool_pick")(x, **at).shape, t.dtype)


def _infer_max_pool_input(g, x, **at):
    _same_result(g, x, at)
    return Spec(x.shape, g.dtype)


def _entries(x, kernel, **at):
    """One operation for each result and entry of its window."""
    return _infer_pool("pool")(x, kernel=kernel, **at).size * prod(kernel)


define("sum_pool", _sum_pool, _infer_pool("sum_pool"), _entries, "opaque")
define("sum_pool_input", _sum_pool_input, _infer_sum_pool_input,
       lambda g, size, kernel, **at: g.size * prod(kernel), "opaque")
define("max_pool", _max_pool, _infer_pool("max_pool"), _entries, "opaque")
define("max_pool_pick", _max_pool_pick, _infer_max_pool_pick,
       lambda t, x, **at: _entries(x, **at), "opaque")
define("max_pool_input", _max_pool_input, _infer_max_pool_input,
       lambda g, x, **at: _entries(x, **at), "opaque")
