"""What lab V.3 asks of a loop's gradient: trips 0, 1 and n, the stack, values from outside."""

import numpy as np

from aisys_lab.autodiff import apply_graph, trace, vjp
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.backward import pulled
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.ir import interpret

STACK = '''
def while_grad(test, body, back, outer, init, seeds):
    carry, stack = list(init), []
    while lab.interpret(test, *outer, *carry)[0]:
        stack.append(carry)
        carry = lab.interpret(body, *outer, *carry)
    sums = [np.zeros_like(x) for x in outer]
    while stack:
        start = stack.pop()
        grads = lab.interpret(back, *outer, *start, *seeds)
        sums = [a + b for a, b in zip(sums, grads[:len(outer)])]
        seeds = grads[len(outer):]
    return sums, list(seeds)
'''
RECURSION = '''
def while_grad(test, body, back, outer, init, seeds):
    if not lab.interpret(test, *outer, *init)[0]:
        return [0 * x for x in outer], list(seeds)
    after = lab.interpret(body, *outer, *init)
    sums, seeds = while_grad(test, body, back, outer, after, seeds)
    grads = lab.interpret(back, *outer, *init, *seeds)
    return [a + b for a, b in zip(grads, sums)], list(grads[len(outer):])
'''
AGAIN = '''
def while_grad(test, body, back, outer, init, seeds):
    """Without a stack: every trip is reached from the start again."""
    def at(trips):
        carry = init
        for _ in range(trips):
            carry = lab.interpret(body, *outer, *carry)
        return carry

    trips = 0
    while lab.interpret(test, *outer, *at(trips))[0]:
        trips += 1
    total = [np.zeros(np.shape(x)) for x in outer]
    for trip in reversed(range(trips)):
        found = lab.interpret(back, *outer, *at(trip), *seeds)
        for sum, part in zip(total, found):
            sum += part
        seeds = found[len(outer):]
    return total, seeds
'''
WRONG = edits(STACK, {
    "runs the body at least once": (
        "    while lab.interpret(test, *outer, *carry)[0]:",
        "    while not stack or lab.interpret(test, *outer, *carry)[0]:"),
    "gives nothing back where there is no trip": (
        "    sums = [np",
        "    if not stack:\n        seeds = [0 * s for s in seeds]\n    sums = [np"),
    "takes the first trip first": ("stack.pop()", "stack.pop(0)"),
    "keeps what a trip ends with": (
        "        stack.append(carry)\n        carry = lab.interpret(body, *outer, *carry)\n",
        "        carry = lab.interpret(body, *outer, *carry)\n        stack.append(carry)\n"),
    "keeps the last trip alone": ("stack.append(carry)", "stack[:] = [carry]"),
    "goes back with what is carried at the end": ("start = stack.pop()",
                                                  "start = stack.pop() and carry"),
    "forgets values from outside": ("        sums = [a + b for a, b in zip(sums, "
                                    "grads[:len(outer)])]\n", ""),
    "outer values get the first trip's share alone": (
        "[a + b for a, b in zip(sums, grads[:len(outer)])]", "list(grads[:len(outer)])"),
    "every trip gets the same gradient": ("        seeds = grads[len(outer):]\n",
                                          "        last = grads[len(outer):]\n",
                                          "list(seeds)", "list(last if 'grads' in dir() else "
                                          "seeds)"),
    "adds the gradients of all starts": (
        "seeds = grads[len(outer):]", "seeds = [a + b for a, b in zip(seeds, "
                                      "grads[len(outer):])]"),
    "leaves the last test out": (
        "    sums = [np", "    if stack:\n        stack.append(carry)\n    sums = [np"),
})


@exercise("graph.while_grad", code="V.3-C", points=10, mutants=WRONG,
          different={"with a stack": STACK, "by recursion": RECURSION, "without a stack": AGAIN},
          hides=("autodiff.rules.control:while_grad", "autodiff.verbs:vjp",
                 "autodiff.reverse:Reverse.gradients"))
