"""Derivatives of branches and loops: their bodies are differentiated as graphs."""

from dataclasses import dataclass, replace

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.backward import pulled, pushed, zeros
from aisys_lab.autodiff.staging import abstract
from aisys_lab.autodiff.tensor import JVP, VJP, Joint, Tensor, is_float
from aisys_lab.autodiff.trace import Trace, trace
from aisys_lab.autodiff.verbs import jvp, vjp
from aisys_lab.core import LabError, slot
from aisys_lab.ir import Spec, bind, interpret
from aisys_lab.ir.control import flops_of, parts, saved
from aisys_lab.ir.ops import define


def pulls(gs, out):
    """For each result whether a gradient comes back from it: a float that something waits for."""
    return [is_float(x) and not _is_zero(g) for g, x in zip(gs, out, strict=True)]


def _is_zero(g):
    """Whether a gradient is known to be zero, here or as a constant of the graph being traced."""
    while type(g) is Tensor:
        known = isinstance(g.mode, Trace)
        g = g.mode.constants.get(g.note, np.ones(())) if known else g.value
    return not isinstance(g, Spec) and not g.any()


def chosen(values, like, which):
    """Those of the values that ``which`` says, in the dtype of what they belong to."""
    return [v if v.dtype == x.dtype else anp.astype(v, x.dtype)
            for v, x, wanted in zip(values, like, which, strict=True) if wanted]


def spread(found, like):
    """One entry each of ``like``: the next one found where it is a float, else None."""
    found = iter(found)
    return [next(found) if is_float(x) else None for x in like]


def still(tangents, like):
    """Tangents, with zeros for floats that do not move."""
    return [zeros(x) if t is None and is_float(x) else t
            for t, x in zip(tangents, like, strict=True)]


def moving(names, tangents):
    """``(names that move, their tangents)``."""
    pairs = [(name, t) for name, t in zip(names, tangents, strict=True) if t is not None]
    return [name for name, _ in pairs], [t for _, t in pairs]


# ---- cond: the chosen branch, once more, with its derivative

def _pull_cond(g, out, predicate, *operands, then, otherwise):
    which = pulls(g, out)
    grads = bind("cond", predicate, *operands, *chosen(g, out, which), then=pulled(then, which),
                 otherwise=pulled(otherwise, which))
    return [None, *spread(grads, operands)]


def _push_cond(tangents, out, predicate, *operands, then, otherwise):
    move = [t is not None for t in tangents[1:]]
    bodies = {key: pushed(body, [name for name, m in zip(body.inputs, move, strict=True) if m])
              for key, body in {"then": then, "otherwise": otherwise}.items()}
    both = bind("cond", predicate, *operands, *(t for t in tangents[1:] if t is not None), **bodies)
    return spread(both[len(out):], out)


VJP.define("cond", Joint(_pull_cond))
JVP.define("cond", Joint(_push_cond))


# ---- scan: back along the axis, each trip once more from what it started from

def _pull_scan(g, out, *inputs, body, captured=0, carried=0, **attrs):
    outer, start, xs = parts(inputs, captured, carried)
    if not attrs.get("saved"):
        form = saved({"body": body, "captured": captured, "carried": carried, **attrs})
        longer, body = bind("scan", *inputs, **form), form["body"]
        g, out = (*g, *map(anp.zeros_like, longer[len(out):])), longer
    starts = out[len(out) - carried:]
    which = [*map(is_float, out[:carried]), *pulls(g[carried:], out[carried:])]
    at_end, along = (chosen(*(row[part] for row in (g, out, which)))
                     for part in (slice(carried), slice(carried, None)))
    sums = [zeros(x) for x in outer if is_float(x)]
    n, k = len(at_end), len(sums)
    grads = bind("scan", *outer, *at_end, *sums, *starts, *xs, *along,
                 body=_trip_back(body, captured, carried, which), captured=captured, carried=n + k,
                 **_other_way(attrs, [*starts, *xs, *along]))
    return [*spread(grads[n:n + k], outer), *spread(grads[:n], start), *spread(grads[n + k:], xs)]


def _trip_back(body, captured, carried, which):
    """The body of the way back. It takes the outer values; gradients of what is carried, sums for
    the outer values; starts, xs and gradients of the ys. It gives both kinds of gradients of what
    it carries, and gradients of the xs."""
    pull, specs = pulled(body, which), [body.specs[name] for name in body.inputs]
    outer, start, xs = parts(specs, captured, carried)
    pairs = list(zip(body.outputs, which, strict=True))
    at_end, along = ([body.specs[name] for name, want in row if want]
                     for row in (pairs[:carried], pairs[carried:]))
    n, k = len(at_end), sum(map(is_float, outer))

    def trip(outer, end, sums, start, x, y):
        grads = interpret(pull, *outer, *start, *x, *end, *y)
        sums = [a + b for a, b in zip(sums, grads[:k], strict=True)]
        return grads[k:k + n], sums, grads[k + n:]

    trip.__name__ = f"{body.name}_back"
    return trace(trip, outer, at_end, list(filter(is_float, outer)), start, xs, along)


def _other_way(attrs, along):
    """``reverse`` the other way round, and the length where no input says it."""
    way = {} if attrs.get("reverse") else {"reverse": True}
    return way if along else way | {"length": attrs["length"]}


def _push_scan(tangents, out, *inputs, body, captured=0, carried=0, saved=0, **attrs):
    rows = _with_tangents(tangents, inputs, body.inputs, captured, carried)
    step, dual = pushed(body, [name for row in rows for name in row.names]), len(out)
    outer, start, xs = (row.inputs for row in rows)
    step = _interleaved(step, rows, carried, dual)
    both = bind("scan", *outer, *start, *xs, body=step, captured=len(outer), carried=len(start),
                **attrs)
    n = len(start) - carried
    return [*spread(both[carried:carried + n], out[:carried]),
            *spread(both[n + dual:], out[carried:])]


