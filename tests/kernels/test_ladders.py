"""The face of the kernels: names, ladders and what an unknown rung gets."""

import importlib
import pkgutil

import numpy as np
import pytest

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels import layouts

X, ROW, IMAGE = np.ones((4, 3), "f"), np.ones(3, "f"), np.ones((1, 4, 2, 2), "f")
ARGUMENTS = {
    **dict.fromkeys(("softmax", "log_softmax", "sum", "mean", "max", "argmax", "transpose2d", "exp",
                     "expm1", "log", "tanh", "sigmoid", "erf", "relu", "silu", "gelu"), (X,)),
    **dict.fromkeys(("softmax_grad", "log_softmax_grad", "relu_grad", "silu_grad", "gelu_grad",
                     "tanh_grad", "sigmoid_grad"), (X, X)),
    "fused": (["relu"], X), "elementwise": ("relu", X),
    "layernorm": (X, ROW, ROW), "rmsnorm": (X, ROW), "layernorm_grad": (X, X, ROW),
    "rmsnorm_grad": (X, X, ROW), "batchnorm": (X, *[ROW] * 4), "batchnorm_train": (X, ROW, ROW),
    "batchnorm_grad": (X, X, *[ROW] * 3), "cross_entropy": (X, [0] * 4),
    "cross_entropy_grad": (1, X, [0] * 4), "pack_nc1hwc0": (IMAGE,),
    "unpack_nc4hw4": (IMAGE[..., None], 4), "unpack_nc1hwc0": (IMAGE[..., None], 4),
    "pack_fractal": (X, "zZ"), "unpack_fractal": (IMAGE, "zZ", (2, 8)),
}


def test_no_public_name_is_that_of_a_module():
    modules = {module.name for module in pkgutil.iter_modules(kernels.__path__)}
    assert not modules & kernels._FACE.keys(), "importing the module would hide the name"
    assert not modules & kernels._LESSONS.keys()


@pytest.mark.parametrize("name", kernels._FACE)
def test_every_public_name_is_there(name):
    module = importlib.import_module(f"aisys_lab.kernels.{kernels._FACE[name]}")
    assert getattr(kernels, name) is getattr(module, name) and name in dir(kernels)


@pytest.mark.parametrize("op", kernels.KERNELS)
def test_a_ladder_begins_with_the_definition(op):
    assert list(kernels.KERNELS[op])[0] == "naive" and len(kernels.KERNELS[op]) > 1


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_unknown_rung_offers_those_there_are(name):
    with pytest.raises(LabError, match="no kernel 'nonsense' in"):
        getattr(kernels, name)(*ARGUMENTS[name], kernel="nonsense")
    with pytest.raises(LabError, match="no kernel 'nonsense' in"):
        layouts.pack_nc4hw4(IMAGE, kernel="nonsense")
