"""Dense convolution beside torch's and ONNX Runtime's, weights known beforehand."""

import time

import numpy as np

from aisys_lab import kernels
from benchmarks.peers import one_node
from benchmarks.rows import one_thread, row

PEERS = ("torch", "onnxruntime")


def problem(batch, size, channels, out, seed=0):
    """``(x f32[N,C,H,W], w f32[O,C,3,3])``, small enough that results are below one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, channels, size, size), dtype=np.float32)
    w = rng.standard_normal((out, channels, 3, 3), dtype=np.float32)
    return x, w * np.float32(0.1 / np.sqrt(9 * channels))


def operations(batch, size, channels, out):
    """A multiplication and an addition for each tap of each channel; stride 1, pads of 1."""
    return 2.0 * batch * size * size * 9 * channels * out


def ours(shape, kernel=None):
    """Our layout of choice is channels last; the result is seen as [N,O,H,W]."""
    x, w = problem(*shape)
    x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    packed = kernels.pack_conv(w.transpose(2, 3, 1, 0), kernel=kernel)
    return lambda: kernels.conv2d(x, packed, padding=1, kernel=kernel).transpose(0, 3, 1, 2)


def torch_call(shape):
    """torch in the better one of its two memory formats."""
    torch = one_thread()
    x, w = map(torch.tensor, problem(*shape))
    return min((convolution(x.contiguous(memory_format=order), w.contiguous(memory_format=order))
                for order in (torch.contiguous_format, torch.channels_last)), key=seconds)


def convolution(x, w):
    """torch's call without a tape."""
    import torch

    def call():
        with torch.inference_mode():
            return torch.nn.functional.conv2d(x, w, padding=1)
    return call


def seconds(call):
    """The shortest of a few calls."""
    times = []
    for _ in range(7):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def ort_call(shape):
    """ONNX Runtime packs the weights when it loads the graph."""
    x, w = problem(*shape)
    return one_node("Conv", {"x": x}, {"w": w}, pads=[1, 1, 1, 1])


CALLS = {"torch": torch_call, "onnxruntime": ort_call}
LAYER, FOUR = (1, 56, 64, 64), (4, 56, 64, 64)

for _peer in PEERS:
    row("conv3x3-direct-56", _peer, lambda: ours(LAYER), bar=1.0,
        work=operations(*LAYER))(lambda peer=_peer: CALLS[peer](LAYER))
    row("conv3x3-winograd-56", _peer, lambda: ours(LAYER, "winograd-f4"), bar=2.0)(
        lambda peer=_peer: CALLS[peer](LAYER))
    row("conv3x3-winograd-56-b4", _peer, lambda: ours(FOUR, "winograd-f4"), bar=1.5)(
        lambda peer=_peer: CALLS[peer](FOUR))


# ---- the layers of small nets in training: images [N,C,H,W], weights that change every time

SMALL = {"1-8": (64, 28, 1, 8), "1-16": (64, 28, 1, 16), "16-32": (64, 14, 16, 32)}


def small_ours(shape):
    x, w = problem(*shape)
    return lambda: kernels.conv2d(x, w, padding=1, layout="NCHW")


def small_torch(shape):
    torch = one_thread()
    return convolution(*map(torch.tensor, problem(*shape)))


for _name, _shape in SMALL.items():
    row(f"conv3x3-small-{_name}", "torch", lambda s=_shape: small_ours(s), bar=1.0,
        work=operations(*_shape))(lambda s=_shape: small_torch(s))


# ---- bytes, exact in 32 bits

def byte_problem(size=56, channels=64):
    """``(x u8[1,C,H,W], w s8[C,C,3,3])``, of all values."""
    rng = np.random.default_rng(0)
    return (rng.integers(0, 256, (1, channels, size, size), dtype=np.uint8),
            rng.integers(-128, 128, (channels, channels, 3, 3), dtype=np.int8))


def ours_bytes():
    x, w = byte_problem()
    x, w = np.ascontiguousarray(x.transpose(0, 2, 3, 1)), w.transpose(2, 3, 1, 0)
    return lambda: kernels.conv2d_int8(x, w, padding=1).transpose(0, 3, 1, 2)


@row("conv3x3-int8-56", "onnxruntime", ours_bytes)
def ort_bytes():
    """ConvInteger; weights are shifted to unsigned where the signed kernel saturates and so is not
    exact."""
    x, w = byte_problem()
    exact = kernels.conv2d_int8(x, w, padding=1, layout="NCHW", kernel="naive")
    for weights, zero in ((w, np.int8(0)), (w.view(np.uint8) ^ 128, np.uint8(128))):
        run = one_node("ConvInteger", {"x": x}, {"w": weights, "zx": np.uint8(0), "zw": zero},
                       opset=13, pads=[1, 1, 1, 1])
        if np.array_equal(run(), exact):
            return run
    raise SystemExit("onnxruntime's convolution of bytes is not exact on this machine")
