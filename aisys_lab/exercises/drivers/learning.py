"""Drives layers and optimisers: a result, its slopes, one step, a whole training."""

import numpy as np

from aisys_lab.core import attempt
from aisys_lab.exercises.drivers import DRIVERS


@DRIVERS.row("layer")
def layer(names, name):
    """The answer is a function (kind, params, x, **settings) in operations that differentiate."""
    def answer(verb, kind, params, x, settings, g=None):
        import aisys_lab as lab

        def result(params, x):
            return names[name](kind, params, x, **settings)
        return result(params, x) if verb == "result" else lab.vjp(result, params, x)[1](g)
    return answer


@DRIVERS.row("steps")
def steps(names, name):
    """The answer is a function (rule, p, g, state, t, lr, **settings) -> (p, state)."""
    def answer(verb, *args):
        return VERBS[verb](names[name], *args)
    return answer


def one(step, rule, p, g, state, t, lr, settings):
    """``(p, state, whether what was given is unchanged)`` after one step."""
    given = [p, g, *state]
    before = [x.copy() for x in given]
    p, state = step(rule, p, g, tuple(state), t, lr, **settings)
    same = all(np.array_equal(x, y) for x, y in zip(given, before, strict=True))
    return p, tuple(state), same


def train(step, x, y, seed, kind, settings):
    """Parameters of a small net trained by ``fit`` with the answer as every optimiser's step."""
    import aisys_lab as lab
    with attempt():
        lab.SLOTS["optim.steps"] = step
        data = lab.datasets.Dataset("digits", x, y, 10)
        model = lab.models.MLP([x.shape[1], 32, 10], seed=seed)
        optimizer = getattr(lab.autodiff.optim, kind)(**settings)
        return lab.fit(model, data, seed, 3, 32, optimizer).params


VERBS = {"one": one, "train": train}
