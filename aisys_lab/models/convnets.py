"""Six convolutional networks as layer tables, block by block as their papers print them."""

from aisys_lab.ir.network import Network
from aisys_lab.models.blocks import (
    branches,
    chain,
    cite,
    classifier,
    conv_act,
    conv_norm,
    depthwise,
    global_pool,
    half,
    one,
    residual,
)


def _image_net(name, builder, size, *blocks):
    return Network(name, chain(*blocks)((1, 3, size, size)), cite(builder))


# ---- ResNet

def bottleneck(name, width, out, stride=1, project=False):
    """1×1 down, 3×3, 1×1 up, and the input added back. The stride sits on the 3×3 («v1.5»)."""
    body = chain(conv_norm(f"{name}.1", width, 1), conv_norm(f"{name}.2", width, 3, stride),
                 conv_norm(f"{name}.3", out, 1, form=None))
    shortcut = conv_norm(f"{name}.short", out, 1, stride, form=None) if project else None
    return chain(residual(f"{name}.add", body, shortcut),
                 one("activation", f"{name}.act", inplace=True))


def resnet50(size=224, classes=1000):
    """He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016."""
    stages = [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]  # width, blocks, stride
    blocks = [bottleneck(f"stage{s}.{b}", width, 4 * width, stride if b == 1 else 1, b == 1)
              for s, (width, count, stride) in enumerate(stages, 1) for b in range(1, count + 1)]
    return _image_net("ResNet-50", resnet50, size, conv_norm("stem", 64, 7, 2),
                      one("pool", "stem.pool", kernel=3, stride=2, padding=1), *blocks,
                      global_pool, classifier(classes))


# ---- MobileNet

def separable(name, channels, out, stride=1):
    """A depthwise 3×3, then a pointwise 1×1."""
    return chain(depthwise(f"{name}.depth", channels, stride),
                 conv_norm(f"{name}.point", out, 1))


def mobilenet_v1(size=224, classes=1000):
    """Howard, Zhu, Chen, et al., MobileNets: Efficient Convolutional Neural Networks for Mobile
    Vision Applications, arXiv:1704.04861, 2017."""
    outs = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    rows = zip([32, *outs], outs, strides, strict=False)
    return _image_net("MobileNetV1", mobilenet_v1, size, conv_norm("stem", 32, 3, 2),
                      *[separable(f"block{i}", *row) for i, row in enumerate(rows, 1)],
                      global_pool, classifier(classes))


def inverted(name, channels, out, stride, expand):
    """1×1 up, depthwise 3×3, linear 1×1 down; added back where the shape stays."""
    wide = channels * expand
    up = [conv_norm(f"{name}.up", wide, 1, form="relu6")] if expand > 1 else []
    body = chain(*up, depthwise(f"{name}.depth", wide, stride, form="relu6"),
                 conv_norm(f"{name}.down", out, 1, form=None))
    return residual(f"{name}.add", body) if stride == 1 and channels == out else body


def mobilenet_v2(size=224, classes=1000):
    """Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2: Inverted Residuals and Linear
    Bottlenecks, CVPR 2018."""
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),  # Table 2: t, c, n, s
             (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    blocks, channels = [], 32
    for expand, out, repeat, stride in table:
        for i in range(repeat):
            blocks.append(inverted(f"block{len(blocks) + 1}", channels, out,
                                   stride if i == 0 else 1, expand))
            channels = out
    return _image_net("MobileNetV2", mobilenet_v2, size,
                      conv_norm("stem", 32, 3, 2, form="relu6"), *blocks,
                      conv_norm("last", 1280, 1, form="relu6"), global_pool, classifier(classes))


# ---- SqueezeNet

def fire(name, squeeze, expand):
    """1×1 down, then 1×1 and 3×3 side by side."""
    return chain(conv_act(f"{name}.squeeze", squeeze, 1),
                 branches(f"{name}.join", conv_act(f"{name}.1x1", expand, 1),
                          conv_act(f"{name}.3x3", expand, 3, padding=1)))


FIRES = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]


def _squeezenet(name, builder, size, classes, stem, pooled):
    """Eight fire modules with a rounded-up max pool before those numbered in ``pooled``."""
    blocks = [stem]
    for number, widths in enumerate(FIRES, 2):
        if number in pooled:
            blocks.append(one("pool", f"pool{number}", kernel=3, stride=2, ceil=True))
        blocks.append(fire(f"fire{number}", *widths))
    return _image_net(name, builder, size, *blocks, conv_act("classifier", classes, 1),
                      global_pool)


def squeezenet10(size=224, classes=1000):
    """Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, SqueezeNet: AlexNet-level accuracy with
    50x fewer parameters and <0.5MB model size, arXiv:1602.07360, 2016."""
    return _squeezenet("SqueezeNet 1.0", squeezenet10, size, classes,
                       conv_act("stem", 96, 7, 2), (2, 5, 9))


def squeezenet11(size=224, classes=1000):
    """Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, SqueezeNet, arXiv:1602.07360, 2016; release
    1.1 of the authors' repository pools earlier and starts with 64 filters of 3×3."""
    return _squeezenet("SqueezeNet 1.1", squeezenet11, size, classes,
                       conv_act("stem", 64, 3, 2), (2, 4, 6))


# ---- ShuffleNet

def shuffle_unit(name, out):
    """Half of the channels pass; the other half go through 1×1, depthwise 3×3, 1×1."""
    width = out // 2
    body = chain(conv_norm(f"{name}.1", width, 1), depthwise(f"{name}.2", width, form=None),
                 conv_norm(f"{name}.3", width, 1))
    return chain(branches(f"{name}.join", half(body), taken=(width,)),
                 one("shuffle", f"{name}.shuffle", groups=2))


def shuffle_down(name, channels, out):
    """The unit that halves the image: both branches work, on all channels."""
    width = out // 2
    left = chain(depthwise(f"{name}.left1", channels, 2, form=None),
                 conv_norm(f"{name}.left2", width, 1))
    right = chain(conv_norm(f"{name}.1", width, 1), depthwise(f"{name}.2", width, 2, form=None),
                  conv_norm(f"{name}.3", width, 1))
    return chain(branches(f"{name}.join", left, right),
                 one("shuffle", f"{name}.shuffle", groups=2))


def shufflenet_v2(size=224, classes=1000, outs=(116, 232, 464, 1024)):
    """Ma, Zhang, Zheng, Sun, ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture
    Design, ECCV 2018."""
    blocks, channels = [], 24
    for stage, (out, repeat) in enumerate(zip(outs, (4, 8, 4), strict=False), 2):
        names = [f"stage{stage}.{i}" for i in range(1, repeat + 1)]
        blocks += [shuffle_down(names[0], channels, out),
                   *[shuffle_unit(name, out) for name in names[1:]]]
        channels = out
    return _image_net("ShuffleNetV2 1.0x", shufflenet_v2, size,
                      conv_norm("stem", 24, 3, 2),
                      one("pool", "stem.pool", kernel=3, stride=2, padding=1), *blocks,
                      conv_norm("last", outs[-1], 1), global_pool, classifier(classes))
