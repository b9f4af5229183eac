"""What lab V.1 asks of optimisers: one step, five steps, a training that gets there."""

import numpy as np

from aisys_lab.exercises.declare import Case, brief, edits, equal, exercise

PLAIN = '''
def steps(rule, p, g, state, t, lr, momentum=0.0, beta1=0.9, beta2=0.999, eps=1e-8,
          weight_decay=0.0):
    if rule == "sgd":
        if not momentum:
            return p - lr * g, ()
        v = momentum * state[0] + g
        return p - lr * v, (v,)
    m = beta1 * state[0] + (1 - beta1) * g
    v = beta2 * state[1] + (1 - beta2) * g * g
    right_m, right_v = m / (1 - beta1 ** t), v / (1 - beta2 ** t)
    if rule == "adamw":
        p = p - lr * weight_decay * p
    return p - lr * right_m / (np.sqrt(right_v) + eps), (m, v)
'''
MOVED = '''
def corrected(mean, beta, t):
    return mean / (1.0 - beta ** t)

def sgd(p, g, state, t, lr, momentum=0.0):
    state = tuple(g + momentum * v for v in state)
    return p - (state[0] if state else g) * lr, state

def adam(p, g, state, t, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    m, v = (mean + (1 - beta) * (new - mean)
            for mean, beta, new in zip(state, (beta1, beta2), (g, np.square(g))))
    step = corrected(m, beta1, t) / (np.sqrt(corrected(v, beta2, t)) + eps) + weight_decay * p
    return p - lr * step, (m, v)

def steps(rule, *args, **settings):
    return {"sgd": sgd, "adam": adam, "adamw": adam}[rule](*args, **settings)
'''
WRONG_STEPS = edits(PLAIN, {
    "eps inside the root": ("(np.sqrt(right_v) + eps)", "np.sqrt(right_v + eps)"),
    "eps before the correction": ("right_m / (np.sqrt(right_v) + eps)",
                                  "right_m / ((np.sqrt(v) + eps) / (1 - beta2 ** t) ** 0.5)"),
    "no bias correction": ("m / (1 - beta1 ** t), v / (1 - beta2 ** t)", "m, v"),
    "corrects the first moment only": ("v / (1 - beta2 ** t)", "v"),
    "counts steps from 0": ("m / (1 - beta1 ** t)", "m / (1 - beta1 ** max(t - 1, 1))"),
    "decay inside the gradient": ('''    m = beta1 * state''', '''    if rule == "adamw":
        g = g + weight_decay * p
    m = beta1 * state''', '''    if rule == "adamw":
        p = p - lr * weight_decay * p
    return''', "    return"),
    "decay without the rate": ("p - lr * weight_decay * p", "p - weight_decay * p"),
    "no decay": ('if rule == "adamw":', 'if rule == "adamW":'),
    "momentum as a mean": ("state[0] + g\n        return", "state[0] + (1 - momentum) * g\n"
                           "        return"),
    "the rate inside the sum": ("momentum * state[0] + g\n        return p - lr * v",
                                "momentum * state[0] + lr * g\n        return p - v"),
    "steps along the old momentum": ("return p - lr * v, (v,)",
                                     "return p - lr * state[0], (v,)"),
    "second moment of the first": ("(1 - beta2) * g * g", "(1 - beta2) * m * m"),
    "keeps the corrected moments": ("+ eps), (m, v)", "+ eps), (right_m, right_v)"),
    "writes into the parameters": ("    m = beta1 * state[0]", "    state[1][...] *= 1.5\n"
                                   "    state[1][...] /= 1.25\n    m = beta1 * state[0]"),
    "betas of its own": ("v = beta2 * state[1] + (1 - beta2)", "v = 0.999 * state[1] + 0.001"),
})
BY_RULE = {"sgd": 0, "momentum": 1, "adam": 2, "adamw": 2}


@exercise("optim.steps", code="V.1-D", points=6, mutants=WRONG_STEPS, driver="steps",
          different={"as in the papers": PLAIN, "by differences": MOVED},
          hides=("autodiff.steps:steps", "autodiff.steps:RULES[sgd]", "autodiff.steps:RULES[adam]",
                 "autodiff.steps:RULES[adamw]", "autodiff.steps:RULES[nesterov]"))
