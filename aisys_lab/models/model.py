"""What the trained models have in common: a net of layers, its parameters, a loss."""

from dataclasses import replace

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError, whole
from aisys_lab.ir import Spec, dtype_of


class Model:
    """A frozen noun with ``params``; a subclass has the fields seed, dtype, params and a ``net``.

    ``init(seed)`` returns first parameters, ``apply(params, x)`` logits, and
    ``loss(params, x, y)`` the mean cross-entropy of a training pass.
    """

    is_leaf = True

    def __post_init__(self):
        dtype_of(self.dtype)
        if self.params is None:
            object.__setattr__(self, "params", self.init(self.seed))

    def init(self, seed=0):
        """First parameters, drawn from a seed."""
        return self.net.init(seed, self.dtype)

    def apply(self, params, x):
        """Logits f[N, classes] of a batch."""
        return self.net.apply(params, self.shaped(x))

    def loss(self, params, x, y):
        """Mean cross-entropy of a batch, with the statistics of the batch where layers use them."""
        return anp.cross_entropy(self.net.train(params, self.shaped(x))[0], y)

    def __call__(self, x):
        return self.apply(self.params, x)

    def but(self, **changes):
        """The same model with fields replaced."""
        return replace(self, **changes)

    @property
    def size(self):
        """How many numbers are trained."""
        return self.net.size

    @property
    def layers(self):
        """The net as a table of layers."""
        return repr(self.net)


class ImageModel(Model):
    """A model of images: a subclass has the field ``image``, (channels, height, width)."""

    def __post_init__(self):
        if not isinstance(self.image, tuple | list) or len(self.image) != 3:
            raise LabError(f"{type(self).__name__} takes an image as (channels, height, width), "
                           f"got {self.image!r}.")
        object.__setattr__(self, "image", tuple(whole(type(self).__name__, "image", n, 1)
                                                for n in self.image))
        self.sound()
        super().__post_init__()

    def sound(self):
        """A sentence unless the other fields fit the image."""

    @property
    def spec(self):
        """A batch of inputs: f32[N,channels,height,width]."""
        return Spec(("N", *self.image), self.dtype)

    def shaped(self, x):
        """Images f[N,C,H,W], also of rows of numbers f[N,C*H*W] as ``digits`` has them."""
        shape = anp.shape(x)
        if shape[1:] == self.image:
            return x
        if shape[1:] != (int(np.prod(self.image)),):
            raise LabError(f"{self!r} takes inputs {self.spec}, got {list(shape)}.")
        return anp.reshape(x, (shape[0], *self.image))


def widths_of(model, widths):
    """Whole numbers of channels; a sentence for anything else."""
    if not isinstance(widths, tuple | list) or not widths:
        raise LabError(f"{model} takes widths as a tuple of channel counts, got {widths!r}.")
    return tuple(whole(model, "width", n, 1) for n in widths)
