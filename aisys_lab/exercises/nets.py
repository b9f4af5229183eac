"""What the labs ask about networks: the cost of a layer."""

from aisys_lab.exercises.declare import Case, edits, equal, exercise
from aisys_lab.exercises.loops import counted
from aisys_lab.ir.counts import EXERCISED, values_of
from aisys_lab.ir.layers import layer
from aisys_lab.models.nets import NETS


def differences(given, want, came):
    """The case that two dicts agree, told by the keys in which they do not."""
    if not isinstance(came, dict):
        return Case(False, f"{given}: expected a dict of {', '.join(want)}, came {came!r}")
    wrong = [key for key in want if key not in came or not equal(want[key], came[key])]
    extra = [f"no {key!r}" for key in came.keys() - want.keys()]
    expected = [f"{key} = {want[key]}" for key in wrong] + extra
    got = [f"{key} = {came[key]}" if key in came else f"no {key}" for key in wrong] + [
        f"{key!r}" for key in came.keys() - want.keys()]
    return Case(not expected, f"{given}: expected {'; '.join(expected)}; came {'; '.join(got)}")


BY_KIND = '''
from math import prod

def count_layer(layer, itemsize=4):
    kind, shape = layer["kind"], layer["shape"]
    out, flops, macs = list(shape), None, 0
    if kind == "linear":
        out[-1] = layer["out"]
        macs = prod(shape) * layer["out"]
        params = layer["out"] * (shape[-1] + layer["bias"])
    elif kind == "conv":
        taps = shape[1] // layer["groups"] * layer["kernel"] ** 2
        out[1] = layer["out"]
        for axis in (2, 3):
            room = shape[axis] + 2 * layer["padding"] - layer["kernel"]
            out[axis] = room // layer["stride"] + 1
        macs = prod(out) * taps
        params = layer["out"] * taps + layer["out"] * layer["bias"]
    elif kind == "attention":
        n, tokens, width = shape
        q, kv = layer["heads"] * layer["head_dim"], layer["kv_heads"] * layer["head_dim"]
        weights = width * (q + kv + kv + q)
        macs = n * tokens * weights + 2 * n * tokens ** 2 * q
        params = weights + layer["bias"] * (q + 2 * kv + width)
    else:
        features = shape[1] if layer["form"] == "batch" else shape[-1]
        params = features * (1 if layer["form"] == "rms" else 2)
        flops = prod(shape) * (7 if layer["form"] == "layer" else 4)
    return {"params": params, "macs": macs, "flops": flops or 2 * macs,
            "in_bytes": prod(shape) * itemsize, "out_bytes": prod(out) * itemsize,
            "weight_bytes": params * itemsize}
'''
BY_ARRAYS = '''
def linear(rows, inputs, outputs, bias):
    return np.array([inputs * outputs + bias * outputs, rows * inputs * outputs])

def count_layer(layer, itemsize=4):
    shape, form = np.array(layer["shape"]), layer.get("form")
    size = result = shape.prod()
    flops = {"batch": 4, "rms": 4, "layer": 7}.get(form, 0) * size
    if layer["kind"] == "linear":
        total = linear(size // shape[-1], shape[-1], layer["out"], layer["bias"])
        result = size // shape[-1] * layer["out"]
    if layer["kind"] == "conv":
        high, wide = (len(range(0, n + 2 * layer["padding"] - layer["kernel"] + 1,
                                layer["stride"])) for n in layer["shape"][2:])
        g, pixels = layer["groups"], shape[0] * high * wide
        total = g * linear(pixels, shape[1] // g * layer["kernel"] ** 2, layer["out"] // g,
                           layer["bias"])
        result = pixels * layer["out"]
    if layer["kind"] == "attention":
        n, s, d = layer["shape"]
        wide = [layer[key] * layer["head_dim"] for key in ("heads", "kv_heads", "kv_heads")]
        total = sum(linear(n * s, d, w, layer["bias"]) for w in wide)
        total = total + linear(n * s, wide[0], d, layer["bias"]) + [0, 2 * n * s * s * wide[0]]
    if layer["kind"] == "norm":
        features = shape[{"batch": 1}.get(form, -1)]
        total = np.array([(2 - (form == "rms")) * features, 0])
    return {"weight_bytes": total[0] * itemsize, "params": total[0], "macs": total[1],
            "flops": flops + 2 * total[1], "in_bytes": size * itemsize,
            "out_bytes": result * itemsize}
'''
WRONG_COUNTS = edits(BY_KIND, {
    "forgets groups": ('shape[1] // layer["groups"]', "shape[1]"),
    "counts the bias twice": ('layer["out"] * layer["bias"]', '2 * layer["out"] * layer["bias"]'),
    "rounds the output size up": ('room // layer["stride"]', '-(-room // layer["stride"])'),
    "takes a MAC for one FLOP": ("flops or 2 * macs", "flops or macs"),
    "input size for output size": ('room // layer["stride"] + 1', "shape[axis]"),
    "pads one side only": ('2 * layer["padding"]', 'layer["padding"]'),
    "takes images for square": ("out[axis] = room", "out[2] = out[3] = room"),
    "a bias always": ("(shape[-1] + layer[\"bias\"])", "(shape[-1] + 1)"),
    "all heads have their own keys": ('layer["kv_heads"] *', 'layer["heads"] *'),
    "forgets scores and mixing": (" + 2 * n * tokens ** 2 * q", ""),
    "forgets the output projection": ("(q + kv + kv + q)", "(q + kv + kv)"),
    "batch norm by the last axis": ('shape[1] if layer["form"] == "batch" else ', ""),
    "every norm has a shift": ('(1 if layer["form"] == "rms" else 2)', "2"),
    "a value has four bytes": ('prod(out) * itemsize', "prod(out) * 4"),
})
PUBLISHED = {  # parameters, and the MACs at 224×224 where papers give them
    "resnet-50": (25_557_032, 4_089_184_256), "mobilenet-v1": (4_231_976, 568_740_352),
    "mobilenet-v2": (3_504_872, 300_774_272), "squeezenet-1.0": (1_248_424, 818_924_576),
    "squeezenet-1.1": (1_235_496, 349_151_936), "shufflenet-v2": (2_278_604, 144_907_992),
    "gpt2-small": (124_439_808, None), "bert-base": (109_482_240, None),
    "llama-2-7b": (6_738_415_616, None), "llama-2-70b": (68_976_648_192, None)}


