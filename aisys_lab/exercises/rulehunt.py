"""The bug hunt of lab V.2: the student writes the test that tells wrong rules from right ones."""

import numpy as np

from aisys_lab.exercises.declare import Case, brief, edits, exercise
from aisys_lab.exercises.rules import RULES

DIRECTIONS = '''
def hunt_rules(f, pull, draw):
    rng = np.random.default_rng(0)
    for _ in range(2):
        xs = draw()
        g = rng.standard_normal(np.shape(f(*xs)))
        grads = pull(g, *xs)
        for k, x in enumerate(xs):
            if np.shape(grads[k]) != np.shape(x):
                return False
            v = rng.standard_normal(x.shape)
            h = 1e-5
            ends = [f(*xs[:k], x + s * h * v, *xs[k + 1:]) for s in (1, -1)]
            want = np.sum(g * (ends[0] - ends[1])) / (2 * h)
            if abs(np.sum(grads[k] * v) - want) > 1e-5 * (1 + abs(want)):
                return False
    return True
'''
ENTRIES = '''
def hunt_rules(f, pull, draw):
    xs = draw()
    g = np.random.default_rng(1).uniform(0.5, 2, np.shape(f(*xs)))
    for k, (x, grad) in enumerate(zip(xs, pull(g, *xs))):
        slopes = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            values = []
            for h in (1e-5, -1e-5):
                ys = [np.array(y) for y in xs]
                ys[k][at] += h
                values.append(np.sum(g * f(*ys)))
            slopes[at] = (values[0] - values[1]) / 2e-5
        if np.shape(grad) != x.shape or not np.allclose(grad, slopes, 1e-4, 1e-6):
            return False
    return True
'''
WEAK_TESTS = edits(DIRECTIONS, {
    "asks with a gradient of ones": ("rng.standard_normal(np.shape(f(*xs)))",
                                     "np.ones(np.shape(f(*xs)))"),
    "looks at the first input only": ("for k, x in enumerate(xs):",
                                      "for k, x in enumerate(xs[:1]):"),
    "does not compare shapes": (
        "            if np.shape(grads[k]) != np.shape(x):\n                return False\n", ""),
    "moves all entries alike": ("v = rng.standard_normal(x.shape)", "v = np.ones(x.shape)"),
    "a step lost in rounding": ("h = 1e-5", "h = 1e-14"),
    "a step of one": ("h = 1e-5", "h = 1.0"),
    "looks away from a factor of two": ("> 1e-5 * (1 + abs(want))", "> 0.55 * (1 + abs(want))"),
    "wants equality": ("> 1e-5 * (1 + abs(want))", "> 0"),
    "takes a zero gradient for a bug": (
        "            if abs(np.sum(grads", "            if not np.any(grads[k]):\n"
                                           "                return False\n"
                                           "            if abs(np.sum(grads"),
    "compares sizes, not signs": ("abs(np.sum(grads[k] * v) - want)",
                                  "abs(abs(np.sum(grads[k] * v)) - abs(want))"),
})


@exercise("autodiff.hunt_rules", code="V.2-E", points=8, mutants=WEAK_TESTS,
          hides=("autodiff.checking:check_grads",), different={
              "random directions": DIRECTIONS, "entry by entry": ENTRIES})
def hunt_rules(answer, rng):
    """hunt_rules(f, pull, draw) returns True if a reverse rule is right and False if it is wrong.
    f(*xs) is a function of arrays (float64); pull(g, *xs) gives the list of its gradients, one an
    input, where g is the gradient of f(*xs); draw() gives a fresh list of inputs, off the kinks.
    Thirty rules are tried, right and wrong: your test must pass every right one, in which a
    gradient may be zero, and fail every wrong one, which may be right in shape, in sum, for some
    g, or for one input of two."""
    names = [(name, "") for name in RULES] + [
        (name, wrong) for name, rule in RULES.items() for wrong in rule.wrong or {}]
    for k in rng.permutation(len(names)):
        name, wrong = names[k]
        rule = RULES[name]
        with np.errstate(all="ignore"):  # a step too wide leaves the domain of log
            came = answer(rule.f, rule.wrong[wrong] if wrong else rule.pull,
                          lambda rule=rule: rule.draw(rng))
        what = f"the wrong rule of {name} ({wrong})" if wrong else f"the right rule of {name}"
        yield Case(came is (not wrong), f"{what}: expected {not wrong}, came {brief(came)}")
