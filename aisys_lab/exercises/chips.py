"""What the labs ask about machines: the bottleneck report of capstone I."""

from fractions import Fraction

from aisys_lab.exercises.declare import edits, exercise, same

RIGHT = '''
def bottleneck(layers, machine):
    seconds, bound = [], []
    for layer in layers:
        compute = layer["flops"] / machine["peak"]
        memory = layer["bytes"] / machine["bandwidth"]
        overhead = machine["overhead"]
        seconds.append(max(compute, memory) + overhead)
        if overhead > max(compute, memory):
            bound.append("overhead")
        else:
            bound.append("compute" if compute > memory else "memory")
    total, slowest = sum(seconds), max(seconds)
    worst = layers[seconds.index(slowest)]["name"]
    ceiling = total / (total - slowest) if len(layers) > 1 else float("inf")
    return {"seconds": seconds, "bound": bound, "worst": worst,
            "share": slowest / total, "ceiling": ceiling}
'''
SORTED = '''
def bottleneck(layers, machine):
    table = []
    for layer in layers:
        parts = sorted([(layer["flops"] / machine["peak"], "compute"),
                        (layer["bytes"] / machine["bandwidth"], "memory")])
        longest = max(parts[-1], (machine["overhead"], "overhead"))
        table.append((parts[-1][0] + machine["overhead"], longest[1], layer["name"]))
    seconds = np.array([row[0] for row in table])
    i = int(seconds.argmax())
    others = np.delete(seconds, i).sum()
    with np.errstate(divide="ignore"):
        ceiling = np.float64(seconds.sum()) / others
    return {"seconds": seconds.tolist(), "bound": [row[1] for row in table],
            "worst": table[i][2], "share": seconds[i] / seconds.sum(), "ceiling": ceiling}
'''
WRONG = edits(RIGHT, {
    "adds compute and memory": ("max(compute, memory) + overhead)", "compute + memory + overhead)"),
    "forgets the overhead": ("max(compute, memory) + overhead)", "max(compute, memory))"),
    "overhead hides under work": ("max(compute, memory) + overhead)",
                                  "max(compute, memory, overhead))"),
    "bound the wrong way round": ('"compute" if compute > memory else "memory"',
                                  '"memory" if compute > memory else "compute"'),
    "never bound by overhead": ("overhead > max(compute, memory)", "False"),
    "worst by FLOPs": ('layers[seconds.index(slowest)]["name"]',
                       'max(layers, key=lambda x: x["flops"])["name"]'),
    "ceiling of one over the share": ("total / (total - slowest) if", "total / slowest if"),
    "share of the peak": ('"share": slowest / total', '"share": slowest / max(seconds)'),
})


@exercise("chips.bottleneck", code="I.1-capstone", points=10,
          hides=("chips.bottleneck:bottleneck",), mutants=WRONG,
          different={"if by if": RIGHT, "sorted, in NumPy": SORTED})
def bottleneck(answer, rng):
    """bottleneck(layers, machine): layers is a list of dicts with name, flops and bytes; machine a
    dict with peak (FLOP/s), bandwidth (B/s) and overhead (seconds a layer). A layer takes
    max(flops/peak, bytes/bandwidth) + overhead. Return a dict: seconds (a list), bound (for each
    layer the largest of its three terms: 'compute', 'memory' or 'overhead'), worst (the name of
    the slowest layer), share (its part of the total), ceiling (how many times as fast all of it
    would be if the slowest layer took no time; infinity if it is the only one)."""
    machine = {"peak": 1e12, "bandwidth": 1e10, "overhead": 1e-6}
    one = [{"name": "only", "flops": 10**9, "bytes": 10**6}]
    yield same(f"bottleneck({one}, {machine})", _oracle(one, machine), answer(one, machine), 1e-9)
    for hidden in (False, False, True, True, True):
        layers, machine = _layers(rng), _machine(rng)
        came = answer(layers, machine)
        case = same(f"bottleneck({layers}, {machine})", _oracle(layers, machine), came, 1e-9,
                    hidden)
        yield case
        if not case.ok:
            return
        yield _twice_as_fast(layers, machine, came, answer, hidden)


def _layers(rng):
    """Layers bound by each of the three, in random order; the most FLOPs are not the slowest."""
    rows = [("dot", 6e9, 1e6), ("copy", 1e6, 4e8), ("tiny", 10, 10), ("mixed", 2e9, 1e8)]
    picked = rng.permutation(len(rows))
    return [{"name": rows[i][0], "flops": int(rows[i][1] * rng.uniform(0.5, 1)),
             "bytes": int(rows[i][2] * rng.uniform(0.5, 1))} for i in picked]


def _machine(rng):
    return {"peak": float(rng.uniform(0.8e12, 1.2e12)),
            "bandwidth": float(rng.uniform(0.8e10, 1.2e10)),
            "overhead": float(rng.uniform(1e-3, 2e-3))}


def _oracle(layers, machine):
    """The same in exact fractions."""
    peak, bandwidth, overhead = (Fraction(machine[key]) for key in ("peak", "bandwidth",
                                                                    "overhead"))
    terms = [{"compute": row["flops"] / peak, "memory": row["bytes"] / bandwidth,
              "overhead": overhead} for row in layers]
    seconds = [max(t["compute"], t["memory"]) + t["overhead"] for t in terms]
    i = seconds.index(max(seconds))
    rest = sum(seconds) - seconds[i]
    return {"seconds": [float(t) for t in seconds], "bound": [max(t, key=t.get) for t in terms],
            "worst": layers[i]["name"], "share": float(seconds[i] / sum(seconds)),
            "ceiling": float(sum(seconds) / rest) if rest else float("inf")}


def _twice_as_fast(layers, machine, came, answer, hidden):
    """PROP: a machine twice as fast in all three takes half the time and changes nothing else."""
    fast = {"peak": 2 * machine["peak"], "bandwidth": 2 * machine["bandwidth"],
            "overhead": machine["overhead"] / 2}
    want = {**came, "seconds": [t / 2 for t in came["seconds"]]}
    return same("the same layers on a machine twice as fast", want, answer(layers, fast), 1e-9,
                hidden)
