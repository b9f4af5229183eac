"""A real training step of a small network, with a ledger of the arrays that are alive."""

import weakref
from collections import Counter

import numpy as np

STATES = {"sgd": 0, "momentum": 1, "adam": 2}


class Ledger:
    """Bytes alive by kind, by name for activations; an array signs off when Python frees it."""

    def __init__(self):
        self.live, self.names, self.peak = Counter(), {}, 0

    def keep(self, array, kind, name=""):
        self.live[kind] += array.nbytes
        if kind == "activations":
            self.names[name] = array.nbytes
            self.peak = max(self.peak, self.live[kind])
        weakref.finalize(array, self._gone, kind, name, array.nbytes).atexit = False
        return array

    def _gone(self, kind, name, size):
        self.live[kind] -= size
        if kind == "activations":
            self.names.pop(name, None)


class Chain:
    """Linear layers without bias and ReLUs in a row; a ReLU in place joins the layer before."""

    def __init__(self, layers, ledger, dtype, rng):
        self.ledger, self.steps, width = ledger, [], layers[0]["inputs"]
        for layer in layers:
            if layer["inplace"]:
                self.steps[-1] = (*self.steps[-1][:2], True)
                continue
            weight = None
            if layer["params"]:
                weight = ledger.keep(rng.normal(size=(width, layer["values"])).astype(dtype),
                                     "weights")
            self.steps.append((layer["name"], weight, False))
            width = layer["values"]

    def forward(self, step, x):
        name, weight, then_relu = step
        out = np.maximum(x, 0) if weight is None else x @ weight
        self.ledger.keep(out, "activations", name)
        return np.maximum(out, 0, out=out) if then_relu else out

    def run(self, steps, x):
        """All results of some steps, the input first."""
        results = [x]
        for step in steps:
            results.append(self.forward(step, results[-1]))
        return results

    def end(self, steps, x):
        """The last result only: each one before is freed when the next is there."""
        for step in steps:
            x = self.forward(step, x)
        return x

    def backward(self, steps, results, g, gradients):
        """The gradient of the segment's input; those of weights are kept."""
        for (_, weight, then_relu), x, out in zip(steps[::-1], results[-2::-1], results[:0:-1],
                                                  strict=True):
            if then_relu or weight is None:
                g = g * (out > 0)
            if weight is not None:
                gradients.append(self.ledger.keep(x.T @ g, "gradients"))
                g = g @ weight.T
        return g


def train_step(layers, batch, optimizer, mixed, every, rng):
    """One step, really done; the bytes that were alive, as ``nets.training_memory`` gives them."""
    ledger, dtype = Ledger(), np.float16 if mixed else np.float32
    chain = Chain(layers, ledger, dtype, rng)
    weights = [weight for _, weight, _ in chain.steps if weight is not None]
    copies = [[ledger.keep(weight.astype(np.float32), "optimizer") for weight in weights]
              for _ in range(STATES[optimizer] + mixed)]
    x = rng.normal(size=(batch, layers[0]["inputs"])).astype(dtype)
    saved, gradients = (_recompute if every else _keep_all)(chain, x, every)
    assert len(gradients) == len(weights) and len(copies) == STATES[optimizer] + mixed
    return {**{kind: ledger.live[kind] for kind in ("weights", "gradients", "optimizer")},
            "activations": ledger.peak, "saved": saved}


def _keep_all(chain, x, every):
    results, gradients = chain.run(chain.steps, x), []
    saved = dict(chain.ledger.names)
    chain.backward(chain.steps, results, np.ones_like(results[-1]), gradients)
    return saved, gradients


def _recompute(chain, x, every):
    """Keeps the ends of segments; going back, runs each segment again up to its stored end."""
    segments = [chain.steps[i:i + every] for i in range(0, len(chain.steps), every)]
    ends, gradients = [x], []
    for steps in segments:
        ends.append(chain.end(steps, ends[-1]))
    saved = dict(chain.ledger.names)
    g = np.ones_like(ends[-1])
    for steps in reversed(segments):
        end = ends.pop()
        results = [*chain.run(steps[:-1], ends[-1]), end]
        g = chain.backward(steps, results, g, gradients)
        del results, end
    return saved, gradients
