"""Depthwise and pointwise convolutions, and a block of both, beside torch's and ONNX Runtime's.

Weights are known beforehand. Our layout of choice is channels last; results are seen as [N,C,H,W].
"""

import numpy as np

from aisys_lab import kernels
from benchmarks.convolution import PEERS, seconds
from benchmarks.peers import graph
from benchmarks.rows import one_thread, row

SIZE, CHANNELS = 56, 128
DEPTHWISE, POINTWISE = 2.0 * SIZE**2 * 9 * CHANNELS, 2.0 * SIZE**2 * CHANNELS**2  # operations


def arrays():
    """``(x f32[1,C,H,W], wd f32[C,1,3,3], wp f32[C,C,1,1], two biases f32[C])``."""
    rng = np.random.default_rng(0)
    shapes = ((1, CHANNELS, SIZE, SIZE), (CHANNELS, 1, 3, 3), (CHANNELS, CHANNELS, 1, 1),
              (CHANNELS,), (CHANNELS,))
    x, *weights = (rng.standard_normal(shape, dtype=np.float32) for shape in shapes)
    return x, *(w * np.float32(0.1) for w in weights)


def last():
    """The same with channels last, wd f32[3,3,C] and wp f32[C,C]; wp packed."""
    x, wd, wp, *biases = arrays()
    wp = kernels.pack(wp[:, :, 0, 0].T)
    return (np.ascontiguousarray(x.transpose(0, 2, 3, 1)),
            np.ascontiguousarray(wd[:, 0].transpose(1, 2, 0)), wp, *biases)


# ---- ours

def ours_depthwise():
    x, wd, *_ = last()
    return lambda: kernels.depthwise(x, wd, padding=1).transpose(0, 3, 1, 2)


def ours_pointwise():
    x, _, wp, *_ = last()
    return lambda: kernels.pointwise(x, wp).transpose(0, 3, 1, 2)


def ours_block():
    given = last()
    return lambda: kernels.depthwise_pointwise(*given, padding=1, activation="relu").transpose(
        0, 3, 1, 2)


# ---- torch, in the better one of its two memory formats

def in_torch(run):
    """``run(torch.nn.functional.conv2d, torch.relu, *arrays)`` as a call without a tape."""
    torch = one_thread()

    def made(order):
        given = [torch.tensor(x).contiguous(memory_format=order) if x.ndim == 4 else torch.tensor(x)
                 for x in arrays()]

        def call():
            with torch.inference_mode():
                return run(torch.nn.functional.conv2d, torch.relu, *given)
        return call
    return min(map(made, (torch.contiguous_format, torch.channels_last)), key=seconds)


def torch_depthwise():
    return in_torch(lambda conv, relu, x, wd, *_: conv(x, wd, padding=1, groups=CHANNELS))


def torch_pointwise():
    return in_torch(lambda conv, relu, x, wd, wp, *_: conv(x, wp))


def torch_block():
    return in_torch(lambda conv, relu, x, wd, wp, bd, bp: conv(
        relu(conv(x, wd, bd, padding=1, groups=CHANNELS)), wp, bp))


# ---- ONNX Runtime, which packs weights when it loads a graph

def in_ort(*nodes):
    """A graph of nodes."""
    x, *weights = arrays()
    used = {name for _, names, _ in nodes for name in names}
    constants = dict(zip(("wd", "wp", "bd", "bp"), weights, strict=True))
    return graph(nodes, {"x": x}, {name: w for name, w in constants.items() if name in used})


SPREAD = {"pads": [1, 1, 1, 1], "group": CHANNELS}


def ort_depthwise():
    return in_ort(("Conv", ["x", "wd"], SPREAD))


def ort_pointwise():
    return in_ort(("Conv", ["x", "wp"], {}))


def ort_block():
    return in_ort(("Conv", ["x", "wd", "bd"], SPREAD), ("Relu", ["out0"], {}),
                  ("Conv", ["out1", "wp", "bp"], {}))


# ---- rows

for _name, _ours, _theirs, _bar, _work in (
        ("depthwise-56", ours_depthwise, (torch_depthwise, ort_depthwise), 1.0, DEPTHWISE),
        ("pointwise-56", ours_pointwise, (torch_pointwise, ort_pointwise), 1.1, POINTWISE),
        ("fused-block-56", ours_block, (torch_block, ort_block), 1.3, DEPTHWISE + POINTWISE)):
    for _peer, _call in zip(PEERS, _theirs, strict=True):
        row(_name, _peer, _ours, bar=_bar, work=_work)(_call)