@exercise("nets.count_layer", code="I.1-A", points=8, mutants=WRONG_COUNTS,
          different={"kind by kind": BY_KIND, "with arrays": BY_ARRAYS},
          hides=("ir.counts:count_values", "ir.counts:count_layer", "ir.counts:values_of",
                 "ir.counts:count_linear", "ir.counts:count_conv", "ir.counts:count_attention",
                 "ir.counts:count_norm"))
def count_layer(answer, rng):
    """count_layer(layer, itemsize=4) gives a dict of params, macs, flops, in_bytes, out_bytes,
    weight_bytes. layer is a dict with kind, shape (what goes in, batch first) and: linear: out,
    bias; conv (N, C, H, W): out, kernel, stride, padding, groups, bias; attention (N, tokens,
    width): heads, kv_heads, head_dim, bias; norm: form. A MAC is a multiply-add of a matrix
    product, and two FLOPs; a bias costs none. Attention projects to query, key, value and back,
    and multiplies all tokens by all, twice; the softmax is not counted. A norm has no MACs; it
    costs 4 FLOPs an element (batch, rms) or 7 (layer), and has 2 weights a feature (axis 1 for
    batch, else the last), 1 for rms. Bytes are values times itemsize."""
    for drawn in _layers(rng):
        itemsize = int(rng.choice([1, 2, 8]))
        want, came = counted(drawn, itemsize), answer(drawn, itemsize)
        case = differences(f"count_layer({drawn}, {itemsize})", want, came)
        yield case
        if not case.ok:
            return
    conv = _conv(rng, 1)
    more = {**conv, "shape": [3 * conv["shape"][0], *conv["shape"][1:]]}
    one, three = answer(conv), answer(more)
    yield Case(three["macs"] == 3 * one["macs"] and three["params"] == one["params"],
               f"{conv} at three times the batch: expected the same params and 3 × "
               f"{one['macs']} MACs; came {three['params']} and {three['macs']}")
    yield from _published(answer)


def _layers(rng):
    """Small layers that take every turn: groups, remainders, shared heads, all norms."""
    yield from (_conv(rng, groups) for groups in (1, 2, 3, 2))
    for lead, bias in (((), True), ((3,), False)):
        n, inputs, out = map(int, rng.integers(1, 6, 3))
        yield layer("linear", "fc", (n, *lead, inputs), out=out, bias=bias).plain
    for shared, bias in ((1, True), (2, False)):
        n, tokens, width, size = map(int, rng.integers(2, 5, 4))
        yield layer("attention", "attention", (n, tokens, width), heads=2 * shared,
                    kv_heads=shared, head_dim=size, bias=bias).plain
    for form in ("batch", "layer", "rms"):
        shape = rng.permutation([2, 3, 4, 5])[:4 if form == "batch" else 3]
        yield layer("norm", "norm", shape, form=form).plain


def _conv(rng, groups):
    """A convolution whose windows leave a remainder, on an image that is not square."""
    stride, padding, kernel = int(rng.integers(2, 4)), int(rng.integers(1, 3)), 3
    high = kernel - 2 * padding + stride * int(rng.integers(2, 4)) + 1
    wide = high + stride
    each, per = map(int, rng.integers(1, 3, 2))
    return layer("conv", "conv", (int(rng.integers(1, 3)), groups * each, high, wide),
                 out=groups * per, kernel=kernel, stride=stride, padding=padding, groups=groups,
                 bias=bool(groups > 1)).plain


def _published(answer):
    """Totals of whole networks: the answer's layers, and those that it is not asked for."""
    known = {}
    for name, (params, macs) in PUBLISHED.items():
        rows = [(row, str((row.kind, row.shape, row.attrs))) for row in NETS[name]]
        for row, key in rows:
            if key not in known:
                known[key] = (answer if row.kind in EXERCISED else values_of)(row.plain)
        came = (sum(known[key]["params"] for row, key in rows if "tied" not in row.attrs),
                sum(known[key]["macs"] for _, key in rows))
        yield Case(came[0] == params and macs in (None, came[1]),
                   f"{NETS[name].name}, sum of all layers: expected {params} params and "
                   f"{macs or 'any number of'} MACs, came {came[0]} and {came[1]}")
