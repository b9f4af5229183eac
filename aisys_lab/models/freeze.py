"""Freezing: a model becomes the graph that is shipped, its parameters constants by name."""

from dataclasses import replace

from aisys_lab.autodiff import trace
from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, names
from aisys_lab.ir import Graph, verify
from aisys_lab.ir.spec import spec_of


def freeze(model, params=None):
    """The forward graph of a model, batch axis N open; a graph with ``params`` as constants.

    ``params`` is a tree whose dotted names are inputs of the graph; without it a graph is
    returned as it is.
    """
    if not isinstance(model, Graph):
        model, params = _forward(model), params or model.params
    values = dict(zip(names(params), flatten(params)[0], strict=True))
    for name, array in values.items():
        if name not in model.inputs:
            raise LabError(f"freeze: {model.name} has no input {name}; its inputs are: "
                           f"{', '.join(model.inputs)}.")
        if not model.specs[name].fits(array):
            raise LabError(f"freeze: {name} should be {model.specs[name]}, got "
                           f"{spec_of(array)}.")
    inputs = tuple(name for name in model.inputs if name not in values)
    return verify(replace(model, inputs=inputs, constants=values | model.constants))


def _forward(model):
    """What the model computes of one batch, traced with its parameters as inputs."""
    if not all(hasattr(model, name) for name in ("apply", "params", "spec")):
        raise LabError(f"{type(model).__name__} is no model: a model has apply(params, x), params "
                       f"and spec, what a batch looks like; or pass a graph.")
    graph = trace(model.apply, model.params, model.spec)
    return replace(graph, name=type(model).__name__.lower())
