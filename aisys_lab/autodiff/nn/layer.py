"""What every layer is: a frozen noun that knows its parts, and two pure passes."""

import dataclasses

from aisys_lab.autodiff import random
from aisys_lab.autodiff.trace import trace
from aisys_lab.core import LabError, whole
from aisys_lab.core.text import count, table
from aisys_lab.core.tree import flatten, names, tree_map
from aisys_lab.ir import Spec, dtype_of


class Layer:
    """A layer holds sizes only; its parameters are a tree that goes in and comes out.

    ``apply`` is the pass that is shipped. ``train`` is the pass that is differentiated: it takes
    a key where the layer draws, and also returns new values of running statistics. Layers
    without either inherit ``train``.
    """

    kind = "layer"  # what a Sequential calls it: ``linear1``
    least = {}  # the smallest whole number of a field, where it is not 1
    is_leaf = True

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int or field.type == int | None and value is not None:
                value = whole(type(self).__name__, field.name, value,
                              self.least.get(field.name, 1))
                object.__setattr__(self, field.name, value)

    def parts(self):
        """``Part`` by name; trees of them where layers are nested."""
        return {}

    def children(self):
        """``(name, layer)`` of the layers inside."""
        return ()

    def init(self, rng=0, dtype="float32"):
        """First parameters, drawn part by part from a seed, a key or a NumPy generator."""
        rng, dtype = random.generator(rng), dtype_of(dtype)
        if dtype.kind != "f":
            raise LabError(f"{type(self).__name__}.init: dtype {dtype}; parameters are floats.")
        return tree_map(lambda part: part.make(rng, dtype), self.parts())

    def specs(self, dtype="float32"):
        """The specs of the parameters, in their tree."""
        return tree_map(lambda part: Spec(part.shape, dtype), self.parts())

    def apply(self, params, x):
        """The layer's function of its parameters and its input."""
        raise NotImplementedError

    def train(self, params, x, key=None):
        """``(result, updates)`` of a training pass; updates hold new running statistics."""
        return self.apply(params, x), {}

    @property
    def draws(self):
        """Whether a training pass takes a key."""
        return any(layer.draws for _, layer in self.children())

    @property
    def size(self):
        """How many numbers are trained."""
        return sum(part.size for part in flatten(self.parts())[0] if part.trained)

    def __str__(self):
        """The call that makes the layer, defaults left out."""
        values = [(f, getattr(self, f.name)) for f in dataclasses.fields(self)]
        given = [str(v) if f.default is dataclasses.MISSING else f"{f.name}={v!r}"
                 for f, v in values if v != f.default]
        return f"{type(self).__name__}({', '.join(given)})"

    def __repr__(self):
        return "\n".join([table(list(_rows(self, "")), HEADER, "lllr"), _total(self)])


HEADER = ("name", "layer", "parameters", "count")


def _rows(layer, name):
    """A line for every layer that holds no other."""
    if layer.children():
        for key, child in layer.children():
            yield from _rows(child, f"{name}.{key}" if name else key)
        return
    parts = layer.parts()
    held = ", ".join(f"{key} {list(part.shape)}" for key, part in
                     zip(names(parts), flatten(parts)[0], strict=True))
    yield name, str(layer), held, count(layer.size) if parts else ""


def _total(layer):
    kept = sum(part.size for part in flatten(layer.parts())[0] if not part.trained)
    more = f", {count(kept)} running statistics" if kept else ""
    return f"{count(layer.size)} parameters{more}"


def summary(net, spec, dtype="float32"):
    """A table of a Sequential with the spec of every result, for inputs of that spec."""
    rows = []
    for name, layer in net.children():
        graph = trace(layer.apply, layer.specs(dtype), spec)
        spec = graph.specs[graph.outputs[0]]
        rows.append((name, str(layer), str(spec), count(layer.size) if layer.parts() else ""))
    return "\n".join([table(rows, ("name", "layer", "result", "count"), "lllr"), _total(net)])


def merge(params, updates):
    """The tree with new values for some of its leaves; the rest is shared, not copied."""
    if not isinstance(updates, dict):
        return updates
    strange = [key for key in updates if key not in params]
    if strange:
        raise LabError(f"merge: no {strange[0]!r} among the parameters: {', '.join(params)}.")
    return {key: merge(value, updates[key]) if key in updates else value
            for key, value in params.items()} if updates else params


def need_key(layer, key):
    """The key; a sentence where a layer draws and got none."""
    if key is None:
        raise LabError(f"{layer} draws random numbers while training; pass a key, as in "
                       f"net.train(params, x, random.key(0)).")
    return key
