"""What a layer costs: parameters, multiply-adds, operations and bytes, one rule a kind.

MACs are the multiply-adds of matrix products (linear, conv, attention), as published totals count
them; the accumulator starts at the bias, so a bias costs none. A MAC is two FLOPs. The other
kinds have FLOPs only: operations an element, without what is done once a row (a root, a
division), and attention is counted without mask, scaling and softmax.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from aisys_lab.core import LabError, Table, slot
from aisys_lab.core.text import count as spaced
from aisys_lab.core.text import si
from aisys_lab.ir.layers import Layer, axes

SIZES = {"f64": 8, "f32": 4, "bf16": 2, "f16": 2, "i8": 1}  # bytes of a value
EXERCISED = ("linear", "conv", "attention", "norm")  # kinds that exercise I.1-A asks for
KEYS = dict.fromkeys(("params", "macs", "flops", "in_bytes", "out_bytes", "weight_bytes"))
ID_SIZE = 8  # a token id is an int64
NORMS = {"batch": (2, 4), "layer": (2, 7), "rms": (1, 4)}  # weights a feature, FLOPs an element
ACTIVATIONS = {"relu": 1, "relu6": 2, "tanh": 1, "silu": 4, "gelu": 9}  # FLOPs an element

COUNTS = Table("COUNTS", "counting rules: layer -> Tally", noun="kind")


class Tally(NamedTuple):
    """One layer in elements: output shape, parameters, work; ``read`` weights if not all."""

    out: tuple
    params: int = 0
    macs: int = 0
    flops: int | None = None
    read: int | None = None
    inputs: int = 1


@COUNTS.row("linear")
def count_linear(layer):
    *lead, width = layer["shape"]
    params = layer["out"] * (width + layer["bias"])
    return Tally((*lead, layer["out"]), params, prod(lead) * width * layer["out"])


@COUNTS.row("conv")
def count_conv(layer):
    n, channels, high, wide = layer["shape"]
    taps = channels // layer["groups"] * layer["kernel"] ** 2
    out = (n, layer["out"], slid(high, layer), slid(wide, layer))
    return Tally(out, layer["out"] * (taps + layer["bias"]), prod(out) * taps)


@COUNTS.row("attention")
def count_attention(layer):
    """Four projections (query, key, value, output), all scores, and the weighted sum."""
    n, tokens, width = layer["shape"]
    query, key = (layer[heads] * layer["head_dim"] for heads in ("heads", "kv_heads"))
    weights = width * (2 * query + 2 * key)
    biases = layer["bias"] * (query + 2 * key + width)
    macs = n * tokens * weights + 2 * n * tokens * tokens * query
    return Tally((n, tokens, width), weights + biases, macs)


@COUNTS.row("norm")
def count_norm(layer):
    weights, flops = NORMS[layer["form"]]
    features = layer["shape"][1 if layer["form"] == "batch" else -1]
    return Tally(tuple(layer["shape"]), weights * features, flops=flops * prod(layer["shape"]))


@COUNTS.row("embedding")
def count_embedding(layer):
    out = (*layer["shape"], layer["out"])
    return Tally(out, layer["rows"] * layer["out"], flops=0, read=prod(out))


@COUNTS.row("activation")
def count_activation(layer):
    return Tally(tuple(layer["shape"]), flops=ACTIVATIONS[layer["form"]] * prod(layer["shape"]))


@COUNTS.row("pool")
def count_pool(layer):
    n, channels, high, wide = layer["shape"]
    out = (n, channels, slid(high, layer), slid(wide, layer))
    return Tally(out, flops=prod(out) * layer["kernel"] ** 2)


def _pairwise(layer):
    return Tally(tuple(layer["shape"]), flops=prod(layer["shape"]), inputs=2)


def _moved(layer):
    return Tally(tuple(layer["shape"]), flops=0)


COUNTS.define("add", _pairwise)
COUNTS.define("mul", _pairwise)
COUNTS.define("concat", _moved)
COUNTS.define("shuffle", _moved)


def slid(size, layer):
    """Positions of a window that slides along ``size``: rounded down, or up with ``ceil``."""
    room = size + 2 * layer["padding"] - layer["kernel"]
    if room < 0:
        raise LabError(f"{layer['kind']} {layer['name']!r}: a kernel of {layer['kernel']} does "
                       f"not fit {axes(layer['shape'])}; enlarge the input or the padding.")
    return (room + (layer["stride"] - 1 if layer.get("ceil") else 0)) // layer["stride"] + 1


def values_of(layer, itemsize=4):
    """The counts of a layer that is a plain dict, as a plain dict, whatever its kind."""
    tally = COUNTS[layer["kind"]](layer)
    in_size = ID_SIZE if layer["kind"] == "embedding" else itemsize
    return {
        "params": tally.params, "macs": tally.macs,
        "flops": 2 * tally.macs if tally.flops is None else tally.flops,
        "in_bytes": tally.inputs * prod(layer["shape"]) * in_size,
        "out_bytes": prod(tally.out) * itemsize,
        "weight_bytes": (tally.params if tally.read is None else tally.read) * itemsize}


@slot("nets.count_layer")
def count_values(layer, itemsize=4):
    """The counts of a linear, conv, attention or norm layer: a plain dict to a plain dict."""
    return values_of(layer, itemsize)


@dataclass(frozen=True)
class Count:
    """What one layer holds, does and moves; ``weight_bytes`` are the weights read in one pass."""

    name: str
    kind: str
    params: int
    macs: int
    flops: int
    in_bytes: int
    out_bytes: int
    weight_bytes: int

    @property
    def bytes(self):
        """Everything that moves: inputs, outputs, weights, once each."""
        return self.in_bytes + self.out_bytes + self.weight_bytes

    @property
    def intensity(self):
        """FLOPs for every byte moved."""
        return self.flops / self.bytes

    @property
    def cells(self):
        """The row of a printed table; the titles are ``COLUMNS``."""
        moved = (self.in_bytes, self.out_bytes, self.weight_bytes)
        return (self.name, self.kind, spaced(self.params), si(self.macs), si(self.flops),
                *(si(size, "B") for size in moved))

    def __str__(self):
        moved = self.cells[5:]
        return (f"{self.kind} {self.name}: {spaced(self.params)} parameters, "
                f"{si(self.macs, 'MAC')}, {si(self.flops, 'FLOP')}; "
                f"{moved[0]} in, {moved[1]} out, {moved[2]} weights")

    __repr__ = __str__


COLUMNS = ("layer", "kind", "parameters", "MACs", "FLOPs", "in", "out", "weights")


def count_layer(layer: Layer, dtype="f32") -> Count:
    """What a layer costs; linear, conv, attention and norm by the row of ``nets.count_layer``."""
    if not isinstance(layer, Layer):
        raise LabError(f"count_layer takes a layer, as layer('linear', 'fc', (1, 64), out=10), got "
                       f"a {type(layer).__name__}.")
    rule = count_values if layer.kind in EXERCISED else values_of
    values = rule(layer.plain, size_of(dtype))
    wrong = values.keys() ^ KEYS if isinstance(values, dict) else {type(values).__name__}
    if wrong:
        raise LabError(f"nets.count_layer should give a dict of {', '.join(KEYS)}; wrong or "
                       f"missing in {layer.name!r}: {', '.join(sorted(wrong))}.")
    owned = {"params": 0} if layer.attrs.get("tied") else {}  # another layer holds the weights
    return Count(layer.name, layer.kind, **{**values, **owned})


def size_of(dtype):
    """Bytes of one value of a dtype."""
    if dtype not in SIZES:
        raise LabError(f"no dtype {dtype!r} to count with; there are: {', '.join(SIZES)}.")
    return SIZES[dtype]


def out_shape(layer: Layer) -> tuple:
    """The shape that comes out of a layer."""
    return COUNTS[layer.kind](layer.plain).out
