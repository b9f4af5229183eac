"""Control flow as nodes with sub-graphs: a branch, a loop, a loop along an axis.

The bodies see only their inputs: values from outside (``captured``) come in as inputs too, the
same ones in every trip.
"""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import Graph, work_flops
from aisys_lab.ir.interpret import interpret
from aisys_lab.ir.ops import define
from aisys_lab.ir.spec import Spec

BOOL = Spec((), "bool")


def specs_of(graph):
    """``(inputs, outputs)`` of a graph as specs."""
    return tuple(tuple(graph.specs[name] for name in names)
                 for names in (graph.inputs, graph.outputs))


def takes(op, part, graph, specs):
    """The specs of a body's outputs; a sentence if it does not take these inputs."""
    if not isinstance(graph, Graph):
        raise LabError(f"{op}: {part} should be a graph, got a {type(graph).__name__}.")
    wanted, outputs = specs_of(graph)
    if wanted != tuple(specs):
        raise LabError(f"{op}: {part} takes {listed(wanted)}, got {listed(specs)}.")
    return outputs


def listed(specs):
    """Specs between brackets."""
    return f"({', '.join(map(str, specs))})"


def flops_of(graph):
    """Operations of all nodes of a body."""
    return sum(work_flops(graph, node) for node in graph.nodes)


# ---- cond: (predicate, operands…) -> what the chosen branch makes of the operands

def _cond(predicate, *operands, then, otherwise):
    return interpret(then if predicate else otherwise, *operands)


def _infer_cond(predicate, *operands, then, otherwise):
    if predicate != BOOL:
        raise LabError(f"cond: the predicate is {predicate}; it should be bool[], as x > 0 gives "
                       f"for a single number.")
    yes, no = (takes("cond", *part, operands) for part in (("then", then),
                                                           ("otherwise", otherwise)))
    if yes != no:
        raise LabError(f"cond: the branches differ, {then.name} gives {listed(yes)}, "
                       f"{otherwise.name} gives {listed(no)}; both should give the same shapes and "
                       f"dtypes.")
    return yes


def _flops_cond(predicate, *operands, then, otherwise):
    """Those of the longer branch."""
    return max(flops_of(then), flops_of(otherwise))


define("cond", _cond, _infer_cond, _flops_cond, "control", multi=True)


# ---- while_loop: (captured…, start…) -> what is carried when the test first says no

def _while_loop(*inputs, test, body, captured=0):
    outer, carry = inputs[:captured], inputs[captured:]
    while interpret(test, *outer, *carry)[0]:
        carry = interpret(body, *outer, *carry)
    return tuple(carry)


def _infer_while_loop(*inputs, test, body, captured=0):
    asked = takes("while_loop", "test", test, inputs)
    if asked != (BOOL,):
        raise LabError(f"while_loop: the test gives {listed(asked)}; it should give bool[], as "
                       f"i < n does for single numbers.")
    return unchanged("while_loop", inputs[captured:], takes("while_loop", "body", body, inputs))


def unchanged(op, start, after):
    """The specs of carried values; a sentence if a trip changes how many, a shape or a dtype."""
    if len(start) != len(after):
        raise LabError(f"{op}: {len(start)} values are carried, but the body gives {len(after)}.")
    for i, (before, later) in enumerate(zip(start, after, strict=True)):
        if before != later:
            raise LabError(f"{op}: carried value {i} starts as {before}, but the body gives "
                           f"{later}; shape and dtype stay the same in every trip.")
    return tuple(start)


def _flops_while_loop(*inputs, test, body, captured=0):
    """Those of one trip: how many there are is known when it runs."""
    return flops_of(test) + flops_of(body)


define("while_loop", _while_loop, _infer_while_loop, _flops_while_loop, "control", multi=True)


# ---- scan: (captured…, start…, xs…) -> (carried at the end…, ys…), one trip a slice of the xs

def _scan(*inputs, body, captured=0, carried=0, length=None, reverse=False, saved=0):
    """``saved`` of the ys, the last ones, are the carried values as each trip found them; the
    derivative needs them."""
    outer, carry, xs = parts(inputs, captured, carried)
    n = len(xs[0]) if xs else length
    rows = [()] * n
    for i in range(n)[::-1] if reverse else range(n):
        out = interpret(body, *outer, *carry, *(x[i] for x in xs))
        carry, rows[i] = out[:carried], out[carried:]
    empty = [np.empty((0, *spec.shape), spec.dtype) for spec in specs_of(body)[1][carried:]]
    return (*carry, *(map(np.stack, zip(*rows, strict=True)) if n else empty))


def parts(inputs, captured, carried):
    """The inputs of a scan in three parts."""
    end = captured + carried
    return inputs[:captured], inputs[captured:end], inputs[end:]


def saved(attrs):
    """The attributes of a scan that also gives the values that each trip started from."""
    body, first, carried = attrs["body"], attrs.get("captured", 0), attrs.get("carried", 0)
    kept = body.inputs[first:first + carried]
    return attrs | {"body": body.but(outputs=body.outputs + kept), "saved": carried}


def _infer_scan(*inputs, body, captured=0, carried=0, length=None, reverse=False, saved=0):
    outer, start, xs = parts(inputs, captured, carried)
    n = scan_length(xs, length)
    out = takes("scan", "body", body, (*outer, *start, *(Spec(x.shape[1:], x.dtype) for x in xs)))
    ys = tuple(Spec((n, *spec.shape), spec.dtype) for spec in out[carried:])
    return (*unchanged("scan", start, out[:carried]), *ys)


def scan_length(xs, length=None):
    """How many trips a scan makes; a sentence if its inputs do not say, or disagree."""
    if any(x.ndim == 0 for x in xs) or not xs and length is None:
        raise LabError(f"scan: goes along the first axis of its xs, got {listed(xs)}; without xs, "
                       f"say length=10.")
    lengths = {x.shape[0] for x in xs} | ({length} - {None})
    if len(lengths) > 1:
        raise LabError(f"scan: {listed(xs)} have first axes of different lengths, "
                       f"{' and '.join(map(str, sorted(lengths, key=str)))}.")
    return lengths.pop()


def _flops_scan(*inputs, body, captured=0, carried=0, length=None, reverse=False, saved=0):
    trips = Spec((scan_length(parts(inputs, captured, carried)[2], length),), "i64").size
    return trips * flops_of(body)


define("scan", _scan, _infer_scan, _flops_scan, "control", multi=True)
