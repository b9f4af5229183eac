"""Thirty rules of reverse mode, and wrong ones for the bug hunt of lab V.2."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rule:
    """``f(*xs)``, its rule ``pull(g, *xs)``, where inputs are drawn, and wrong rules by name."""

    f: object
    pull: object
    shapes: tuple
    low: float = -2.0
    wrong: dict = None

    def draw(self, rng):
        """Inputs of the rule's shapes; entries are all different, and off 0 by 0.1."""
        xs = []
        for shape in self.shapes:
            n = int(np.prod(shape))
            steps = rng.permutation(np.linspace(max(self.low, 0.1), 2.0, n)) + rng.uniform(0, 0.02)
            signs = rng.choice([-1, 1], n) if self.low < 0 else 1
            xs.append((steps * signs).reshape(shape))
        return xs


A, ROW, COL, V, SQ = (2, 3), (3,), (2, 1), (4,), (3, 3)
PLACES = np.array([0, 2, 2, 1, 0])


def _down(g, axis=0):
    return g.sum(axis)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _norm(x):
    return (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)


def _norm_pull(g, x):
    y = _norm(x)
    inner = g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True)
    return [inner / x.std(-1, keepdims=True)]


def _gathered(g, x):
    out = np.zeros_like(x)
    np.add.at(out, PLACES, g)
    return [out]


def _overwritten(g, x):
    out = np.zeros_like(x)
    out[PLACES] = g
    return [out]


def _conv(x, w):
    return np.correlate(x, w, "valid")


def _log_softmax(x):
    return np.log(_softmax(x))


def _placed(g, x, best):
    out = np.zeros_like(x)
    np.put_along_axis(out, best[:, None], g[:, None], 1)
    return [out]


RULES = {
    "add": Rule(lambda x, y: x + y, lambda g, x, y: [g, _down(g)], (A, ROW), wrong={
        "keeps the broadcast shape": lambda g, x, y: [g, g]}),
    "sub": Rule(lambda x, y: x - y, lambda g, x, y: [g, -_down(g)], (A, ROW), wrong={
        "no minus": lambda g, x, y: [g, _down(g)]}),
    "mul": Rule(lambda x, y: x * y, lambda g, x, y: [g * y, g * x], (A, A)),
    "mul col": Rule(lambda x, y: x * y, lambda g, x, y: [g * y, (g * x).sum(1, keepdims=True)],
                    (A, COL), wrong={"drops the axis": lambda g, x, y: [g * y, (g * x).sum(1)]}),
    "div": Rule(lambda x, y: x / y, lambda g, x, y: [g / y, -g * x / y ** 2], (A, A), wrong={
        "one y too few": lambda g, x, y: [g / y, -g * x / y]}),
    "pow": Rule(lambda x, y: x ** y, lambda g, x, y: [g * y * x ** (y - 1),
                                                      g * x ** y * np.log(x)], (A, A), 0.2, {
        "the exponent is a constant": lambda g, x, y: [g * y * x ** (y - 1), 0 * y]}),
    "exp": Rule(np.exp, lambda g, x: [g * np.exp(x)], (A,)),
    "log": Rule(np.log, lambda g, x: [g / x], (A,), 0.2),
    "sqrt": Rule(np.sqrt, lambda g, x: [g / (2 * np.sqrt(x))], (A,), 0.2, {
        "without the half": lambda g, x: [g / np.sqrt(x)]}),
    "tanh": Rule(np.tanh, lambda g, x: [g * (1 - np.tanh(x) ** 2)], (A,), wrong={
        "of the input": lambda g, x: [g * (1 - x ** 2)]}),
    "sigmoid": Rule(_sigmoid, lambda g, x: [g * _sigmoid(x) * (1 - _sigmoid(x))], (A,)),
    "sin": Rule(np.sin, lambda g, x: [g * np.cos(x)], (A,)),
    "cos": Rule(np.cos, lambda g, x: [-g * np.sin(x)], (A,), wrong={
        "no minus": lambda g, x: [g * np.sin(x)]}),
    "abs": Rule(np.abs, lambda g, x: [g * np.sign(x)], (A,), wrong={
        "right for x > 0": lambda g, x: [g]}),
    "relu": Rule(lambda x: np.maximum(x, 0), lambda g, x: [g * (x > 0)], (A,)),
    "floor": Rule(np.floor, lambda g, x: [0 * x], ((2,),)),
    "sum": Rule(lambda x: x.sum(0), lambda g, x: [np.broadcast_to(g, x.shape)], (A,)),
    "mean": Rule(lambda x: x.mean(1), lambda g, x: [np.repeat(g[:, None], 3, 1) / 3], (A,), wrong={
        "divides by the other axis": lambda g, x: [np.repeat(g[:, None], 3, 1) / 2]}),
    "prod": Rule(lambda x: x.prod(1), lambda g, x: [g[:, None] * x.prod(1, keepdims=True) / x],
                 (A,)),
    "max": Rule(lambda x: x.max(1), lambda g, x: _placed(g, x, x.argmax(1)), (A,), wrong={
        "takes the place of the least": lambda g, x: _placed(g, x, x.argmin(1))}),
    "matmul": Rule(np.matmul, lambda g, a, b: [g @ b.T, a.T @ g], (A, SQ), wrong={
        "forgets to transpose": lambda g, a, b: [g @ b, a.T @ g]}),
    "gram": Rule(lambda x: x @ x.T, lambda g, x: [(g + g.T) @ x], (SQ,), wrong={
        "for symmetric g": lambda g, x: [2 * g @ x]}),
    "transpose": Rule(lambda x: x.T, lambda g, x: [g.T], (SQ,), wrong={
        "right in sum": lambda g, x: [g]}),
    "gather": Rule(lambda x: x[PLACES], _gathered, (V,), wrong={
        "the last use wins": _overwritten}),
    "cumsum": Rule(np.cumsum, lambda g, x: [np.cumsum(g[::-1])[::-1]], (V,), wrong={
        "not reversed": lambda g, x: [np.cumsum(g)]}),
    "flip": Rule(lambda x: x[::-1], lambda g, x: [g[::-1]], (V,)),
    "conv": Rule(_conv, lambda g, x, w: [np.convolve(g, w), np.correlate(x, g, "valid")],
                 ((6,), ROW), wrong={"kernel not flipped": lambda g, x, w: [
                     np.convolve(g, w[::-1]), np.correlate(x, g, "valid")]}),
    "softmax": Rule(_softmax, lambda g, x: [_softmax(x) * (g - (g * _softmax(x)).sum(
        -1, keepdims=True))], (A,), wrong={
        "the diagonal alone": lambda g, x: [g * _softmax(x) * (1 - _softmax(x))]}),
    "log softmax": Rule(_log_softmax, lambda g, x: [g - _softmax(x) * g.sum(-1, keepdims=True)],
                        (A,), wrong={"for g that sums to one": lambda g, x: [g - _softmax(x)]}),
    "norm": Rule(_norm, _norm_pull, (A,), wrong={
        "the variance is a constant": lambda g, x: [(g - g.mean(-1, keepdims=True))
                                                    / x.std(-1, keepdims=True)]}),
}


def suspects(seed=0):
    """Thirty rules, ``{name: (f, pull, draw)}``, of which five are wrong."""
    rng = np.random.default_rng(seed)
    guilty = set(rng.choice([name for name, rule in RULES.items() if rule.wrong], 5, False))
    return {name: (rule.f, list(rule.wrong.values())[0] if name in guilty else rule.pull,
                   lambda rule=rule: rule.draw(rng)) for name, rule in RULES.items()}
