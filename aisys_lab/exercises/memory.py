"""What the labs ask about training: the memory of a step."""

from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.exercises.ledger import train_step
from aisys_lab.exercises.nets import differences

BY_SUMS = '''
def training_memory(layers, batch=1, optimizer="sgd", mixed=False, every=0):
    params = sum(layer["params"] for layer in layers)
    size = 2 if mixed else 4
    states = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
    if mixed:
        states += 1
    kept = [layer for layer in layers if not layer["inplace"]]
    sizes = [batch * layer["values"] * size for layer in kept]
    k = every or len(kept)
    saved, peak, before = {}, 0, 0
    for i, layer in enumerate(kept):
        if i % k == 0:
            peak = max(peak, before + sum(sizes[i:i + k]))
        if (i + 1) % k == 0:
            before += sizes[i]
        if not every or (i + 1) % k == 0 or i + 1 == len(kept):
            saved[layer["name"]] = sizes[i]
    return {"weights": size * params, "gradients": size * params,
            "optimizer": 4 * states * params, "activations": peak, "saved": saved}
'''
BY_SETS = '''
def alive(names, every, segment):
    ends = {i for i in range(len(names)) if i % every == every - 1 and i < segment}
    return ends | set(range(segment, min(segment + every, len(names))))

def training_memory(layers, batch=1, optimizer="sgd", mixed=False, every=0):
    params = np.array([layer["params"] for layer in layers], object).sum()
    bytes_each = {layer["name"]: layer["values"] * batch * (4 - 2 * mixed)
                  for layer in layers if not layer["inplace"]}
    names, values = list(bytes_each), list(bytes_each.values())
    k = every if every else len(names)
    peaks = [sum(values[i] for i in alive(names, k, s)) for s in range(0, len(names), k)]
    ends = [*range(k - 1, len(names), k), len(names) - 1] if every else range(len(names))
    master = 4 * params if mixed else 0
    states = {"sgd": 0, "momentum": 4, "adam": 8}[optimizer] * params
    return dict(saved={names[i]: values[i] for i in ends}, activations=max(peaks),
                optimizer=master + states, gradients=params * (4 - 2 * mixed),
                weights=params * (4 - 2 * mixed))
'''
WRONG_MEMORY = edits(BY_SUMS, {
    "SGD counted as Adam": ('"sgd": 0', '"sgd": 2'),
    "Adam keeps one state": ('"adam": 2', '"adam": 1'),
    "ReLU in place counted twice": ('if not layer["inplace"]]', "]"),
    "misses the master weights": ("states += 1", "states += 0"),
    "states in half precision": ("4 * states * params", "size * states * params"),
    "gradients in float32": ('"gradients": size', '"gradients": 4'),
    "weights grow with the batch": ('"weights": size', '"weights": batch * size'),
    "activations of one sample": ("batch * layer", "layer"),
    "no recomputation": ("k = every or len(kept)", "k = len(kept)"),
    "forgets what was saved before": ("before + sum", "sum"),
    "one segment is free": ("sum(sizes[i:i + k])", "sum(sizes[i:i + k - 1])"),
    "saves the first of a segment": ("before += sizes[i]", "before += sizes[i + 1 - k]"),
    "the last result is not saved": (" or i + 1 == len(kept)", ""),
})


@exercise("nets.training_memory", code="I.1-B", points=10, mutants=WRONG_MEMORY,
          different={"in one walk": BY_SUMS, "with sets": BY_SETS},
          hides=("models.memory:memory_values", "models.memory:training_memory",
                 "models.memory:recomputed"))
def training_memory(answer, rng):
    """training_memory(layers, batch=1, optimizer='sgd', mixed=False, every=0) gives a dict of the
    bytes that a training step keeps. layers are dicts: name, params, values (the numbers of its
    result, a sample), inplace. weights, gradients: 4 bytes a number, 2 with mixed. optimizer:
    float32 states (sgd none, momentum one, adam two a weight); mixed adds a float32 copy of the
    weights. saved: {name: bytes} of the results that are kept when the forward pass ends, as many
    bytes a number as weights; all results, or with every=k each k-th and the last. A layer in
    place overwrites the result before it and has none of its own. activations: the peak. With
    every=k the backward pass redoes segments of k results, the last segment first; then all
    results of the segment are there, and the saved ones before it. The input batch is not
    counted."""
    for optimizer, mixed, every in STEPS:
        layers, batch = _chain(rng, LONG if every else SHORT), int(rng.integers(2, 5))
        plain = [{key: row[key] for key in ("name", "params", "values", "inplace")}
                 for row in layers]
        case = differences(f"training_memory({plain}, {batch}, {optimizer!r}, {mixed}, {every})",
                           train_step(layers, batch, optimizer, mixed, every, rng),
                           answer(plain, batch, optimizer, mixed, every))
        yield case
        if not case.ok:
            return
    yield from _relations(answer, plain)


STEPS = (("sgd", False, 0), ("momentum", False, 0), ("adam", True, 0), ("sgd", True, 2),
         ("adam", False, 3), ("momentum", True, 3), ("sgd", False, 1), ("adam", True, 2),
         ("sgd", False, 99))


SHORT, LONG = ["in place", "new"], ["", "", "in place", "in place", "new"]


def _chain(rng, afters):
    """Linear layers, some with a ReLU in place, some with one that keeps a result of its own."""
    layers, width = [], int(rng.integers(1, 9))
    for number, after in enumerate(rng.permutation(afters), 1):
        out = int(rng.integers(1, 9))
        layers.append({"name": f"fc{number}", "params": width * out, "values": out,
                       "inplace": False, "inputs": width})
        if after:
            layers.append({"name": f"relu{number}", "params": 0, "values": out,
                           "inplace": after == "in place"})
        width = out
    return layers


def _relations(answer, layers):
    """More batch: more activations, nothing else; recomputing: never more than saving all."""
    one, five = answer(layers, 1, "adam"), answer(layers, 5, "adam")
    for key in ("weights", "gradients", "optimizer"):
        yield Case(one[key] == five[key], f"{key} at batch 1 and 5: expected the same, came "
                                          f"{one[key]} and {five[key]}")
    yield Case(5 * one["activations"] == five["activations"],
               f"activations at batch 1 and 5: expected five times as many, came "
               f"{one['activations']} and {five['activations']}")
    for every in range(1, len(layers) + 2):
        peak = answer(layers, 1, "adam", False, every)["activations"]
        yield Case(peak <= one["activations"],
                   f"every={every}: expected a peak of at most {one['activations']} bytes (all "
                   f"saved), came {peak}")
    big = [{"name": "all", "params": 124_439_808, "values": 1, "inplace": False}]
    came = answer(big, 1, "adam", True)
    came = came["weights"] + came["gradients"] + came["optimizer"]
    yield Case(came == 16 * 124_439_808,  # Rajbhandari et al., ZeRO, SC 2020, section 3.1
               f"GPT-2 small, Adam, mixed precision: expected 16 bytes a parameter, came {came} "
               f"for {124_439_808}")
