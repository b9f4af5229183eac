"""Counting by doing: layers as naive loops over numbers that write down every operation."""

from itertools import product

import numpy as np


class Meter:
    """How many operations were executed, and how many weights were made."""

    def __init__(self):
        self.multiplied = self.others = self.weights = 0

    def array(self, *shape):
        """An array of numbers that report here."""
        out = np.empty(shape, object)
        for at in np.ndindex(*shape):
            out[at] = Number(self)
        return out

    def weight(self, *shape):
        out = self.array(*shape)
        self.weights += out.size
        return out

    def bias(self, wanted, size):
        """Where the accumulators start: weights, or zeros that are none."""
        return self.weight(size) if wanted else self.array(size)


class Number:
    """A number without a value: what counts is that it is used."""

    __slots__ = ("meter",)

    def __init__(self, meter):
        self.meter = meter

    def __mul__(self, other):
        self.meter.multiplied += 1
        return self

    def __add__(self, other):
        self.meter.others += 1
        return self

    __sub__ = __truediv__ = __add__


def dot(start, pairs):
    """``start`` plus the sum of products, one multiply-add after another."""
    for a, b in pairs:
        start = start + a * b
    return start


def project(x, weight, bias):
    """Rows of ``x`` through a linear layer."""
    out = np.empty((*x.shape[:-1], len(weight)), object)
    for at in np.ndindex(*out.shape):
        out[at] = dot(bias[at[-1]], zip(x[at[:-1]], weight[at[-1]], strict=True))
    return out


def run_linear(layer, x, meter):
    weight = meter.weight(layer["out"], x.shape[-1])
    return project(x, weight, meter.bias(layer["bias"], layer["out"]))


def run_conv(layer, x, meter):
    """Seven loops; windows start where they fit, at every ``stride``-th place."""
    n, channels, *sizes = x.shape
    k, pad, out, groups = (layer[key] for key in ("kernel", "padding", "out", "groups"))
    padded = meter.array(n, channels, *(size + 2 * pad for size in sizes))
    each, per = channels // groups, out // groups
    weight, bias = meter.weight(out, each, k, k), meter.bias(layer["bias"], out)
    starts = [range(0, size + 2 * pad - k + 1, layer["stride"]) for size in sizes]
    results = []
    for b, o, top, left in product(range(n), range(out), *starts):
        first = o // per * each
        window = padded[b, first:first + each, top:top + k, left:left + k]
        results.append(dot(bias[o], zip(weight[o].flat, window.flat, strict=True)))
    return np.array(results, object)


def run_attention(layer, x, meter):
    """Scores of every token with every token, head by head; the softmax is left out."""
    n, tokens, width = x.shape
    heads, shared, size = layer["heads"], layer["kv_heads"], layer["head_dim"]
    query, key, value = (project(x, meter.weight(count * size, width),
                                 meter.bias(layer["bias"], count * size))
                         for count in (heads, shared, shared))
    mixed = np.empty((n, tokens, heads * size), object)
    for b, h, t in product(range(n), range(heads), range(tokens)):
        mine = slice(h * size, h * size + size)
        at = h // (heads // shared) * size
        scores = [dot(Number(meter), zip(query[b, t, mine], key[b, s, at:at + size], strict=True))
                  for s in range(tokens)]
        for i in range(size):
            mixed[b, t, h * size + i] = dot(Number(meter),
                                            zip(scores, value[b, :, at + i], strict=True))
    return project(mixed, meter.weight(width, heads * size), meter.bias(layer["bias"], width))


def run_norm(layer, x, meter):
    """What is done an element; roots and divisions once a row are not written down."""
    form = layer["form"]
    axis = 1 if form == "batch" else x.ndim - 1
    gamma = meter.weight(x.shape[axis])
    beta = meter.weight(x.shape[axis]) if form != "rms" else None
    out, mean, spread = np.empty(x.shape, object), Number(meter), Number(meter)
    for at in np.ndindex(*x.shape):
        value = x[at]
        if form == "layer":
            mean = mean + value
        if form != "rms":
            value = value - mean
        if form != "batch":  # batch norm has its statistics from training
            spread = spread + value * value
        value = value / spread * gamma[at[axis]]
        out[at] = value if beta is None else value + beta[at[axis]]
    return out


RUN = {"linear": run_linear, "conv": run_conv, "attention": run_attention, "norm": run_norm}


def counted(layer, itemsize):
    """What ``nets.count_layer`` should give, by running the layer."""
    meter = Meter()
    x = meter.array(*layer["shape"])
    out = RUN[layer["kind"]](layer, x, meter)
    macs = 0 if layer["kind"] == "norm" else meter.multiplied
    return {"params": meter.weights, "macs": macs, "flops": meter.multiplied + meter.others,
            "in_bytes": x.size * itemsize, "out_bytes": out.size * itemsize,
            "weight_bytes": meter.weights * itemsize}
