"""Figure «training vs inference»: what each keeps in memory, and what each computes."""

from functools import cache

import numpy as np

from aisys_lab.core.text import si
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, bars, box, picture, words

MODELS = {"mlp": "MLP 64-128-10", "resnet-50": "ResNet-50", "gpt2-small": "GPT-2 small",
          "llama-2-7b": "Llama 2 7B"}
OPTIMIZERS = {"sgd": "SGD", "momentum": "SGD with momentum", "adam": "Adam"}
PRECISIONS = {"f32": "f32", "mixed": "mixed 16 and 32 bits"}
PARTS = (("weights", "memory"), ("gradients", "compute"), ("optimiser state", "rest"),
         ("activations", "accent"))


@cache
def network(model):
    """The layer table behind a model's name."""
    from aisys_lab.ir.layers import layer
    from aisys_lab.ir.network import Network
    from aisys_lab.models.nets import NETS
    if model != "mlp":
        return NETS[model]
    return Network(MODELS["mlp"], (layer("linear", "layer1", (1, 64), out=128),
                                   layer("activation", "relu1", (1, 128)),
                                   layer("linear", "layer2", (1, 128), out=10)))


def compute(model, batch, precision, optimizer):
    """Bytes kept by a training step and by inference, and FLOPs forward and backward."""
    from aisys_lab.models.memory import training_memory
    net, mixed = network(model), precision == "mixed"
    kept = training_memory(net, batch, optimizer, mixed)
    counts = net.counts(batch, "f16" if mixed else "f32")
    cache_bytes = kv_cache(net, batch, 2 if mixed else 4)
    feature_bytes = max(row.in_bytes + row.out_bytes for row in counts)
    forward = sum(2 * row.macs for row in counts)
    return {
        "model": model, "batch": batch, "precision": precision, "optimizer": optimizer,
        "training": np.array([kept.weights, kept.gradients, kept.optimizer, kept.activations]),
        "inference": np.array([kept.weights, 0, 0, cache_bytes or feature_bytes]),
        "held": "KV cache" if cache_bytes else "features",
        "flops": np.array([forward, backward(counts)]),
    }


def kv_cache(net, batch, itemsize):
    """Bytes of keys and values of all positions; 0 for a network without attention."""
    return sum(2 * batch * layer.shape[1] * layer["kv_heads"] * layer["head_dim"] * itemsize
               for layer in net if layer.kind == "attention")


def backward(counts):
    """FLOPs of both gradients of every product; the first layer's input needs none."""
    first = next(row.name for row in counts if row.params)
    return sum(2 * row.macs * (1 if row.name == first else 2) for row in counts)


def sentence(data):
    """The point of a frame."""
    train, infer = data["training"], data["inference"]
    forward, back = data["flops"]
    total = train.sum()
    return (f"{MODELS[data['model']]}, batch {data['batch']}, {PRECISIONS[data['precision']]}, "
            f"{OPTIMIZERS[data['optimizer']]}: training keeps {si(total, 'B')}, "
            f"{train[3] / total:.0%} of it activations; inference keeps {si(infer.sum(), 'B')}, "
            f"{infer[3] / infer.sum():.0%} of it {data['held']}. The backward pass does "
            f"{back / forward:.2f} times the FLOPs of the forward pass.")


def draw(data):
    """Two memory bars on one scale, their parts as a table, two bars of FLOPs on another."""
    train, infer = data["training"], data["inference"]
    forward, back = data["flops"]
    looks = [look for _, look in PARTS]
    title = (f"{MODELS[data['model']]}, batch {data['batch']}, {PRECISIONS[data['precision']]}, "
             f"{OPTIMIZERS[data['optimizer']]}")
    parts = [
        words(0, 14, title, "quiet", size=13),
        *labelled(36, "memory of training", si(train.sum(), "B")),
        *labelled(78, "memory of inference", si(infer.sum(), "B")),
        *bars([list(zip(row, looks, strict=True)) for row in (train, infer)], 42, tall=16),
        *table(data, 118),
        *labelled(236, "work of training", f"{si(forward)}FLOP + {si(back)}FLOP"),
        *labelled(278, "work of inference", f"{si(forward)}FLOP"),
        *bars([[(forward, "compute"), (back, "soft")], [(forward, "compute")]], 242, tall=16),
        words(6, 254.5, "forward", "light", size=12), words(6, 296.5, "forward", "light", size=12),
        words(WIDTH - 6, 254.5, "backward", anchor="end", size=12),
        words(0, 322, f"backward : forward = {back / forward:.2f}", bold=True),
    ]
    return picture(328, parts, sentence(data))


def labelled(y, left, right):
    """The line above a bar: what it is, and how much."""
    return [words(0, y, left), words(WIDTH, y, right, anchor="end", bold=True)]


def table(data, top):
    """A line a part: its colour, its name, its bytes on both sides."""
    parts = [words(300, top + 12, "training", "quiet", "end", 13),
             words(WIDTH, top + 12, "inference", "quiet", "end", 13)]
    for i, (name, look) in enumerate(PARTS):
        y = top + 18 + 18 * i
        label = f"{name}, {data['held']}" if look == "accent" else name
        right = si(data["inference"][i], "B") if data["inference"][i] else "–"
        parts += [box(0, y + 2, 12, 12, look), words(20, y + 13, label),
                  words(300, y + 13, si(data["training"][i], "B"), anchor="end"),
                  words(WIDTH, y + 13, right, anchor="end")]
    return parts


FIGURES.define("training_vs_inference", Figure(
    "training_vs_inference", "Training and inference: memory and work", compute, draw,
    grid={"model": tuple(MODELS), "batch": (1, 2, 4, 8, 16, 32, 64, 128, 256),
          "precision": tuple(PRECISIONS), "optimizer": tuple(OPTIMIZERS)},
    labels={"model": "Model", "batch": "Batch", "precision": "Precision",
            "optimizer": "Optimiser"},
    start={"model": "resnet-50", "batch": 32, "optimizer": "adam"},
    units={"model": MODELS.get, "precision": PRECISIONS.get, "optimizer": OPTIMIZERS.get}))
