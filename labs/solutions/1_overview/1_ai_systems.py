"""Solutions of lab 1.1: a function for each exercise, named as its slot."""

import statistics
import time

import aisys_lab as lab


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
