"""What lab V.2 asks of reverse mode: an engine that the whole package can stand on."""

import numpy as np

from aisys_lab.exercises import programs
from aisys_lab.exercises.declare import Case, brief, edits, exercise

BY_ENTRIES = '''
class Tape(lab.autodiff.Mode):
    name = "my tape"

    def __init__(self):
        super().__init__()
        self.entries = []

    def enter(self, value, entry=None):
        self.entries.append(entry)
        return lab.Tensor(value, self, len(self.entries) - 1)

    def variable(self, value):
        self.save(value)
        return self.enter(value)

    def bind(self, op, inputs, attrs):
        values = [self.lower(x) for x in inputs]
        out = lab.ir.bind(op, *values, **attrs)
        if lab.VJP[op] is None or lab.autodiff.resting():
            return out
        for x in values:
            self.save(x)
        parents = [x.note if type(x) is lab.Tensor and x.mode is self else None for x in inputs]
        return self.enter(out, (op, parents, values, out, attrs))

    def order(self, seeds):
        return range(len(self.entries) - 1, -1, -1)

    def gradients(self, seeds, variables):
        waiting = {}
        seeds = list(seeds)
        for out, g in seeds:
            if type(out) is lab.Tensor and out.mode is self:
                waiting[out.note] = waiting[out.note] + g if out.note in waiting else g
        for i in self.order(seeds):
            if i in waiting and self.entries[i]:
                op, parents, values, out, attrs = self.entries[i]
                parts = lab.autodiff.pull_back(op, waiting[i], out, values, attrs, parents)
                for parent, part in zip(parents, parts):
                    if part is not None:
                        waiting[parent] = waiting[parent] + part if parent in waiting else part
        return [waiting.get(x.note) for x in variables]
'''
BY_CLOSURES = '''
import heapq
import itertools

class Tape(lab.autodiff.Mode):
    def __init__(self):
        super().__init__()
        self.count = itertools.count()

    def variable(self, value):
        self.save(value)
        return lab.Tensor(value, self, (next(self.count), [], lambda g: []))

    def bind(self, op, inputs, attrs):
        mine = [type(x) is lab.Tensor and x.mode is self for x in inputs]
        values = [x.value if own else x for x, own in zip(inputs, mine)]
        out = lab.ir.bind(op, *values, **attrs)
        if lab.autodiff.resting() or lab.VJP[op] is None:
            return out
        [self.save(x) for x in values]
        notes = [x.note if own else None for x, own in zip(inputs, mine)]
        def back(g):
            return lab.autodiff.pull_back(op, g, out, values, attrs, notes)
        return lab.Tensor(out, self, (next(self.count), notes, back))

    def gradients(self, seeds, variables):
        heap, sums, notes = [], {}, {}
        def arrive(note, g):
            if note[0] in sums:
                sums[note[0]] = sums[note[0]] + g
            else:
                sums[note[0]], notes[note[0]] = g, note
                heapq.heappush(heap, -note[0])
        for out, g in seeds:
            if isinstance(out, lab.Tensor) and out.mode is self:
                arrive(out.note, g)
        while heap:
            number, parents, back = notes[-heapq.heappop(heap)]
            for parent, part in zip(parents, back(sums[number])):
                if part is not None:
                    arrive(parent, part)
        return [sums.get(x.note[0]) for x in variables]
'''
WRONG_TAPES = edits(BY_ENTRIES, {
    "overwrites instead of accumulating": (
        "waiting[parent] + part if parent in waiting else part", "part"),
    "order by distance from the result": (
        "        return range(len(self.entries) - 1, -1, -1)",
        "        todo = [out.note for out, g in seeds if type(out) is lab.Tensor]\n"
        "        for i in todo:\n"
        "            for parent in self.entries[i][1] if self.entries[i] else []:\n"
        "                if parent is not None and parent not in todo:\n"
        "                    todo.append(parent)\n"
        "        return todo"),
    "one tape for all runs": ("        self.entries = []\n", "", "    name =",
                              "    entries = []\n    name ="),
    "does not lock what it saves": ("        for x in values:\n            self.save(x)\n", ""),
    "records inside no_grad": (" or lab.autodiff.resting()", ""),
    "the second of two seeds replaces the first": (
        "waiting[out.note] + g if out.note in waiting else g", "g"),
    "the tape can be read once": (
        "        return [waiting.get(x.note) for x in variables]",
        "        self.entries.clear()\n        return [waiting.get(x.note) for x in variables]"),
    "starts from ones": (
        "            if type(out) is lab.Tensor and out.mode is self:\n                waiting",
        "            if type(out) is lab.Tensor and out.mode is self:\n"
        "                g = np.ones_like(g)\n                waiting"),
    "no second order": (
        "out, values, attrs, parents)\n                for",
        "lab.autodiff.numpy.stop_gradient(out), [lab.autodiff.numpy.stop_gradient(v) "
        "for v in values], attrs, parents)\n                for"),
    "only the first input gets its share": (
        "if part is not None:", "if part is not None and parent == parents[0]:"),
    "takes any tensor for its own": (
        "x.note if type(x) is lab.Tensor and x.mode is self else None",
        "x.note if type(x) is lab.Tensor else None"),
})