def while_grad(answer, rng):
    """while_grad(test, body, back, outer, init, seeds) is the gradient of a loop: carried = init;
    while test(outer, carried): carried = body(outer, carried). test, body and back are graphs:
    lab.interpret(graph, *arrays) gives a tuple of results. test takes (*outer, *carried) and gives
    one bool; body takes the same and gives what is carried next; back takes (*outer, *carried,
    *gradients of what the trip gives) and gives a gradient for each of outer and carried. seeds are
    the gradients of what is carried at the end. Return (gradients of outer, gradients of init), two
    lists of arrays. How many trips there are shows when the loop runs: none, one or many. Keep what
    each trip starts from on a stack. Every trip reads outer, so its gradient is a sum."""
    for name, body in BODIES.items():
        for trips in (0, 1, int(rng.integers(2, 7))):
            for case in looped(answer, rng, name, body, trips):
                yield case
                if not case.ok:
                    return


def steps(w, b, n, i, h):
    """A recurrence whose trips differ."""
    return i + 1, anp.tanh(w @ h) * (1 + i) + b


def branching(w, b, n, i, h):
    """A branch in the loop."""
    return i + 1, anp.cond(anp.sum(h) > i, lambda h: anp.sin(w @ h), lambda h: h * h - b, h)


def swapping(w, b, n, i, h, u):
    """Two vectors that change places; one is scaled by a value from outside."""
    return i + 1, w @ u, anp.sin(h) * b


BODIES = {"steps": steps, "branching": branching, "swapping": swapping}


def looped(answer, rng, name, body, trips):
    """The cases of one loop."""
    vectors = [rng.standard_normal(3) for _ in range(2 if name == "swapping" else 1)]
    outer = [rng.standard_normal((3, 3)) / 2, rng.standard_normal(3), np.float64(trips - 0.5)]
    init = [np.zeros(()), *vectors]
    graph = trace(body, *outer, *init)
    test = trace(lambda w, b, n, i, *rest: i < n, *outer, *init)
    back = pulled(graph, [True] * len(init), whole=True)
    seeds = [np.zeros(()), *(rng.standard_normal(3) for _ in vectors)]
    came = answer(test, graph, back, outer, init, seeds)
    given = f"{name}, {trips} trips: "
    yield Case(shapes(came) == [[x.shape for x in row] for row in (outer, init)],
               f"{given}expected gradients of shapes {[x.shape for x in outer]} and "
               f"{[x.shape for x in init]}, came {shapes(came)}")
    if shapes(came) is None:
        return

    def run(*values):
        carried = values[3:]
        while interpret(test, *values[:3], *carried)[0]:
            carried = apply_graph(graph)(*values[:3], *carried)
        return carried
    want = vjp(run, *outer, *init)[1](tuple(seeds))
    for label, got, right in zip(graph.inputs, [*came[0], *came[1]], want, strict=True):
        yield Case(np.allclose(got, right, 1e-9, 1e-9),
                   f"{given}gradient of {label}: expected {np.round(right, 6).tolist()}, came "
                   f"{np.round(got, 6).tolist()}")
    yield slope(rng, run, [*outer, *init], seeds, [*came[0], *came[1]], given)


def shapes(came):
    """The shapes of two lists of arrays; None if it is something else."""
    rows = isinstance(came, tuple | list) and len(came) == 2 and all(
        isinstance(row, tuple | list) for row in came)
    return [[np.shape(x) for x in row] for row in came] if rows else None


def slope(rng, run, args, seeds, grads, given, h=1e-6):
    """Central differences along one direction, the number of trips held."""
    moves = [rng.standard_normal(x.shape) * (k not in (2, 3)) for k, x in enumerate(args)]
    ends = [sum(np.sum(s * y) for s, y in zip(seeds, run(*(
        x + sign * h * m for x, m in zip(args, moves, strict=True))), strict=True))
        for sign in (1, -1)]
    want = (ends[0] - ends[1]) / (2 * h)
    got = sum(np.sum(g * m) for g, m in zip(grads, moves, strict=True))
    return Case(abs(want - got) < 1e-4 * max(1, abs(want)),
                f"{given}along a direction: expected a slope of {want:.8g}, came {got:.8g}")
