"""What lab V.1 asks of layers: linear, convolution and layer norm, in operations with slopes."""

from math import prod

import numpy as np

from aisys_lab.exercises.declare import Case, brief, edits, equal, exercise

TAPS = '''
def forward(kind, params, x, stride=1, padding=0, groups=1, eps=1e-5):
    anp = lab.autodiff.numpy
    if kind == "layernorm":
        centred = x - anp.mean(x, -1, keepdims=True)
        variance = anp.mean(centred * centred, -1, keepdims=True)
        return centred / anp.sqrt(variance + eps) * params["gamma"] + params["beta"]
    w, b = params["w"], params.get("b", 0)
    if kind == "linear":
        return x @ w + b
    sides = (padding, padding)
    x = anp.pad(x, ((0, 0), (0, 0), sides, sides))
    n, c, high, wide = x.shape
    o, each, tall, broad = w.shape
    x = anp.reshape(x, (n, groups, each, high, wide))
    w = anp.reshape(w, (groups, o // groups, each, tall, broad))
    y = 0
    for i in range(tall):
        for j in range(broad):
            part = x[..., i:high - tall + i + 1:stride, j:wide - broad + j + 1:stride]
            y = y + anp.einsum("ngcij,goc->ngoij", part, w[..., i, j])
    y = anp.reshape(y, (n, o, *y.shape[3:]))
    return y + (anp.reshape(b, (o, 1, 1)) if "b" in params else 0)
'''
PATCHES = '''
def windows(x, w, stride):
    high, wide = (1 + (a - b) // stride for a, b in zip(x.shape[2:], w.shape[2:]))
    ends = stride * high - stride + 1, stride * wide - stride + 1
    taps = [x[:, :, i:i + ends[0]:stride, j:j + ends[1]:stride]
            for i in range(w.shape[2]) for j in range(w.shape[3])]
    return lab.autodiff.numpy.stack(taps, axis=2), high, wide

def conv(params, x, stride=1, padding=0, groups=1):
    anp, w = lab.autodiff.numpy, params["w"]
    if padding:
        rows = anp.zeros((*x.shape[:2], padding, x.shape[3]), x.dtype)
        x = anp.concatenate([rows, x, rows], 2)
        columns = anp.zeros((*x.shape[:3], padding), x.dtype)
        x = anp.concatenate([columns, x, columns], 3)
    outs, ins = len(w) // groups, w.shape[1]
    parts = []
    for g in range(groups):
        taps, high, wide = windows(x[:, g * ins:(g + 1) * ins], w, stride)
        taps = anp.reshape(taps, (len(x), -1, high * wide))
        parts.append(anp.reshape(w[g * outs:(g + 1) * outs], (outs, -1)) @ taps)
    y = anp.reshape(anp.concatenate(parts, 1), (len(x), len(w), high, wide))
    return y + anp.expand_dims(params["b"], (1, 2)) if "b" in params else y

def linear(params, x):
    y = lab.autodiff.numpy.matmul(x, params["w"])
    return y if "b" not in params else params["b"] + y

def layernorm(params, x, eps=1e-5):
    anp = lab.autodiff.numpy
    mean = anp.sum(x, -1, keepdims=True) / x.shape[-1]
    scale = (anp.sum((x - mean) ** 2, -1, keepdims=True) / x.shape[-1] + eps) ** -0.5
    return params["gamma"] * ((x - mean) * scale) + params["beta"]

def forward(kind, params, x, **settings):
    return {"conv": conv, "linear": linear, "layernorm": layernorm}[kind](params, x, **settings)
'''
WRONG_LAYERS = edits(TAPS, {
    "a true convolution, window turned": ("w[..., i, j]", "w[..., tall - 1 - i, broad - 1 - j]"),
    "pads one side only": ("sides = (padding, padding)", "sides = (padding, 0)"),
    "no padding": ("sides = (padding, padding)", "sides = (0, 0)"),
    "stride of one": ("i + 1:stride, j:wide", "i + 1:1, j:wide", "broad + j + 1:stride]",
                      "broad + j + 1:1]"),
    "one step too few": ("high - tall + i + 1", "high - tall + i"),
    "groups taken in turns": ("x = anp.reshape(x, (n, groups, each, high, wide))",
                              "x = anp.swapaxes(anp.reshape(x, (n, each, groups, high, wide)), "
                              "1, 2)"),
    "height for width": ("wide - broad + j", "high - tall + j"),
    "the mean over the group, not the sum": ("\"ngcij,goc->ngoij\", part",
                                             "\"ngcij,goc->ngoij\", part / each"),
    "forgets the bias of a convolution": (' + (anp.reshape(b, (o, 1, 1)) if "b" in params else 0)',
                                          ""),
    "forgets the bias of a linear layer": ("x @ w + b", "x @ w"),
    "eps outside the root": ("anp.sqrt(variance + eps)", "(anp.sqrt(variance) + eps)"),
    "eps of its own": ("variance + eps", "variance + 1e-5"),
    "variance with n - 1": ("anp.mean(centred * centred, -1, keepdims=True)",
                            "anp.sum(centred * centred, -1, keepdims=True) / (x.shape[-1] - 1)"),
    "norm over the first axis": ("x - anp.mean(x, -1", "x - anp.mean(x, 0",
                                 "anp.mean(centred * centred, -1", "anp.mean(centred * centred, 0"),
    "slope before the norm": (' * params["gamma"] + params["beta"]',
                              ' * (params["gamma"] + params["beta"])'),
    "the deviation as a constant": ("anp.sqrt(variance + eps)",
                                    "anp.stop_gradient(anp.sqrt(variance + eps))"),
})


