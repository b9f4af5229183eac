"""Convolution, pooling and linear algebra against PyTorch: values and gradients."""

import numpy as np
import pytest

from aisys_lab.autodiff import numpy as anp
from autodiff.ways import agree_with_torch

torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test PEERS=1 adds it")
F, T, L = torch.nn.functional, torch.linalg, anp.linalg


def both(name, *args, **kwargs):
    """A function of this name in our namespace and in torch's, with the same further arguments."""
    ours = getattr(anp, name)
    theirs = getattr(F, name.replace("global_avg_pool2d", "adaptive_avg_pool2d"))
    return (lambda *xs: ours(*xs, *args, **kwargs)), (lambda *xs: theirs(*xs, *args, **kwargs))


def with_bias(stride, padding):
    return (lambda x, w, b: anp.conv2d(x, w, stride, padding, bias=b),
            lambda x, w, b: F.conv2d(x, w, b, stride, padding))


def positive(x):
    return x @ x.swapaxes(-1, -2)


def symmetric(x):
    return x + x.swapaxes(-1, -2)


CASES = {
    **{f"conv2d s{s} p{p} d{d} g{g}": (*both("conv2d", stride=s, padding=p, dilation=d, groups=g),
                                       (2, 4, 8, 9), (8, 4 // g, 3, 2))
       for s, p, d, g in [(1, 0, 1, 1), (1, 1, 1, 2), (2, 1, 1, 4), (3, 2, 2, 1), (2, 4, 1, 2),
                          (1, 2, 3, 4)]},
    "conv2d same": (*both("conv2d", padding="same"), (2, 3, 5, 4), (2, 3, 5, 3)),
    "conv2d bias": (*with_bias(2, 1), (2, 3, 5, 4), (2, 3, 3, 3), (2,)),
    "conv1d": (*both("conv1d", stride=2, padding=3), (2, 3, 9), (4, 3, 4)),
    "conv3d": (*both("conv3d", stride=2, padding=1), (2, 3, 4, 5, 4), (4, 3, 2, 3, 3)),
    **{f"conv_transpose2d {k}": (*both("conv_transpose2d", **k), (2, 4, 5, 4), (4, 3, 3, 2))
       for k in ({}, {"stride": 2}, {"stride": 3, "padding": 1, "output_padding": (2, 1)},
                 {"stride": 2, "groups": 2, "dilation": (2, 3)})},
    "conv_transpose1d": (*both("conv_transpose1d", stride=2, padding=1), (2, 4, 5), (4, 3, 4)),
    **{f"{op} {args}": (*both(op, *args), (2, 3, 8, 7)) for op in ("max_pool2d", "avg_pool2d")
       for args in ((2,), (3, 2), (3, 1, 1), ((2, 3), (1, 2), (1, 0)))},
    "max_pool1d": (*both("max_pool1d", 3, 2, 1), (2, 3, 9)),
    "avg_pool1d": (*both("avg_pool1d", 3, 2, 1), (2, 3, 9)),
    "avg without pads": (*both("avg_pool2d", 3, 2, 1, count_include_pad=False), (2, 3, 8, 7)),
    "max ties": (lambda x: anp.max_pool2d(anp.where(x > 0, x, 0), 3, 1, 1),
                 lambda x: F.max_pool2d(torch.where(x > 0, x, 0), 3, 1, 1), (2, 3, 6, 6)),
    **{f"adaptive {size}": (*both("adaptive_avg_pool2d", size), (2, 3, 8, 7))
       for size in ((1, 1), (3, 5), (4, 7), (9, 2))},
    "global": (anp.global_avg_pool2d, lambda x: F.adaptive_avg_pool2d(x, 1)[..., 0, 0],
               (2, 3, 4, 5)),
    "inv": (L.inv, T.inv, (2, 3, 3)), "det": (L.det, T.det, (2, 3, 3)),
    "solve": (L.solve, T.solve, (3, 3), (2, 3, 2)),
    "slogdet": (lambda a: L.slogdet(a)[1], lambda a: T.slogdet(a)[1], (2, 3, 3)),
    "cholesky": (lambda x: L.cholesky(positive(x)), lambda x: T.cholesky(positive(x)), (2, 3, 3)),
    "eigvalsh": (lambda x: L.eigvalsh(symmetric(x)), lambda x: T.eigvalsh(symmetric(x)),
                 (2, 3, 3)),
    "eigh": (lambda x: anp.abs(L.eigh(symmetric(x))[1]), lambda x: T.eigh(symmetric(x))[1].abs(),
             (2, 3, 3)),
    "svdvals": (L.svdvals, T.svdvals, (2, 4, 3)),
    "svd U": (lambda x: anp.abs(L.svd(x, False).U), lambda x: T.svd(x, False)[0].abs(), (4, 3)),
    "svd V": (lambda x: anp.abs(L.svd(x, False).Vh), lambda x: T.svd(x, False)[2].abs(), (2, 3)),
    "qr": (lambda x: anp.abs(L.qr(x).R), lambda x: T.qr(x)[1].abs(), (2, 4, 3)),
    "wide qr": (lambda x: anp.abs(L.qr(x).R), lambda x: T.qr(x)[1].abs(), (2, 3, 4)),
    "pinv": (L.pinv, T.pinv, (2, 4, 3)), "matrix_power": (
        lambda x: L.matrix_power(x, -3), lambda x: T.matrix_power(x, -3), (2, 3, 3)),
    "multi_dot": (lambda *xs: L.multi_dot(xs), lambda *xs: T.multi_dot(xs), (2, 3), (3, 4), (4,)),
    **{f"norm {o}": (lambda x, o=o: L.norm(x, o, (1, 2)), lambda x, o=o: T.norm(x, o, (1, 2)),
                     (2, 3, 4)) for o in ("fro", "nuc", 2, -2, 1, float("inf"))},
    **{f"vector norm {o}": (lambda x, o=o: L.norm(x, o, 1), lambda x, o=o: T.norm(x, o, 1), (3, 4))
       for o in (None, 1, 3, 0.5, float("-inf"))},
}


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 5e-4)])
@pytest.mark.parametrize("name", CASES)
def test_value_and_gradients(name, dtype, tolerance):
    ours, theirs, *shapes = CASES[name]
    rng = np.random.default_rng(0)
    args = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    agree_with_torch(ours, theirs, args, tolerance)
