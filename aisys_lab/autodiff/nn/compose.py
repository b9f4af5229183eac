"""Layers made of layers: one after the other, and around a shortcut."""

from dataclasses import dataclass

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff import random
from aisys_lab.autodiff.nn.layer import Layer
from aisys_lab.core import LabError


@dataclass(frozen=True, repr=False)
class Sequential(Layer):
    """Layers one after the other: a list, named by kind and number (``conv1``), or a dict.

    Of the layers that draw, the k-th (from 0) does so with ``fold_in(key, k)``.
    """

    layers: tuple | dict
    kind = "block"

    def __post_init__(self):
        given = self.layers.items() if isinstance(self.layers, dict) else _named(self.layers)
        object.__setattr__(self, "layers", tuple(given))
        for name, layer in self.layers:
            if not isinstance(layer, Layer):
                raise LabError(f"Sequential: {name} is a {type(layer).__name__}; it takes layers, "
                               f"as in Sequential([Linear(64, 32), Activation('relu')]).")

    def children(self):
        return self.layers

    def parts(self):
        return {name: layer.parts() for name, layer in self.layers if layer.parts()}

    def apply(self, params, x):
        for name, layer in self.layers:
            x = layer.apply(params.get(name, {}), x)
        return x

    def train(self, params, x, key=None):
        updates, keys = {}, _keys(self, key)
        for name, layer in self.layers:
            x, updates[name] = layer.train(params.get(name, {}), x, keys.get(name))
        return x, _full(updates)

    def __str__(self):
        return f"Sequential of {len(self.layers)} layers"


def _named(layers):
    """``conv1``, ``relu1``, ``conv2``, …"""
    if not isinstance(layers, list | tuple):
        raise LabError(f"Sequential takes a list or a dict of layers, got a "
                       f"{type(layers).__name__}.")
    if layers and all(isinstance(layer, tuple | list) for layer in layers):
        return map(tuple, layers)  # named already, as dataclasses.replace gives them
    kinds = [getattr(layer, "kind", "layer") for layer in layers]
    return [(f"{kind}{kinds[:k + 1].count(kind)}", layer)
            for k, (kind, layer) in enumerate(zip(kinds, layers, strict=True))]


def _keys(layer, key):
    """A key by name for every child that draws."""
    drawing = [name for name, child in layer.children() if child.draws]
    return {} if key is None else {name: random.fold_in(key, k) for k, name in enumerate(drawing)}


def _full(updates):
    return {name: update for name, update in updates.items() if update}


@dataclass(frozen=True, repr=False)
class Residual(Layer):
    """``body(x) + shortcut(x)``; without a shortcut layer, x itself (He, Zhang, Ren and Sun 2016,
    arXiv:1512.03385)."""

    body: Layer
    shortcut: Layer | None = None
    kind = "block"

    def children(self):
        return tuple((name, layer) for name, layer in (("body", self.body),
                                                       ("shortcut", self.shortcut)) if layer)

    def parts(self):
        return {name: layer.parts() for name, layer in self.children() if layer.parts()}

    def apply(self, params, x):
        around = self.shortcut.apply(params.get("shortcut", {}), x) if self.shortcut else x
        return anp.add(self.body.apply(params.get("body", {}), x), around)

    def train(self, params, x, key=None):
        keys = _keys(self, key)
        results = {name: layer.train(params.get(name, {}), x, keys.get(name))
                   for name, layer in self.children()}
        around = results["shortcut"][0] if self.shortcut else x
        updates = _full({name: update for name, (_, update) in results.items()})
        return anp.add(results["body"][0], around), updates
