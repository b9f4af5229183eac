"""Bug hunts: the student writes a test; it must pass what is right and fail what is wrong."""

from math import prod

import numpy as np

from aisys_lab.exercises.declare import AnswerError, Case, edits, exercise

# ---- counters of linear and conv layers, called as nets.count_layer: dict -> dict

PARTS = {
    "inputs": lambda x: x["shape"][1] // x["groups"],
    "biases": lambda x: x["out"] * x["bias"],
    "high": lambda size, x: (size + 2 * x["padding"] - x["kernel"]) // x["stride"] + 1,
    "wide": lambda size, x: (size + 2 * x["padding"] - x["kernel"]) // x["stride"] + 1,
    "batch": lambda x: x["shape"][0],
    "flops": lambda macs: 2 * macs,
    "weights": lambda params, itemsize: params * itemsize,
}


def counter(**changed):
    """A counter of linear and conv layers with some of its parts exchanged."""
    part = {**PARTS, **changed}

    def count(layer, itemsize=4):
        x = layer if layer["kind"] == "conv" else _as_conv(layer)
        n, _, high, wide = x["shape"]
        taps = part["inputs"](x) * x["kernel"] ** 2
        params = x["out"] * taps + part["biases"](x)
        positions = x["out"] * part["high"](high, x) * part["wide"](wide, x)
        macs = part["batch"](x) * positions * taps
        return {"params": params, "macs": macs, "flops": part["flops"](macs),
                "in_bytes": prod(x["shape"]) * itemsize, "out_bytes": n * positions * itemsize,
                "weight_bytes": part["weights"](params, itemsize)}

    return count


def _as_conv(layer):
    """A linear layer is a 1 x 1 convolution over images of one pixel."""
    *lead, width = layer["shape"]
    return {**layer, "shape": [prod(lead), width, 1, 1], "kernel": 1, "stride": 1, "padding": 0,
            "groups": 1}


def by_ranges(layer, itemsize=4):
    """A right counter that counts window positions one by one."""
    if layer["kind"] == "linear":
        *lead, taps = layer["shape"]
        positions, n = prod(lead), 1
    else:
        n, channels, *sizes = layer["shape"]
        taps = channels * layer["kernel"] ** 2 // layer["groups"]
        positions = prod(len(range(0, size + 2 * layer["padding"] - layer["kernel"] + 1,
                                   layer["stride"])) for size in sizes)
    params = layer["out"] * taps + (layer["out"] if layer["bias"] else 0)
    results = n * positions * layer["out"]
    return {"weight_bytes": params * itemsize, "out_bytes": results * itemsize,
            "in_bytes": prod(layer["shape"]) * itemsize, "flops": 2 * results * taps,
            "macs": results * taps, "params": params}


def in_numpy(layer, itemsize=4):
    """A right counter whose numbers are NumPy's."""
    return {key: np.int64(value) for key, value in counter()(layer, itemsize).items()}


