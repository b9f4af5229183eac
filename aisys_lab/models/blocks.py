"""Blocks: functions from an input shape to layers, and the ways to join them."""

from aisys_lab.ir.counts import out_shape
from aisys_lab.ir.layers import layer


def cite(builder):
    """The paper in a builder's docstring, on one line."""
    return " ".join(builder.__doc__.split())


def one(kind, name, **attrs):
    """A block of one layer."""
    return lambda shape: (layer(kind, name, shape, **attrs),)


def chain(*blocks):
    """Blocks one after another: each starts from the shape that the one before leaves."""

    def build(shape):
        layers = ()
        for block in blocks:
            layers += block(shape)
            shape = out_shape(layers[-1])
        return layers

    return build


def residual(name, body, shortcut=None):
    """``body(x) + x``, or ``body(x) + shortcut(x)``."""

    def build(shape):
        layers = body(shape)
        sides = shortcut(shape) if shortcut else ()
        return (*layers, *sides, layer("add", name, out_shape(layers[-1])))

    return build


def branches(name, *blocks, taken=()):
    """Blocks side by side, joined on the channel axis; ``taken`` channels pass unchanged."""

    def build(shape):
        built = [block(shape) for block in blocks]
        shapes = [out_shape(layers[-1]) for layers in built]
        channels = sum(out[1] for out in shapes) + sum(taken)
        joined = (shapes[0][0], channels, *shapes[0][2:])
        return (*sum(built, ()), layer("concat", name, joined))

    return build


def half(block):
    """The block on half of the channels (a split is a view and moves nothing)."""
    return lambda shape: block((shape[0], shape[1] // 2, *shape[2:]))


def conv_norm(name, out, kernel, stride=1, groups=1, form="relu"):
    """Convolution without bias, batch norm, activation (none with ``form=None``)."""
    blocks = [one("conv", f"{name}.conv", out=out, kernel=kernel, stride=stride,
                  padding=kernel // 2, groups=groups, bias=False),
              one("norm", f"{name}.norm", form="batch")]
    return chain(*blocks, *([one("activation", f"{name}.act", form=form, inplace=True)]
                            if form else []))


def conv_act(name, out, kernel, stride=1, padding=0):
    """Convolution with bias, then ReLU."""
    return chain(one("conv", f"{name}.conv", out=out, kernel=kernel, stride=stride,
                     padding=padding),
                 one("activation", f"{name}.act", inplace=True))


def depthwise(name, channels, stride=1, kernel=3, form="relu"):
    """One filter a channel: as many groups as channels."""
    return conv_norm(name, channels, kernel, stride, groups=channels, form=form)


def global_pool(shape):
    """The mean of every channel."""
    return (layer("pool", "pool", shape, form="avg", kernel=shape[2]),)


def classifier(out):
    """A linear layer on flattened features."""
    return lambda shape: (layer("linear", "classifier", shape[:2], out=out),)
