"""Gradients of convolutions and pooling beside torch's, at the layers of small nets in training.

All are images [N,C,H,W] with N=64. None has a bar: what counts is an epoch (``nets``).
"""

import numpy as np

from aisys_lab import kernels
from benchmarks.rows import one_thread, row

BATCH = 64
LAYERS = {"conv3x3-1-16": (28, 1, 16, 3, 1, 1), "conv3x3-16-32": (14, 16, 32, 3, 1, 1),
          "conv1x1-32-64": (7, 32, 64, 1, 1, 1), "depthwise-16": (14, 16, 16, 3, 1, 16),
          "depthwise-32-s2": (14, 32, 32, 3, 2, 32), "depthwise-64": (7, 64, 64, 3, 1, 64)}
# name -> (size, channels, channels out, taps along an axis, stride, groups)


def layer(size, channels, out, taps, stride, groups):
    """``(x, w, the gradient of the result, stride, padding, groups)``."""
    rng, end = np.random.default_rng(0), -(-size // stride)
    shapes = ((BATCH, channels, size, size), (out, channels // groups, taps, taps),
              (BATCH, out, end, end))
    return *(rng.standard_normal(shape, dtype=np.float32) for shape in shapes), stride, taps // 2, (
        groups)


def ours_input(shape):
    x, w, g, stride, padding, groups = layer(*shape)
    size = x.shape[2:]
    if groups == 1:
        return lambda: kernels.conv2d_input(g, w, size, stride, padding)
    w = np.ascontiguousarray(w[:, 0])
    return lambda: kernels.depthwise_input(g, w, size, stride, padding)


def ours_weight(shape):
    x, w, g, stride, padding, groups = layer(*shape)
    window = w.shape[2:]
    if groups == 1:
        return lambda: kernels.conv2d_weight(x, g, window, stride, padding)
    return lambda: kernels.depthwise_weight(x, g, window, stride, padding)[:, None]


def theirs(shape, which):
    """What torch's tape calls, asked for one of (images, weights)."""
    torch = one_thread()
    x, w, g, stride, padding, groups = layer(*shape)
    given, mask = list(map(torch.tensor, (g, x, w))), [which == i for i in range(2)] + [False]
    back = torch.ops.aten.convolution_backward
    return lambda: back(*given, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups,
                        mask)[which]


for _name, _shape in LAYERS.items():
    if _shape[1] > 1:  # nobody asks for the gradient of the first images
        row(f"{_name}-input", "torch", lambda s=_shape: ours_input(s))(
            lambda s=_shape: theirs(s, 0))
    row(f"{_name}-weight", "torch", lambda s=_shape: ours_weight(s))(lambda s=_shape: theirs(s, 1))


# ---- pooling

def images():
    """``(x, the gradient of its largest entries)``: 16 channels of 28x28, windows of 2x2."""
    rng = np.random.default_rng(0)
    return (rng.standard_normal((BATCH, 16, n, n), dtype=np.float32) for n in (28, 14))


def pool_ours():
    x, _ = images()
    return lambda: kernels.max_pool(x, 2)


@row("max-pool", "torch", pool_ours)
def pool_torch():
    torch = one_thread()
    x = torch.tensor(next(images()))
    return lambda: torch.nn.functional.max_pool2d(x, 2)


def pool_input_ours():
    x, g = images()
    return lambda: kernels.max_pool_input(g, x, 2)


@row("max-pool-input", "torch", pool_input_ours)
def pool_input_torch():
    """torch has kept where the largest entries lie."""
    torch = one_thread()
    x, g = map(torch.tensor, images())
    _, places = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    back = torch.ops.aten.max_pool2d_with_indices_backward
    return lambda: back(g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