RIGHT_COUNTERS = {"in closed form": counter(), "by ranges": by_ranges, "in numpy": in_numpy}
WRONG_COUNTERS = {
    "forgets groups": counter(inputs=lambda x: x["shape"][1]),
    "counts the bias twice": counter(biases=lambda x: 2 * x["out"] * x["bias"]),
    "has no bias": counter(biases=lambda x: 0),
    "rounds the output size up": counter(
        high=lambda size, x: -(-(size + 2 * x["padding"] - x["kernel"]) // x["stride"]) + 1),
    "takes the input width for the output width": counter(wide=lambda size, x: size),
    "pads one side only": counter(
        high=lambda size, x: (size + x["padding"] - x["kernel"]) // x["stride"] + 1),
    "forgets the batch": counter(batch=lambda x: 1),
    "takes a MAC for one FLOP": counter(flops=lambda macs: macs),
    "gives every weight four bytes": counter(weights=lambda params, itemsize: 4 * params),
}
SUSPECTS = {"ada": WRONG_COUNTERS["forgets groups"], "ben": by_ranges,
            "cleo": WRONG_COUNTERS["rounds the output size up"]}  # the three that lab I.1 shows

# ---- right and wrong tests

GOLDEN = '''
CONV = {"kind": "conv", "name": "c", "shape": [2, 6, 9, 11], "out": 8,
        "kernel": 3, "stride": 3, "padding": 2, "groups": 2, "bias": True}
DENSE = {"kind": "linear", "name": "d", "shape": [3, 10], "out": 4, "bias": False}

def hunt_counters(count):
    assert count(CONV, 2) == {
        "params": 224, "macs": 8640, "flops": 17280,
        "in_bytes": 2376, "out_bytes": 640, "weight_bytes": 448}
    assert count(DENSE) == {
        "params": 40, "macs": 120, "flops": 240,
        "in_bytes": 120, "out_bytes": 48, "weight_bytes": 160}
'''
RELATIONS = '''
def hunt_counters(count):
    def conv(**new):
        layer = {"kind": "conv", "name": "c", "shape": [1, 4, 9, 9], "out": 8, "kernel": 3,
                 "stride": 1, "padding": 0, "groups": 1, "bias": False}
        return count({**layer, **new})
    base = conv()
    if base["params"] != 8 * 4 * 9 or base["macs"] != 8 * 4 * 9 * 49:
        raise ValueError("the plain case")
    assert base["flops"] == 2 * base["macs"]
    assert conv(groups=2)["params"] * 2 == base["params"]
    assert conv(bias=True)["params"] == base["params"] + 8
    assert conv(stride=4)["out_bytes"] == 8 * 2 * 2 * 4
    assert conv(padding=1)["out_bytes"] == 8 * 9 * 9 * 4
    assert conv(shape=[1, 4, 10, 10], stride=4)["out_bytes"] == 8 * 2 * 2 * 4
    assert conv(shape=[5, 4, 9, 9])["macs"] == 5 * base["macs"]
    linear = {"kind": "linear", "name": "d", "shape": [7, 3], "out": 2, "bias": True}
    assert count(linear, 2)["weight_bytes"] == 8 * 2
'''
WRONG_TESTS = edits(GOLDEN, {
    "never asks for groups": (
        '"groups": 2', '"groups": 1', '"weight_bytes": 448', '"weight_bytes": 880',
        '224, "macs": 8640, "flops": 17280', '440, "macs": 17280, "flops": 34560'),
    "never asks for another itemsize": (
        "(CONV, 2)", "(CONV)", '2376, "out_bytes": 640, "weight_bytes": 448',
        '4752, "out_bytes": 1280, "weight_bytes": 896'),
    "fails everything": ("    assert count(DENSE)", "    assert not count(DENSE)"),
    "demands Python's int": ("def hunt_counters(count):\n",
                             "def hunt_counters(count):\n"
                             "    assert type(count(DENSE)['macs']) is int\n"),
}) | {
    "passes everything": "def hunt_counters(count):\n    return True\n",
    "looks at one pixel": '''
def hunt_counters(count):
    got = count({"kind": "conv", "name": "c", "shape": [1, 1, 1, 1], "out": 1, "kernel": 1,
                 "stride": 1, "padding": 0, "groups": 1, "bias": True})
    assert got["params"] == 2 and got["macs"] == 1 and got["flops"] == 2
''',
    "looks at parameters only": '''
def hunt_counters(count):
    for groups in (1, 2):
        for bias in (False, True):
            got = count({"kind": "conv", "name": "c", "shape": [1, 4, 8, 8], "out": 6,
                         "kernel": 3, "stride": 1, "padding": 1, "groups": groups,
                         "bias": bias}, 2)
            assert got["params"] == 6 * (4 // groups * 9 + bias)
''',
}


@exercise("nets.hunt_counters", code="I.1-D", points=6, mutants=WRONG_TESTS,
          different={"by hand": GOLDEN, "by relations": RELATIONS},
          hides=("ir.counts:count_values", "ir.counts:count_layer", "ir.counts:count_conv",
                 "ir.counts:count_linear"))
def hunt_counters(answer, rng):
    """hunt_counters(count) is a test: it returns if count(layer, itemsize=4) counts linear and
    conv layers rightly, and raises (an assert will do) if it does not. count takes the layer as
    a plain dict and gives the dict of nets.count_layer. Your test is run on right counters,
    written in several ways, and on wrong ones; it must tell them apart by what they return."""
    counters = [(name, count, True) for name, count in RIGHT_COUNTERS.items()]
    counters += [(name, count, False) for name, count in WRONG_COUNTERS.items()]
    for number in rng.permutation(len(counters)):
        name, count, right = counters[number]
        yield _tried(answer, name, count, right)


def _tried(answer, name, count, right):
    try:
        answer(count)
    except AnswerError as error:
        return Case(not right, f"a right counter, written {name}: expected your test to pass it, "
                               f"but it {error}")
    return Case(right, f"a counter that {name}: expected your test to fail it, but it passed")