def oracle(kind, params, x, stride=1, padding=0, groups=1, eps=1e-5):
    """The layer in plain NumPy, a convolution window by window."""
    if kind == "linear":
        return x @ params["w"] + params.get("b", 0.0)
    if kind == "layernorm":
        return ((x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
                * params["gamma"] + params["beta"])
    w = params["w"]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    sizes = [(a - b) // stride + 1 for a, b in zip(x.shape[2:], w.shape[2:], strict=True)]
    out = np.zeros((len(x), len(w), *sizes), x.dtype)
    for o, i, j in np.ndindex(len(w), *sizes):
        first = o // (len(w) // groups) * w.shape[1]
        window = x[:, first:first + w.shape[1], i * stride:i * stride + w.shape[2],
                   j * stride:j * stride + w.shape[3]]
        out[:, o, i, j] = (window * w[o]).sum((1, 2, 3))
    return out + params.get("b", np.zeros(1, x.dtype))[:, None, None]


@exercise("nn.forward", code="V.1-D", points=6, mutants=WRONG_LAYERS, driver="layer",
          different={"tap by tap": TAPS, "patches and products": PATCHES},
          hides=("autodiff.nn.forward:forward", "autodiff.nn.forward:FORWARD[linear]",
                 "autodiff.nn.forward:FORWARD[conv]", "autodiff.nn.forward:FORWARD[layernorm]",
                 "autodiff.numpy.convolution:_conv", "autodiff.numpy.convolution:_conv_transpose",
                 "ir.convolution:_conv", "autodiff.numpy.norms:layernorm",
                 "autodiff.numpy.norms:_standard"))
def forward(answer, rng):
    """forward(kind, params, x, **settings) computes a layer in the operations of
    lab.autodiff.numpy, so that it can be differentiated and traced. kind 'linear': x f[..., I],
    params w f[I,O] and perhaps b f[O]; x w + b. 'conv': x f[N,C,H,W], params w f[O,C/groups,h,w]
    and perhaps b f[O]; settings stride=1, padding=0 (zeros on all four sides), groups=1; the
    result f[N,O,…] at (i, j) is the sum of w times the window of x whose corner is at
    (i stride, j stride), as PyTorch has it: w is not turned. With groups, the k-th part of the
    outputs sees the k-th part of the channels. 'layernorm': params gamma, beta f[I], setting
    eps=1e-5: x less its mean over the last axis, over the root of its variance (the mean square)
    plus eps, times gamma, plus beta. f32 in gives f32
    out. The namespace's own conv2d and layernorm are hidden while you are graded."""
    for kind, params, x, settings in _layers(rng):
        shapes = {name: list(value.shape) for name, value in params.items()}
        given = f"forward({kind!r}, {shapes}, x {list(x.shape)}, {settings})"
        want = oracle(kind, params, x, **settings)
        came = answer("result", kind, params, x, settings)
        yield Case(equal(want, came, 1e-9), f"{given}: expected {brief(want)}, came {brief(came)}")
        yield _sloped(answer, rng, given, kind, params, x, settings, want.shape)
    narrow = {name: value.astype(np.float32) for name, value in params.items()}
    came = answer("result", kind, narrow, x.astype(np.float32), settings)
    yield Case(getattr(came, "dtype", None) == np.float32,
               f"{given} in f32: expected f32, came {getattr(came, 'dtype', type(came))}")


def _layers(rng):
    """``(kind, params, x, settings)`` by chance, the small cases first."""
    def draw(*shape):
        return rng.standard_normal([int(n) for n in shape])
    for kind, bias in (("linear", False), ("linear", True)):
        i, o, *lead = rng.integers(2, 6, 2 + 2 * bias)
        yield kind, {"w": draw(i, o)} | ({"b": draw(o)} if bias else {}), draw(*lead, 3, i), {}
    for bias, groups, stride, padding in rng.permutation(
            [(0, 1, 1, 0), (1, 1, 2, 1), (0, 2, 1, 2), (1, 3, 3, 1), (1, 2, 2, 0)]).tolist():
        n, each, outs, tall, broad, more = map(int, rng.integers(2, 5, 6))
        shape = (n, groups * each, tall + more + stride, broad + more + 2 * stride + 1)
        params = {"w": draw(groups * outs, each, tall, broad + 1)}
        settings = {"stride": stride, "padding": padding, "groups": groups}
        yield "conv", params | ({"b": draw(groups * outs)} if bias else {}), draw(*shape), settings
    i, *lead = rng.integers(3, 6, 3)
    yield "layernorm", {"gamma": draw(i), "beta": draw(i)}, draw(4, i), {}
    yield "layernorm", {"gamma": draw(i), "beta": draw(i)}, draw(*lead, i), {"eps": 0.3}


def _sloped(answer, rng, given, kind, params, x, settings, shape):
    """Slopes along a random direction against central differences of the oracle."""
    g, h = rng.standard_normal(shape), 1e-5
    move = {name: rng.standard_normal(value.shape) for name, value in params.items()}
    along = rng.standard_normal(x.shape)
    ahead, behind = (oracle(kind, {name: value + s * move[name] for name, value in params.items()},
                            x + s * along, **settings) for s in (h, -h))
    want = float((g * (ahead - behind)).sum() / (2 * h))
    slopes, slope = answer("slopes", kind, params, x, settings, g)
    came = float((slope * along).sum() + sum((slopes[name] * move[name]).sum() for name in params))
    scale = max(1.0, abs(want), float(np.abs(g).sum()) / prod(shape))
    return Case(abs(came - want) < 1e-5 * scale, f"{given}: expected a slope of {want:.6g} along a "
                                                 f"direction, came {came:.6g}")