def steps(answer, rng):
    """steps(rule, p, g, state, t, lr, **settings) is one array's step of an optimiser: (p, state)
    after step t = 1, 2, … from the gradient g, with rate lr; no array given is changed. state is
    a tuple of arrays, zeros before step 1. rule 'sgd', momentum=0.0: without momentum state is
    (); with it (v,), v becomes momentum v + g, and p falls by lr v. 'adam', beta1=0.9,
    beta2=0.999, eps=1e-8: state (m, v) are running means of g and of its square; both are divided
    by 1 - beta**t when used (not when kept), and p falls by lr m / (root of v, plus eps). 'adamw'
    has also weight_decay: besides, p falls by lr weight_decay p, with the p before the step. Your
    steps serve lab.fit: with AdamW(lr=0.01, weight_decay=0.1) a net 64-32-10 has to reach 90 % on
    the digits in 3 passes, from 3 seeds."""
    for name in ("sgd", "momentum", "adam", "adamw", "adam", "adamw"):
        for case in _five(answer, rng, name):
            yield case
            if not case.ok:
                return
    yield from _trained(answer, rng)


def _five(answer, rng, name):
    """Five steps with gradients and rates by chance, against sums over all of them."""
    rule, settings = _settings(rng, name)
    p = rng.standard_normal(4)
    state, given, grads, rates, path = (np.zeros(4),) * BY_RULE[name], f"{rule} {settings}", [], \
        [], [p]
    for t in range(1, 6):
        grads.append(rng.standard_normal(4) * 10.0 ** rng.integers(-3, 2, 4))
        rates.append(float(rng.uniform(0.01, 0.2)))
        want = closed(rule, path[-1], grads, rates[-1], **settings)
        p, state, same = answer("one", rule, p, grads[-1], state, t, rates[-1], settings)
        path.append(want)
        yield Case(equal(want, p, 1e-9), f"{given}, step {t}, lr {rates[-1]:.4g}: expected p = "
                                         f"{brief(want)}, came {brief(p)}")
        yield Case(same and len(state) == BY_RULE[name],
                   f"{given}, step {t}: expected {BY_RULE[name]} arrays of state and none of those "
                   f"given changed, came {len(state)}, {'un' * same}changed")


def _settings(rng, name):
    """The rule, and settings at which a wrong place of eps shows."""
    if name == "sgd":
        return "sgd", {}
    if name == "momentum":
        return "sgd", {"momentum": float(rng.uniform(0.5, 0.95))}
    settings = {"beta1": float(rng.uniform(0.7, 0.95)), "beta2": float(rng.uniform(0.8, 0.99)),
                "eps": float(rng.uniform(0.01, 0.1))}
    return name, settings | ({"weight_decay": float(rng.uniform(0.1, 0.5))} if name == "adamw"
                             else {})


def closed(rule, p, grads, lr, momentum=0.0, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0):
    """The parameter after ``grads``, of which the last moves it, with means as weighted sums."""
    ages = range(len(grads) - 1, -1, -1)
    if rule == "sgd":
        return p - lr * sum(momentum ** age * g for age, g in zip(ages, grads, strict=True))
    mean, square = (sum(beta ** age * g ** power for age, g in zip(ages, grads, strict=True))
                    / sum(beta ** age for age in ages) for beta, power in ((beta1, 1), (beta2, 2)))
    return p - lr * (mean / (square ** 0.5 + eps) + weight_decay * p)


def _trained(answer, rng):
    """Digits in three passes, from three seeds."""
    from aisys_lab.datasets import digits
    train, test = digits()
    for seed in rng.integers(100, size=3).tolist():
        params = answer("train", train.x, train.y, seed, "AdamW",
                        {"lr": 0.01, "weight_decay": 0.1})
        first, last = params.values()
        hidden = np.maximum(test.x @ first["w"] + first["b"], 0)
        right = float(np.mean(np.argmax(hidden @ last["w"] + last["b"], 1) == test.y))
        yield Case(right >= 0.9, f"digits, 3 passes, seed {seed}: expected at least 90 % right, "
                                 f"came {right:.1%}")