@exercise("autodiff.Tape", code="V.2-B", points=14, driver="tape", slot=("MODES", "reverse"),
          mutants=WRONG_TAPES, different={"entries in a list": BY_ENTRIES,
                                          "closures and a heap": BY_CLOSURES},
          hides=("autodiff.reverse:Reverse", "autodiff.lessons.tape:Tape"))
def tape(answer, rng):
    """class Tape(lab.autodiff.Mode) is one run of reverse mode; it becomes MODES['reverse'], on
    which grad and all training stand. variable(value) gives a lab.Tensor(value, self, note) to
    differentiate by; the note is yours to choose. bind(op, inputs, attrs) computes
    lab.ir.bind(op, *values, **attrs), where your own tensors among the inputs are replaced by
    what they hold (self.lower(x)), and returns a new tensor that remembers how it was made; or
    the bare result, where lab.VJP[op] is None or lab.autodiff.resting() (inside no_grad). Numbers,
    arrays and tensors of other modes are constants to you. gradients(seeds, variables) takes
    pairs (result, its gradient), of which one may come twice and some may be no tensors of yours;
    it returns for each variable a gradient, or None for zero, and may be called again.
    lab.autodiff.pull_back(op, g, out, values, attrs, wanted) gives the gradient of each input of
    an op (None: zero, or wanted has None there). self.save(array) what you keep: then a change in
    place raises. Ops with several results need not be handled."""
    yield from _laws(answer, rng)
    for length in (1, 2, 3, 4, 6, 9, 12, 12):
        yield from _gradients(answer, rng, length)
    yield from _second_order(answer, rng)
    noticed = answer("overwritten", rng.uniform(0.5, 1.5, 3))
    for place, came in zip(("while the function runs", "between value and pull"), noticed,
                           strict=False):
        yield Case(came is True, f"a saved array changed in place {place}: expected a LabError, "
                                 f"came {'one' if came is True else 'none'}; call self.save for "
                                 f"what you keep")
    yield Case(noticed[2:] == [True], "arrays are free again when the function has returned: "
                                      f"expected True, came {noticed[2:]}")


def _close(given, want, came, tolerance=2e-5):
    """The case that gradients are these; its message shows the first that is not, at its worst."""
    if not isinstance(came, list | tuple) or len(came) != len(want):
        return Case(False, f"{given}: expected {len(want)} gradients, came {brief(came)}")
    for k, (w, c) in enumerate(zip(want, came, strict=True)):
        if not isinstance(c, np.ndarray | np.generic) or c.shape != w.shape:
            return Case(False, f"{given}: gradient {k} should be an array of shape "
                               f"{list(w.shape)}, came {brief(c)}")
        if not np.allclose(c, w, rtol=tolerance, atol=tolerance):
            at = np.unravel_index(np.abs(np.nan_to_num(c - w, nan=np.inf)).argmax(), w.shape)
            return Case(False, f"{given}: gradient {k} at {list(map(int, at))}: expected "
                               f"{w[at]:.6g}, came {c[at]:.6g}")
    return Case(True, given)


