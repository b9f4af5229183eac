"""How torch's operations for networks are called in our namespace, and as our layers."""

import math

import numpy as np

from aisys_lab.autodiff import numpy as anp
from autodiff.opinfo import composed, first, row

# ---- convolution and pooling, of images with or without the axis of the batch

def images(axes):
    """The function on a batch, whose axis torch allows to be left out; ``axes`` are of images."""
    def call(f, x, *args, **kwargs):
        return f(x, *args, **kwargs) if x.ndim == axes + 2 else f(x[None], *args, **kwargs)[0]
    return call


def conv(axes):
    def call(f, x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return images(axes)(f, x, w, stride=stride, padding=0 if padding == "valid" else padding,
                            dilation=dilation, groups=groups, bias=bias)
    return call


def conv_transpose(axes):
    def call(f, x, w, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        return images(axes)(f, x, w, stride=stride, padding=padding, groups=groups, bias=bias,
                            output_padding=output_padding, dilation=dilation)
    return call


def max_pool(axes):
    def call(f, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
             return_indices=False):
        sizes = [np.broadcast_to(given, axes) for given in (
            kernel_size, kernel_size if stride is None else stride, padding)]
        pads = [(p, p + ceil_mode * missing(n, k, s, p)) for n, k, s, p in zip(
            x.shape[-axes:], *sizes, strict=True)]
        return images(axes)(f, x, kernel_size, stride, pads)
    return call


def missing(n, k, s, p):
    """How much torch's ceil_mode pads at the end, for a window that starts inside."""
    steps = -(-(n + 2 * p - k) // s)
    steps -= steps * s >= n + p
    return max(steps * s + k - n - 2 * p, 0)


def avg_pool(axes):
    def call(f, x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
        return images(axes)(f, x, kernel_size, stride or None, padding, count_include_pad)
    return call


def adaptive(f, x, size):
    """torch's None stands for the size that the image has."""
    size = size if isinstance(size, tuple) else (size, size)
    return images(2)(f, x, [n if s is None else s for n, s in zip(x.shape[-2:], size, strict=True)])


def given(name, at, common):
    """A predicate of samples: a keyword (or the argument at that place) is not as is common."""
    def holds(*args, **kwargs):
        value = kwargs.get(name, args[at] if len(args) > at else common)
        return set(np.ravel(value).tolist()) != {common}
    return holds


CEILING = {"ceil_mode": given("ceil_mode", 4, False),
           "divisor_override": given("divisor_override", 6, None)}
DILATION = {"dilation": given("dilation", 99, 1)}
IMAGES = {
    "nn_functional_conv1d": row("conv1d", conv(1)), "nn_functional_conv2d": row("conv2d", conv(2)),
    "nn_functional_conv3d": row("conv3d", conv(3)),
    "nn_functional_conv_transpose1d": row("conv_transpose1d", conv_transpose(1)),
    "nn_functional_conv_transpose2d": row("conv_transpose2d", conv_transpose(2), unless={
        "output_padding beyond the stride": lambda *args, stride=1, output_padding=0, **kwargs:
        np.any(np.greater_equal(output_padding, stride))}),
    "nn_functional_max_pool1d": row("max_pool1d", max_pool(1), first, unless=DILATION),
    "nn_functional_max_pool2d": row("max_pool2d", max_pool(2), first, unless=DILATION),
    "nn_functional_avg_pool1d": row("avg_pool1d", avg_pool(1), unless=CEILING),
    "nn_functional_avg_pool2d": row("avg_pool2d", avg_pool(2), unless=CEILING,
                                    few="most samples ask for ceil_mode or divisor_override"),
    "nn_functional_adaptive_avg_pool2d": row("adaptive_avg_pool2d", adaptive),
}


# ---- activations and losses

def steep(f, x, beta=1, threshold=20):
    """torch's softplus goes over to the identity beyond a threshold."""
    return anp.where(beta * x > threshold, x, f(beta * x) / beta)


def classes_last(f, x, target):
    """torch's classes stand on axis 1."""
    return f(x.transpose((0, *range(2, x.ndim), 1)), target)


MEAN = {"reduction other than mean": lambda x, y, reduction="mean", **kwargs: reduction != "mean"}
NETS = {
    "nn_functional_gelu": row("gelu", lambda f, x, approximate="none": f(x, approximate)),
    "nn_functional_silu": row("silu"), "nn_functional_logsigmoid": row("log_sigmoid"),
    "nn_functional_elu": row("elu"), "nn_functional_leaky_relu": row(
        "leaky_relu", negative_slope="slope"),
    "nn_functional_softplus": row("softplus", steep),
    "nn_functional_hardtanh": row("clip", lambda f, x, min_val=-1, max_val=1: f(
        x, min_val, max_val), unless={"an empty range": lambda x, min_val=-1, max_val=1:
                                      min_val == max_val}),
    "nn_functional_relu6": row("clip", lambda f, x: f(x, 0, 6)),
    "nn_functional_mse_loss": row("mse", lambda f, x, y, reduction="mean": f(x, y), unless=MEAN),
    "nn_functional_softmin": row("softmax", lambda f, x, dim: f(-x, dim)),
    "nn_functional_cross_entropy": row(
        "cross_entropy", lambda f, x, target, reduction="mean": classes_last(f, x, target),
        unless={**MEAN, "probabilities as target": lambda x, target, **kwargs:
                target.dtype.kind == "f"},
        few="our loss has one reduction, and classes as labels"),
}


# ---- normalisation and attention

def group_norm(f, x, groups, weight=None, bias=None, eps=1e-5):
    return f(x, groups, *affine(x, weight, bias), eps)


def instance_norm(f, x, running_mean=None, running_var=None, weight=None, bias=None,
                  use_input_stats=True, momentum=0.1, eps=1e-5):
    """Every channel a group."""
    return f(x, x.shape[1], *affine(x, weight, bias), eps)


def batch_norm(f, x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    statistics = (None, None) if training else (mean, var)
    return f(x, *affine(x, weight, bias), *statistics, eps)[0]


def layer_norm(f, x, shape, weight=1, bias=0, eps=1e-5):
    """torch's may go over several axes."""
    flat, gamma, beta = (a.reshape((*a.shape[:a.ndim - len(shape)], math.prod(shape)))
                         if hasattr(a, "shape") else a for a in (x, weight, bias))
    return f(flat, gamma, beta, eps).reshape(x.shape)


def rms_norm(f, x, shape, weight=1, eps=2.0 ** -52):
    return layer_norm(lambda x, gamma, _, eps: f(x, gamma, eps), x, shape, weight, 0, eps)


def affine(x, weight, bias):
    """torch's None for ones and zeros."""
    return (np.ones(x.shape[1]) if weight is None else weight,
            np.zeros(x.shape[1]) if bias is None else bias)


def attention(f, q, k, v, is_causal=False, dropout_p=0.0):
    return f(q, k, v, is_causal)


NORMS = {
    "nn_functional_group_norm": row("groupnorm", group_norm),
    "nn_functional_instance_norm": row("groupnorm", instance_norm),
    "nn_functional_batch_norm": row("batchnorm", batch_norm, unless={
        "no axis of channels": lambda x, *args, **kwargs: x.ndim < 2}),
    "nn_functional_layer_norm": row("layernorm", layer_norm),
    "nn_functional_rms_norm": row("rmsnorm", rms_norm),
    "nn_functional_scaled_dot_product_attention": row("nn.attention", attention, unless={
        "dropout": given("dropout_p", 99, 0.0), "the corner from which a wide mask counts":
        lambda q, k, v, is_causal=False, **kwargs: is_causal and q.shape[-2] != k.shape[-2]},
        few="half of the samples drop out"),
}


# ---- what is one op in torch, and here composed of others

def reduced(xp, losses, reduction="mean"):
    if reduction == "batchmean":
        return xp.sum(losses) / losses.shape[0]
    return losses if reduction == "none" else getattr(xp, reduction)(losses)


COMPOSED = {name: composed(call) for name, call in {
    "addmm": lambda xp, x, a, b, beta=1, alpha=1: beta * x + alpha * (a @ b),
    "addmv": lambda xp, x, a, b, beta=1, alpha=1: beta * x + alpha * (a @ b),
    "addr": lambda xp, x, a, b, beta=1, alpha=1: beta * x + alpha * xp.outer(a, b),
    "baddbmm": lambda xp, x, a, b, beta=1, alpha=1: beta * x + alpha * (a @ b),
    "addbmm": lambda xp, x, a, b, beta=1, alpha=1: beta * x + alpha * xp.sum(a @ b, 0),
    "addcmul": lambda xp, x, a, b, value=1: x + value * a * b,
    "addcdiv": lambda xp, x, a, b, value=1: x + value * a / b,
    "lerp": lambda xp, x, y, w: x + w * (y - x),
    "rsub": lambda xp, x, y, alpha=1: y - alpha * x,
    "rsqrt": lambda xp, x: 1 / xp.sqrt(x), "special_xlog1py": lambda xp, x, y: x * xp.log1p(y),
    "nn_functional_linear": lambda xp, x, w, b=0: x @ w.T + b,
    "nn_functional_softsign": lambda xp, x: x / (1 + abs(x)),
    "nn_functional_tanhshrink": lambda xp, x: x - xp.tanh(x),
    "nn_functional_mish": lambda xp, x: x * xp.tanh(xp.softplus(x)),
    "nn_functional_l1_loss": lambda xp, x, y, reduction="mean": reduced(xp, abs(x - y), reduction),
    "nn_functional_huber_loss": lambda xp, x, y, reduction="mean", delta=1: reduced(
        xp, xp.where(abs(x - y) < delta, (x - y) ** 2 / 2, delta * (abs(x - y) - delta / 2)),
        reduction),
    "nn_functional_binary_cross_entropy_with_logits":
        lambda xp, x, y, weight=1, pos_weight=1, reduction="mean": reduced(
            xp, -weight * (pos_weight * y * xp.log_sigmoid(x) + (1 - y) * xp.log_sigmoid(-x)),
            reduction),
    "nn_functional_kl_div": lambda xp, x, y, reduction="mean", log_target=False: reduced(
        xp, xp.exp(y) * (y - x) if log_target else y * (xp.log(y) - x),
        reduction),
    "nn_functional_pixel_shuffle": lambda xp, x, upscale_factor: shuffled(xp, x, upscale_factor),
}.items()}


def shuffled(xp, x, r):
    n, c, h, w = x.shape
    x = xp.reshape(x, (n, c // (r * r), r, r, h, w))
    return xp.reshape(xp.transpose(x, (0, 1, 4, 2, 5, 3)), (n, c // (r * r), h * r, w * r))


ROWS = IMAGES | NETS | NORMS | COMPOSED