def _interleaved(step, rows, carried, dual):
    """A pushed body with every tangent behind the group of values that it belongs to."""
    names, moves = list(step.inputs), iter(step.inputs[sum(len(row.inputs) - len(row.names)
                                                           for row in rows):])
    inputs = []
    for row in rows:
        plain = len(row.inputs) - len(row.names)
        inputs += [*names[:plain], *(next(moves) for _ in row.names)]
        del names[:plain]
    n = len(rows[1].names)
    outs, ts = step.outputs[:dual], step.outputs[dual:]
    return step.but(inputs=tuple(inputs),
                    outputs=(*outs[:carried], *ts[:n], *outs[carried:], *ts[n:]))


@dataclass(frozen=True)
class Group:
    """Inputs of one kind, then their tangents; ``names`` are those in the body that move."""

    inputs: list
    names: list


def _with_tangents(tangents, inputs, names, captured, carried):
    """The three groups of a scan's inputs. All that is carried moves, be it by zero at first."""
    groups = []
    for k, (ts, xs, ns) in enumerate(zip(*(parts(row, captured, carried)
                                           for row in (tangents, inputs, names)), strict=True)):
        ts = still(ts, xs) if k == 1 else ts
        moved, ts = moving(ns, ts)
        groups.append(Group([*xs, *ts], moved))
    return groups


VJP.define("scan", Joint(_pull_scan))
JVP.define("scan", Joint(_push_scan))


# ---- while_loop: how many trips there are is known when it runs, so a stack keeps what they need

@slot("graph.while_grad")
def while_grad(test, body, back, outer, init, seeds):
    """``(gradients of outer, gradients of init)`` of a loop: ``seeds`` are the gradients of what
    it carries at the end, ``back`` is the reverse of its body: (outer…, carried…, gradients of
    the carried after the trip…) -> gradients of all that the body takes.

    The way there puts what each trip starts from on a stack; the way back takes it off again, and
    sums what reaches the outer values.
    """
    carry, stack = tuple(init), []
    while interpret(test, *outer, *carry)[0]:
        stack.append(carry)
        carry = interpret(body, *outer, *carry)
    sums = [anp.zeros_like(x) for x in outer]
    while stack:
        grads = interpret(back, *outer, *stack.pop(), *seeds)
        sums = [a + b for a, b in zip(sums, grads[:len(sums)], strict=True)]
        seeds = grads[len(sums):]
    return sums, list(seeds)


def _run_while_grad(*inputs, test, body, back, captured=0):
    n = len(body.inputs)
    inputs, gs = inputs[:n], iter(inputs[n:])
    outer, init = list(inputs[:captured]), list(inputs[captured:])
    seeds = [next(gs) if is_float(x) else anp.zeros_like(x) for x in init]
    sums, grads = while_grad(test, body, back, outer, init, seeds)
    return tuple(chosen([*sums, *grads], inputs, map(is_float, inputs)))


def _infer_while_grad(*specs, test, body, back, captured=0):
    return tuple(spec for spec in specs[:len(body.inputs)] if is_float(spec))


def _flops_while_grad(*specs, test, body, back, captured=0):
    """Those of one trip, there and back."""
    return flops_of(test) + flops_of(body) + flops_of(back)


def _pull_while(g, out, *inputs, test, body, captured=0):
    which = list(map(is_float, out))
    grads = bind("while_grad", *inputs, *chosen(g, out, which), test=test, body=body,
                 back=pulled(body, which, whole=True), captured=captured)
    return spread(grads, inputs)


def _push_while(tangents, out, *inputs, test, body, captured=0):
    rows = _with_tangents(tangents, inputs, body.inputs, captured, len(out))
    step = _interleaved(pushed(body, [name for row in rows for name in row.names]), rows,
                        len(out), len(out))
    both = bind("while_loop", *rows[0].inputs, *rows[1].inputs, body=step,
                test=_blind(test, step, rows), captured=len(rows[0].inputs))
    return spread(both[len(out):], out)


def _blind(test, step, rows):
    """The test with further inputs that it does not look at: tangents."""
    names, inputs, specs = list(test.inputs), [], dict(test.specs)
    for row in rows[:2]:
        plain = len(row.inputs) - len(row.names)
        inputs += names[:plain]
        del names[:plain]
        for _ in row.names:
            name = f"unused{len(inputs)}"
            specs[name] = step.specs[step.inputs[len(inputs)]]
            inputs.append(name)
    return replace(test, inputs=tuple(inputs), specs=specs)


def _again(verb):
    """A rule of while_grad: its own program is differentiated, where it has values to run on."""
    def rule(g, out, *inputs, **attrs):
        if any(map(abstract, inputs)):
            raise LabError("while_loop: a second derivative in a graph needs to know the longest "
                           "run; write while_loop(test, body, init, max_steps=…).")
        return verb(lambda *xs: _run_while_grad(*xs, **attrs), inputs, g)
    return Joint(rule)


define("while_grad", _run_while_grad, _infer_while_grad, _flops_while_grad, "control", multi=True)
VJP.define("while_loop", Joint(_pull_while))
JVP.define("while_loop", Joint(_push_while))
VJP.define("while_grad", _again(lambda f, inputs, g: vjp(f, *inputs)[1](g)))
JVP.define("while_grad", _again(lambda f, inputs, ts: jvp(f, inputs, [
    anp.zeros_like(x) if t is None else t for t, x in zip(ts, inputs, strict=True)])[1]))
