"""Trees come apart and together again, whatever they are made of."""

from collections import namedtuple
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.core.tree import flatten, names, tree_map, unflatten

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Layer:
    w: object
    b: object


LEAVES = st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
TREES = st.recursive(LEAVES | st.none(), lambda child: st.one_of(
    st.lists(child, max_size=3), st.tuples(child, child), st.builds(Point, child, child),
    st.builds(Layer, child, child), st.dictionaries(st.text("abc", max_size=2), child,
                                                    max_size=3)), max_leaves=12)


@given(TREES)
def test_unflatten_undoes_flatten(tree):
    leaves, treedef = flatten(tree)
    assert unflatten(treedef, leaves) == tree and len(names(tree)) == len(leaves)
    assert flatten(unflatten(treedef, leaves))[1] == treedef


@given(TREES)
def test_tree_map_maps_leaves_and_keeps_shape(tree):
    assert tree_map(lambda x: x, tree) == tree
    assert flatten(tree_map(lambda a, b: (a, b)[0], tree, tree))[0] == flatten(tree)[0]


def test_names_are_dotted():
    tree = {"layer1": Layer([1, 2], 3), "p": Point(4, None), "q": (5,)}
    assert names(tree) == ["layer1.w.0", "layer1.w.1", "layer1.b", "p.0", "q.0"]
    assert names(7, "x") == ["x"] and names(None) == []


def test_dicts_keep_their_order():
    assert flatten({"b": 1, "a": 2})[0] == [1, 2]


@pytest.mark.parametrize("other", [{"b": 2, "a": 1}, {"a": 1}, {"a": 1, "b": [2]}, None])
def test_trees_of_different_shape_do_not_mix(other):
    with pytest.raises(LabError, match="different shape: a and b against"):
        tree_map(lambda a, b: a, {"a": 1, "b": 2}, other)


def test_a_field_that_init_does_not_take_survives():
    @dataclass(frozen=True)
    class Counted:
        w: int
        seen: int = field(default=0, init=False)

    leaves, tree = flatten([Counted(1)])
    again, = unflatten(tree, [5, 7])
    assert leaves == [1, 0] and (again.w, again.seen) == (5, 7)


def test_a_list_that_holds_itself_is_a_sentence():
    loop = [1]
    loop.append(loop)
    with pytest.raises(LabError, match="a list that holds itself is no tree"):
        flatten(loop)
