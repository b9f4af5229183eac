"""Trees: lists, tuples, dicts and dataclasses of leaves, taken apart and put together again."""

import dataclasses

from aisys_lab.core.errors import LabError
from aisys_lab.core.text import listing

_LEAF = object()
_leaf_types = set()  # types seen to be leaves, so that they need not be looked at again


def flatten(tree):
    """``tree -> (leaves, treedef)``; dict entries keep their order, None is a leafless node."""
    leaves = []
    try:
        return leaves, _take(tree, leaves)
    except RecursionError:
        raise LabError(f"a {type(tree).__name__} that holds itself is no tree.") from None


def _take(tree, leaves):
    if type(tree) in _leaf_types:
        leaves.append(tree)
        return _LEAF
    if tree is None:
        return None
    kind, keys, children = _open(tree)
    if kind is None:
        leaves.append(tree)
        return _LEAF
    return kind, keys, [_take(child, leaves) for child in children]


def _open(tree):
    """``(rebuild kind, keys, children)`` of a container; kind None for a leaf."""
    if isinstance(tree, dict):
        return dict, list(tree), list(tree.values())
    if isinstance(tree, list | tuple):
        return type(tree), range(len(tree)), list(tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type) \
            and not getattr(tree, "is_leaf", False):
        names = [field.name for field in dataclasses.fields(tree)]
        return type(tree), names, [getattr(tree, name) for name in names]
    _leaf_types.add(type(tree))
    return None, (), ()


def unflatten(treedef, leaves):
    """The tree again, with other leaves."""
    return _put(treedef, iter(leaves))


def _put(treedef, leaves):
    if treedef is None:
        return None
    if treedef is _LEAF:
        return next(leaves)
    kind, keys, children = treedef
    values = [_put(child, leaves) for child in children]
    if kind is dict:
        return dict(zip(keys, values, strict=True))
    if kind is tuple or kind is list:
        return kind(values)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, dict(zip(keys, values, strict=True)))
    return kind(*values) if hasattr(kind, "_fields") else kind(values)


def _dataclass(kind, values):
    """The object again; fields that its ``__init__`` does not take are set after it."""
    later = [field.name for field in dataclasses.fields(kind) if not field.init]
    made = kind(**{name: value for name, value in values.items() if name not in later})
    for name in later:
        object.__setattr__(made, name, values[name])
    return made


def tree_map(f, tree, *others):
    """``f`` of every leaf, in the shape of the first tree."""
    leaves, treedef = flatten(tree)
    rest = [flatten(other) for other in others]
    for other, (_, shape) in zip(others, rest, strict=True):
        if shape != treedef:
            raise LabError(f"trees of different shape: {listing(names(tree))} against "
                           f"{listing(names(other))}.")
    return unflatten(treedef, [f(*xs) for xs in zip(leaves, *(r for r, _ in rest), strict=True)])


def names(tree, prefix=""):
    """A dotted name for every leaf, in order: ``layer1.w``, ``layer1.b``, …"""
    if tree is None:
        return []
    kind, keys, children = _open(tree)
    if kind is None:
        return [prefix]
    return [name for key, child in zip(keys, children, strict=True)
            for name in names(child, f"{prefix}.{key}" if prefix else str(key))]
