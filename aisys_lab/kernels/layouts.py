"""Images in the orders in which vector and matrix units want their channels, and back.

NC4HW4 is the layout of MNN (Jiang and others 2020, arXiv:2002.12418): four channels of a pixel lie
side by side. Huawei's NC1HWC0 is the same with C0 = 16 (CANN, Ascend C operator development guide,
"Data layout formats"). Zeros fill the last channels.
"""

import numpy as np

from aisys_lab.core import LabError, whole
from aisys_lab.kernels.axes import array
from aisys_lab.kernels.checks import rank, told
from aisys_lab.kernels.jit import entry
from aisys_lab.kernels.ladders import KERNELS, ladder
from aisys_lab.kernels.moves import pack, transpose
from aisys_lab.kernels.quads import pack_four, unpack_four
from aisys_lab.kernels.transposes import transpose2d
from aisys_lab.kernels.vector import offset, pointer

# ---- channels: x [images, channels, size], out [images, blocks, size, block]

@entry(fastmath=False)
def naive_pack(x, out):
    """out[n,b,s,k] = x[n, b·block + k, s], or 0 behind the last channel"""
    for n in range(out.shape[0]):
        for b in range(out.shape[1]):
            for s in range(out.shape[2]):
                for k in range(out.shape[3]):
                    c = b * out.shape[3] + k
                    out[n, b, s, k] = x[n, c, s] if c < x.shape[1] else 0


@entry(fastmath=False)
def naive_unpack(x, out):
    """out[n,c,s] = x[n, c // block, s, c % block]"""
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            for s in range(out.shape[2]):
                out[n, c, s] = x[n, c // x.shape[3], s, c % x.shape[3]]


@entry
def panels_pack(x, out):
    """Block by block, as matrix products pack their panels."""
    images, channels, size = x.shape
    block, blocks = out.shape[3], out.shape[1]
    for n in range(images):
        source = offset(pointer(x), n * channels * size)
        to = offset(pointer(out), n * blocks * size * block)
        if block == 4:
            pack_four(source, channels, size, to)
        else:
            pack(source, size, 1, channels, size, block, to)


@entry
def panels_unpack(x, out):
    """Block by block."""
    images, channels, size = out.shape
    blocks, block = x.shape[1], x.shape[3]
    for n in range(images):
        source = offset(pointer(x), n * blocks * size * block)
        to = offset(pointer(out), n * channels * size)
        if block == 4:
            unpack_four(source, channels, size, to)
        else:
            for start in range(0, channels, block):
                transpose(offset(source, start * size), block, size,
                          min(block, channels - start), offset(to, start * size), size)


def pack_by(loop):
    """A rung of a loop over images."""
    def rung(x, block):
        n, c, h, w = x.shape
        out = np.empty((n, -(-c // block), h, w, block), x.dtype)
        if out.size:
            loop(np.ascontiguousarray(x).reshape(n, c, h * w),
                 out.reshape(*out.shape[:2], h * w, block))
        return out
    return rung


def unpack_by(loop):
    """A rung of a loop over images."""
    def rung(x, channels):
        n, blocks, h, w, block = x.shape
        out = np.empty((n, channels, h, w), x.dtype)
        if out.size:
            loop(np.ascontiguousarray(x).reshape(n, blocks, h * w, block),
                 out.reshape(n, channels, h * w))
        return out
    return rung


ladder("pack_nc4hw4", naive=pack_by(naive_pack), panels=pack_by(panels_pack))
ladder("unpack_nc4hw4", naive=unpack_by(naive_unpack), panels=unpack_by(panels_unpack))


def pack_nc4hw4(x, block=4, kernel="panels"):
    """Images f32 or f64 [N,C,H,W] as [N, ceil(C / block), H, W, block]."""
    x = array("pack_nc4hw4", x)
    rank("pack_nc4hw4", "x", x, 4)
    return KERNELS["pack_nc4hw4"][kernel](x, whole("pack_nc4hw4", "block", block, 1))


def unpack_nc4hw4(x, channels, kernel="panels"):
    """Images [N,C,H,W] of so many channels, from [N, ceil(C / block), H, W, block]."""
    x = array("unpack_nc4hw4", x)
    rank("unpack_nc4hw4", "x", x, 5)
    channels, block = whole("unpack_nc4hw4", "channels", channels), x.shape[4]
    if not block or -(-channels // block) != x.shape[1]:
        raise LabError(f"unpack_nc4hw4: {channels} channels do not fill {x.shape[1]} blocks of "
                       f"{block}, in {told(x)}.")
    return KERNELS["unpack_nc4hw4"][kernel](x, channels)


def pack_nc1hwc0(x, c0=16, kernel="panels"):
    """Images [N,C,H,W] as [N, C1, H, W, C0]."""
    return pack_nc4hw4(x, c0, kernel)


def unpack_nc1hwc0(x, channels, kernel="panels"):
    """Images [N,C,H,W] of so many channels, from [N, C1, H, W, C0]."""
    return unpack_nc4hw4(x, channels, kernel)


def nchw_to_nhwc(x):
    """Images [N,C,H,W] as [N,H,W,C]: the transpose of each."""
    x = array("nchw_to_nhwc", x)
    rank("nchw_to_nhwc", "x", x, 4)
    n, c, h, w = x.shape
    return transpose2d(x.reshape(n, c, h * w)).reshape(n, h, w, c)


def nhwc_to_nchw(x):
    """Images [N,H,W,C] as [N,C,H,W]."""
    x = array("nhwc_to_nchw", x)
    rank("nhwc_to_nchw", "x", x, 4)
    n, h, w, c = x.shape
    return transpose2d(x.reshape(n, h * w, c)).reshape(n, c, h, w)
