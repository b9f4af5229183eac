"""Two small nets for images: a plain one, and one of depthwise-separable blocks."""

from dataclasses import dataclass, field
from functools import cached_property

from aisys_lab.autodiff import nn
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError, whole
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
        layers = _conv_norm(self.image[0], self.widths[0], 3, self.strides[0])
        for i, o, stride in zip(self.widths, self.widths[1:], self.strides[1:], strict=False):
            layers += [*_conv_norm(i, i, 3, stride, groups=i), *_conv_norm(i, o, 1)]
        return nn.Sequential([*layers, nn.GlobalAvgPool(),
                              nn.Linear(self.widths[-1], self.classes)])

    def train_loss(self, params, x, y, key=None):
        """``(loss, statistics)``: the loss, and running statistics moved towards the batch."""
        logits, statistics = self.net.train(params, self.shaped(x))
        return anp.cross_entropy(logits, y), statistics

    def __repr__(self):
        path = " -> ".join(map(str, ("x".join(map(str, self.image)), *self.widths, self.classes)))
        return f"DepthwiseNet {path}, {self.size} parameters, {self.dtype}"


def _conv_norm(inputs, outputs, kernel, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs), nn.Activation("relu")]
