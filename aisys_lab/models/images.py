"""Two small nets for images: a plain one, and one of depthwise-separable blocks."""

from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np

from aisys_lab.autodiff import nn
from aisys_lab.core import LabError, has, whole
from aisys_lab.models.model import ImageModel, widths_of


@dataclass(frozen=True, repr=False)
class CNN(ImageModel):
    """For each width a 3x3 convolution, ReLU and 2x2 max pooling; a linear layer at the end.

    The pattern of LeCun, Bottou, Bengio and Haffner 1998 (Gradient-based learning applied to
    document recognition), with the ReLU and the max of later nets.
    """

    image: tuple = (1, 28, 28)
    widths: tuple = (16, 32)
    classes: int = 10
    seed: int = 0
    dtype: str = "float32"
    params: dict = field(default=None)

    def sound(self):
        object.__setattr__(self, "widths", widths_of("CNN", self.widths))
        if min(self.image[1:]) < 2 ** len(self.widths):
            raise LabError(f"CNN: {len(self.widths)} poolings leave nothing of an image "
                           f"{list(self.image)}; take fewer widths.")

    @cached_property
    def net(self):
        """The layers: conv1, relu1, pool1, …, flatten1, linear1."""
        ins = (self.image[0], *self.widths)
        layers = [layer for i, o in zip(ins, self.widths, strict=False)
                  for layer in (nn.Conv2d(i, o, 3, padding=1), nn.Activation("relu"),
                                nn.MaxPool2d(2))]
        high, wide = (n >> len(self.widths) for n in self.image[1:])
        return nn.Sequential([*layers, nn.Flatten(),
                              nn.Linear(self.widths[-1] * high * wide, self.classes)])

    def __repr__(self):
        path = " -> ".join(map(str, ("x".join(map(str, self.image)), *self.widths, self.classes)))
        return f"CNN {path}, {self.size} parameters, {self.dtype}"


@dataclass(frozen=True, repr=False)
class DepthwiseNet(ImageModel):
    """A strided 3x3 convolution, separable blocks, the mean of every channel, a linear layer.

    Each block is a depthwise 3x3 and a pointwise 1x1 convolution, batch norm and ReLU after both:
    MobileNets (Howard et al. 2017, arXiv:1704.04861), small. ``strides`` has one entry a width.
    """

    image: tuple = (1, 28, 28)
    widths: tuple = (16, 32, 64, 64)
    strides: tuple = (2, 1, 2, 1)
    classes: int = 10
    seed: int = 0
    dtype: str = "float32"
    params: dict = field(default=None)

    def sound(self):
        object.__setattr__(self, "widths", widths_of("DepthwiseNet", self.widths))
        object.__setattr__(self, "strides", tuple(whole("DepthwiseNet", "stride", n, 1)
                                                  for n in self.strides))
        if len(self.widths) != len(self.strides):
            raise LabError(f"DepthwiseNet: {len(self.widths)} widths and {len(self.strides)} "
                           f"strides; every width has a stride.")

    @cached_property
    def net(self):
        """The layers: conv1, norm1, relu1, then twice as many for every block."""
        return self._layers(momentum=0.1)

    def _layers(self, momentum):
        layers = _conv_norm(self.image[0], self.widths[0], 3, momentum, self.strides[0])
        for i, o, stride in zip(self.widths, self.widths[1:], self.strides[1:], strict=False):
            layers += [*_conv_norm(i, i, 3, momentum, stride, groups=i),
                       *_conv_norm(i, o, 1, momentum)]
        return nn.Sequential([*layers, nn.GlobalAvgPool(),
                              nn.Linear(self.widths[-1], self.classes)])

    def settle(self, data, batches=50, size=64, seed=0):
        """The model with the running statistics of ``data``: their mean over some batches.

        Training needs none, so they are gathered when it has ended (Ioffe and Szegedy 2015,
        arXiv:1502.03167, algorithm 2); until then the model itself knows none.
        """
        has("settle", data, "a data set, as datasets.fashion() gives two", "x", "batches")
        size, batches = min(size, len(data)), whole("settle", "batches", batches, 1)
        params, drawn = self.params, data.batches(size, np.random.default_rng(seed))
        for k, (x, _) in enumerate(islice(drawn, batches), 1):
            params = nn.merge(params, self._layers(1 / k).train(params, self.shaped(x))[1])
        return self.but(params=params)

    def __repr__(self):
        path = " -> ".join(map(str, ("x".join(map(str, self.image)), *self.widths, self.classes)))
        return f"DepthwiseNet {path}, {self.size} parameters, {self.dtype}"


def _conv_norm(inputs, outputs, kernel, momentum, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, momentum=momentum), nn.Activation("relu")]
