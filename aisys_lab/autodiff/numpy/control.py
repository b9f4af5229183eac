"""Branches and loops: run plainly on values; while tracing, nodes with sub-graphs."""

import numpy as np

from aisys_lab.autodiff.numpy.base import shape
from aisys_lab.autodiff.numpy.shapes import stack
from aisys_lab.autodiff.staging import (
    Staged,
    abstract,
    captured,
    is_number,
    reversing,
    tracing,
)
from aisys_lab.autodiff.trace import input_names
from aisys_lab.core import LabError, whole
from aisys_lab.core.tree import flatten, unflatten
from aisys_lab.ir import Spec, bind, spec_of
from aisys_lab.ir.control import saved, scan_length, unchanged


def cond(predicate, then, otherwise, *operands):
    """``then(*operands)`` where the predicate holds, else ``otherwise(*operands)``.

    The predicate is one bool. Both return the same tree of the same shapes and dtypes; only the
    chosen one runs, and gets the gradient.
    """
    if shape(predicate):
        raise LabError(f"cond: the predicate is {spec_of(predicate)}; it should be one bool, and "
                       f"where(condition, x, y) chooses element by element.")
    if not abstract(predicate):
        return (then if predicate else otherwise)(*operands)
    yes, no = Staged(then, *operands), Staged(otherwise, *operands)
    if yes.tree != no.tree:
        raise LabError(f"cond: {yes.name} returns {len(yes.outputs)} values and {no.name} "
                       f"{len(no.outputs)}, or in another order; both should return the same "
                       f"tree.")
    outer = captured(yes, no)
    leaves = [x for x in flatten(operands)[0] if not is_number(x)]
    out = bind("cond", predicate, *outer, *leaves, then=yes.graph(outer),
               otherwise=no.graph(outer))
    return unflatten(yes.tree, out)


def while_loop(test, body, init, max_steps=None):
    """``value = init; while test(value): value = body(value)``; the value may be a tree.

    Shapes and dtypes stay the same in every trip. ``max_steps`` ends the loop after so many trips
    at the latest: in a graph it becomes a scan, whose derivatives exist to any order.
    """
    leaves, tree = _arrays(init)
    most = None if max_steps is None else whole("while_loop", "max_steps", max_steps)
    if not tracing():
        return _run_while(test, body, leaves, tree, most)
    if most is not None:
        return _bounded(test, body, unflatten(tree, leaves), most)
    start = unflatten(tree, leaves)
    asked, step = Staged(test, start), Staged(body, start)
    _same_tree("while_loop", tree, step.tree)
    outer = captured(asked, step)
    out = bind("while_loop", *outer, *leaves, test=asked.graph(outer), body=step.graph(outer),
               captured=len(outer))
    return unflatten(tree, out)


def _run_while(test, body, leaves, tree, most):
    trips, specs = 0, list(map(spec_of, leaves))
    while trips != most and _holds(test(unflatten(tree, leaves))):
        leaves, after = _arrays(body(unflatten(tree, leaves)))
        _same_tree("while_loop", tree, after)
        unchanged("while_loop", specs, list(map(spec_of, leaves)))
        trips += 1
    return unflatten(tree, leaves)


def _holds(answer):
    if spec_of(answer) != Spec((), "bool"):
        raise LabError(f"while_loop: the test gives {spec_of(answer)}; it should give one bool, as "
                       f"i < n does for single numbers.")
    return bool(answer)


def _bounded(test, body, start, most):
    """The loop as a scan of ``most`` trips, which do nothing once the test says no."""
    def trip(carry, _):
        return cond(test(carry), body, _stay, carry), None
    return scan(trip, start, None, length=most)[0]


def _stay(carry):
    return carry


def scan(f, init, xs=None, length=None, reverse=False):
    """``(carry at the end, ys)``: ``carry, y = f(carry, x)`` for every slice x of ``xs`` along the
    first axis, from the last one where ``reverse``; the ys are stacked in the order of the xs.

    ``init``, ``xs`` and y may be trees; without xs, ``length`` says how many trips.
    """
    (start, tree), (columns, xs_tree) = _arrays(init), _arrays(xs)
    n = scan_length(tuple(map(spec_of, columns)), length)
    if n == 0 or tracing():
        return _staged_scan(f, start, tree, columns, xs_tree, length, reverse)
    specs, rows = list(map(spec_of, start)), [None] * n
    for i in range(n)[::-1] if reverse else range(n):
        start, after, ys, ys_tree = _trip(f, unflatten(tree, start),
                                          unflatten(xs_tree, [x[i] for x in columns]))
        _same_tree("scan", tree, after)
        unchanged("scan", specs, list(map(spec_of, start)))
        rows[i] = ys
    stacked = [stack(column) for column in zip(*rows, strict=True)]
    return unflatten(tree, start), unflatten(ys_tree, stacked)


def _trip(f, carry, x):
    """``(carry leaves, their tree, y leaves, their tree)`` of one trip."""
    out = f(carry, x)
    if not isinstance(out, tuple) or len(out) != 2:
        raise LabError(f"scan: f(carry, x) should return a pair (carry, y), got a "
                       f"{type(out).__name__}.")
    return (*_arrays(out[0]), *_arrays(out[1]))


def _staged_scan(f, start, tree, columns, xs_tree, length, reverse):
    slices = [Spec(x.shape[1:], x.dtype) for x in columns]
    trees = []

    def body(*leaves):
        carry, after, ys, ys_tree = _trip(f, unflatten(tree, leaves[:len(start)]),
                                          unflatten(xs_tree, leaves[len(start):]))
        _same_tree("scan", tree, after)
        trees.append(ys_tree)
        return [*carry, *ys]

    body.__name__ = getattr(f, "__name__", "body")
    named = input_names(f, (unflatten(tree, start), unflatten(xs_tree, slices)))
    step = Staged(body, *start, *slices, named=named)
    outer = captured(step)
    attrs = {"body": step.graph(outer), "captured": len(outer), "carried": len(start)}
    attrs |= ({"reverse": True} if reverse else {}) | ({} if columns else {"length": length})
    inputs = (*outer, *start, *columns)
    if any(map(reversing, inputs)):
        attrs = saved(attrs)
    out = bind("scan", *inputs, **attrs)
    return (unflatten(tree, out[:len(start)]),
            unflatten(trees[0], out[len(start):len(step.outputs)]))


def _arrays(tree):
    """``(leaves, treedef)`` with leaves that have shape and dtype."""
    leaves, treedef = flatten(tree)
    return [x if hasattr(x, "dtype") else np.asarray(x) for x in leaves], treedef


def _same_tree(op, before, after):
    if before != after:
        raise LabError(f"{op}: what is carried changes its tree; the body should return what it "
                       f"takes, in the same containers.")