def _drawn(rng, length, resting=0.0):
    lines, inputs = programs.draw(rng, length, resting)
    g = rng.standard_normal(programs.run(lines, inputs)[-1].shape)
    return lines, inputs, g, f"gradients of {programs.show(lines, 3)} by v0 v1 v2"


def _gradients(answer, rng, length):
    """Central differences; then the same program in another order, and with resting lines."""
    lines, inputs, g, given = _drawn(rng, length)
    want = programs.differences(lines, inputs, g)
    yield _close(given, want, answer("gradients", lines, inputs, g))
    other = programs.shuffled(rng, lines, 3)
    yield _close(f"the same in another order, {programs.show(other, 3)}", want,
                 answer("gradients", other, inputs, g))
    lines, inputs, g, given = _drawn(rng, length + 3, resting=0.4)
    yield _close(given, programs.differences(lines, inputs, g),
                 answer("gradients", lines, inputs, g))


def _laws(answer, rng):
    """Uses add up; a value may be a result twice; constants give None; nothing stays behind."""
    x, g, h = rng.uniform(0.5, 1.5, (3, 2, 3))
    diamond = [("sin", [0], {}, False), ("exp", [1], {}, False), ("mul", [1, 2], {}, False),
               ("mul", [3, 1], {}, False)]
    s = np.sin(x)
    want = [g * np.cos(x) * np.exp(s) * (s * s + 2 * s)]
    yield _close("gradient of sin(x)**2 exp(sin(x)), sin computed once", want,
                 answer("gradients", diamond, [x], g))
    yield _close("a function that returns one value twice, with gradients g and h",
                 [w / g * (g + h) for w in want], answer("twice", diamond, [x], g, h))
    yield _close("gradients of one run, asked for with g and then with h",
                 [*want, want[0] / g * h], answer("again", diamond, [x], g, h))
    yield _close("gradient of x * exp(x), where exp(x) is computed inside no_grad: a constant",
                 [g * np.exp(x)], answer("gradients", [("exp", [0], {}, True),
                                                       ("mul", [0, 1], {}, False)], [x], g))
    still = [("mul", [0, 0], {}, False), ("mul", [1, 1], {}, False)]
    yield _close("x1 * x1 by x0, which it does not read", [np.zeros_like(x), 2 * g * x],
                 answer("gradients", still[1:], [x, x.copy()], g))
    came = answer("freed", diamond, [x], g)
    yield Case(came is True, f"after pull is gone, what the tape saved: expected to be freed, came "
                             f"{'kept' if came is False else brief(came)}")


def _second_order(answer, rng):
    """Reverse over reverse against central differences of the first order."""
    x, y, g, v = rng.uniform(0.5, 1.5, (4, 2, 3))
    lines = [("mul", [0, 1], {}, False), ("sin", [2], {}, False), ("mul", [3, 0], {}, False),
             ("exp", [0], {}, False), ("add", [4, 5], {}, False)]

    def slope(x):
        return g * (np.sin(x * y) + x * y * np.cos(x * y) + np.exp(x))
    want = (slope(x + 1e-6 * v) - slope(x - 1e-6 * v)) / 2e-6
    yield _close("Hessian times v of sum(g (x sin(x y) + exp(x))) by x", [want],
                 [answer("second", lines, [x, y], g, v)])
    yield _close("gradient by x of sum(v s), where s is the gradient of sum(x y y) by y at y = x x",
                 [6 * v * x * x], [answer("nested", x, v)])
