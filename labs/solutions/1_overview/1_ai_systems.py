"""Solutions of lab 1.1: a function for each exercise, named as its slot."""

import statistics
import time
from math import prod

import aisys_lab as lab


def count_layer(layer, itemsize=4):
    kind, shape, flops = layer["kind"], layer["shape"], 0
    if kind == "norm":
        out, macs = shape, 0
        params = shape[1 if layer["form"] == "batch" else -1] * (2 - (layer["form"] == "rms"))
        flops = prod(shape) * {"batch": 4, "layer": 7, "rms": 4}[layer["form"]]
    elif kind == "attention":
        n, tokens, width = out = shape
        q, kv = (layer[heads] * layer["head_dim"] for heads in ("heads", "kv_heads"))
        weights = 2 * width * (q + kv)
        params = weights + layer["bias"] * (q + 2 * kv + width)
        macs = n * tokens * (weights + 2 * tokens * q)
    else:
        taps, out = shape[-1], [*shape[:-1], layer["out"]]
        if kind == "conv":
            taps = shape[1] // layer["groups"] * layer["kernel"] ** 2
            out = [shape[0], layer["out"], *((size + 2 * layer["padding"] - layer["kernel"])
                                             // layer["stride"] + 1 for size in shape[2:])]
        params, macs = layer["out"] * (taps + layer["bias"]), prod(out) * taps
    return {"params": params, "macs": macs, "flops": flops or 2 * macs,
            "in_bytes": prod(shape) * itemsize, "out_bytes": prod(out) * itemsize,
            "weight_bytes": params * itemsize}


def training_memory(layers, batch=1, optimizer="sgd", mixed=False, every=0):
    params, size = sum(layer["params"] for layer in layers), 2 if mixed else 4
    states = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer] + mixed
    kept = [(layer["name"], batch * layer["values"] * size)
            for layer in layers if not layer["inplace"]]
    k, sizes = every or len(kept), [size for _, size in kept]
    peak = max(sum(sizes[k - 1:i:k]) + sum(sizes[i:i + k]) for i in range(0, len(kept), k))
    saved = dict([*kept[k - 1::k], kept[-1]] if every else kept)
    return {"weights": params * size, "gradients": params * size,
            "optimizer": params * 4 * states, "activations": peak, "saved": saved}


def bench(f, g, clock=time.perf_counter, warmup=3, repeats=31):
    for _ in range(warmup):
        f(), g()
    pairs = []
    for _ in range(repeats):
        start = clock()
        f()
        middle = clock()
        g()
        pairs.append((middle - start, clock() - middle))
    ratios = sorted(b / a for a, b in pairs)
    rank = int(repeats / 2 - 1.3 * repeats**0.5)  # sign test, 99 %
    low, high = ratios[rank], ratios[-1 - rank]
    faster = "f" if low > 1 else "g" if high < 1 else "inconclusive"
    tf, tg = (statistics.median(times) for times in zip(*pairs, strict=True))
    return lab.Timing(tf, tg, low, high, faster)


def hunt_counters(count):
    conv = {"kind": "conv", "name": "c", "shape": [2, 6, 9, 11], "out": 8, "kernel": 3,
            "stride": 3, "padding": 2, "groups": 2, "bias": True}
    taps, out = 6 // 2 * 3 * 3, 2 * 8 * 4 * 5  # 4 = (9 + 2 * 2 - 3) // 3 + 1
    got = count(conv, 2)
    assert got["params"] == 8 * taps + 8
    assert got["macs"] == out * taps
    assert got["flops"] == 2 * got["macs"]
    assert got["in_bytes"] == 2 * 6 * 9 * 11 * 2
    assert got["out_bytes"] == out * 2
    assert got["weight_bytes"] == got["params"] * 2


def bottleneck(layers, machine):
    terms = [{"compute": layer["flops"] / machine["peak"],
              "memory": layer["bytes"] / machine["bandwidth"],
              "overhead": machine["overhead"]} for layer in layers]
    seconds = [max(t["compute"], t["memory"]) + t["overhead"] for t in terms]
    total, slowest = sum(seconds), max(seconds)
    return {"seconds": seconds, "bound": [max(t, key=t.get) for t in terms],
            "worst": layers[seconds.index(slowest)]["name"], "share": slowest / total,
            "ceiling": total / (total - slowest) if len(layers) > 1 else float("inf")}
