"""Training memory: what one step keeps, with and without recomputation."""

from dataclasses import dataclass
from math import prod

from aisys_lab.core import LabError, Table, slot, whole
from aisys_lab.core.text import si, table
from aisys_lab.ir.counts import count_layer, out_shape
from aisys_lab.ir.layers import Layer
from aisys_lab.ir.network import Network

# States that an optimiser keeps beside every weight, each in float32.
OPTIMIZERS = Table("OPTIMIZERS", "numbers kept beside every weight", noun="optimizer")
OPTIMIZERS.define("sgd", 0)
OPTIMIZERS.define("momentum", 1)
OPTIMIZERS.define("adam", 2)  # Kingma and Ba 2015: the means of the gradient and of its square


@slot("nets.training_memory")
def memory_values(layers, batch=1, optimizer="sgd", mixed=False, every=0):
    """Bytes that a training step keeps, for layers that are plain dicts, as a plain dict.

    Mixed precision after Micikevicius et al., Mixed Precision Training, ICLR 2018; recomputation
    after Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016.
    """
    params, size = sum(layer["params"] for layer in layers), 2 if mixed else 4
    kept = {layer["name"]: batch * layer["values"] * size
            for layer in layers if not layer["inplace"]}
    saved, peak = recomputed(kept, every or max(len(kept), 1))
    return {"weights": params * size, "gradients": params * size,
            "optimizer": params * 4 * (OPTIMIZERS[optimizer] + mixed),  # mixed: the master copy
            "activations": peak, "saved": saved if every else kept}


def recomputed(kept, every):
    """What is saved when the forward pass ends, and the peak as segments are redone backwards."""
    names, sizes = list(kept), list(kept.values())
    saved = {name: kept[name] for i, name in enumerate(names)
             if i % every == every - 1 or i == len(names) - 1}
    peaks = [sum(sizes[every - 1:start:every]) + sum(sizes[start:start + every])
             for start in range(0, len(sizes), every)]
    return saved, max(peaks, default=0)


@dataclass(frozen=True)
class Memory:
    """Bytes that a training step keeps; ``saved`` is by layer when the forward pass ends."""

    name: str
    weights: int
    gradients: int
    optimizer: int
    activations: int
    saved: dict

    @property
    def total(self):
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self):
        parts = ("weights", "gradients", "optimizer", "activations", "total")
        rows = [(part, si(getattr(self, part), "B"), f"{self.share(part):.0%}") for part in parts]
        return f"{self.name}\n{table(rows, align='lrr')}"

    __repr__ = __str__

    def share(self, part):
        """The fraction of the total that one part takes."""
        return getattr(self, part) / self.total if self.total else 0.0


def training_memory(network: Network, batch=1, optimizer="sgd", mixed=False, every=0) -> Memory:
    """What a training step of a network keeps; ``every`` = 0 saves all activations.

    The layers are taken as a chain: a skip connection that jumps over a point of recomputation
    would have to be kept as well. The input batch, gradients of activations in flight and
    workspaces of kernels are left out.
    """
    if not isinstance(network, Network):
        raise LabError(f"training_memory takes a network, as NETS['resnet-50'], got a "
                       f"{type(network).__name__}.")
    batch = whole("training_memory", "batch", batch, 1)
    if every < 0 or every != int(every):
        raise LabError(f"every={every}: keep the result of every 1st, 2nd, 3rd … layer, or 0 to "
                       f"keep all.")
    rows = [row for layer in network for row in memory_rows(layer.at(1))]
    how = [f"batch {batch}", optimizer, "mixed precision" if mixed else "float32",
           *([f"every {every} recomputed"] if every else [])]
    return Memory(f"{network.name}, {', '.join(how)}",
                  **memory_values(rows, batch, optimizer, bool(mixed), int(every)))


def memory_rows(layer: Layer) -> tuple:
    """A layer as what the slot ``nets.training_memory`` reads; attention is four rows."""
    pieces = attention_pieces(layer) if layer.kind == "attention" else {}
    values = {f"{layer.name}.{piece}": size for piece, size in pieces.items()} or {
        layer.name: prod(out_shape(layer)[1:])}
    params = count_layer(layer).params
    return tuple({"name": name, "params": params * (i == 0), "values": size,
                  "inplace": bool(layer.attrs.get("inplace", False))}
                 for i, (name, size) in enumerate(values.items()))


def attention_pieces(layer: Layer) -> dict:
    """What an attention layer keeps a sample; a fused kernel would not keep the probabilities."""
    _, tokens, width = layer.shape
    query, key = (layer[heads] * layer["head_dim"] for heads in ("heads", "kv_heads"))
    return {"qkv": tokens * (query + 2 * key), "probabilities": layer["heads"] * tokens * tokens,
            "mixed": tokens * query, "out": tokens * width}
