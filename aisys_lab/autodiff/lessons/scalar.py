"""Reverse mode on single numbers: a value remembers how it was made, a table knows the slopes."""

import itertools
import math

import numpy as np

from aisys_lab.core import LabError

# one row an op: how to compute it, and the slope by each input
RULES = {
    "add": (lambda x, y: x + y, lambda out, x, y: (1.0, 1.0)),
    "sub": (lambda x, y: x - y, lambda out, x, y: (1.0, -1.0)),
    "mul": (lambda x, y: x * y, lambda out, x, y: (y, x)),
    "div": (lambda x, y: x / y, lambda out, x, y: (1 / y, -out / y)),
    "exp": (math.exp, lambda out, x: (out,)),
    "log": (math.log, lambda out, x: (1 / x,)),
    "tanh": (math.tanh, lambda out, x: (1 - out * out,)),
    "relu": (lambda x: max(x, 0.0), lambda out, x: (float(x > 0),)),
}
_numbers = itertools.count()


class Value:
    """A number that remembers the op and the inputs it came from; ``age`` counts upwards."""

    def __init__(self, data, op="", inputs=()):
        self.data, self.op, self.inputs, self.age = float(data), op, inputs, next(_numbers)

    def __repr__(self):
        made = f" = {self.op} of {', '.join(f'{x.data:g}' for x in self.inputs)}"
        return f"Value({self.data:g}{made if self.op else ''})"


def apply(op, *inputs):
    """The one door: computes ``op``, and notes what it was made of."""
    if op not in RULES:
        raise LabError(f"no rule for {op!r}; there are rules for: {', '.join(RULES)}.")
    inputs = tuple(x if isinstance(x, Value) else Value(x) for x in inputs)
    return Value(RULES[op][0](*(x.data for x in inputs)), op, inputs)


def gradients(out):
    """``{value: slope of out by it}`` for everything that ``out`` was made of."""
    found = {out: 1.0}  # PyTorch keeps these in x.grad, and so must be told to zero_grad
    for value in history(out):
        if value.op:
            slopes = RULES[value.op][1](value.data, *(x.data for x in value.inputs))
            for x, slope in zip(value.inputs, slopes, strict=True):
                found[x] = found.get(x, 0.0) + found[value] * slope  # paths add up
    return found


def history(out):
    """Everything ``out`` was made of, youngest first: no value is older than what it is made of."""
    found, todo = {out}, [out]
    while todo:
        new = set(todo.pop().inputs) - found
        found |= new
        todo += new
    return sorted(found, key=lambda value: -value.age)


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div"}.items():
    setattr(Value, f"__{_name}__", lambda x, y, op=_op: apply(op, x, y))
    setattr(Value, f"__r{_name}__", lambda x, y, op=_op: apply(op, y, x))
for _op in ("exp", "log", "tanh", "relu"):
    setattr(Value, _op, lambda x, op=_op: apply(op, x))
Value.__neg__ = lambda x: apply("mul", x, -1.0)


# ---- a network of such numbers

def init(sizes, seed=0):
    """Layers for ``sizes`` such as ``[2, 8, 1]``: a list of rows, each its weights and a bias."""
    rng = np.random.default_rng(seed)
    return [[[Value(w) for w in (*rng.normal(0, 2 * n ** -0.5, n), 0.0)] for _ in range(m)]
            for n, m in itertools.pairwise(sizes)]


def predict(layers, point):
    """The network's one output for a point: tanh after every layer but the last."""
    for number, rows in enumerate(layers, 1):
        point = [sum((w * x for w, x in zip(weights, point, strict=True)), bias)
                 for *weights, bias in rows]
        point = [x.tanh() for x in point] if number < len(layers) else point
    return point[0]


def loss(layers, points, labels):
    """Mean hinge loss; labels are -1 and 1."""
    each = [(1 - y * predict(layers, point)).relu()
            for point, y in zip(points, labels, strict=True)]
    return sum(each[1:], each[0]) / len(each)


def train(layers, points, labels, steps=100, rate=1.0):
    """``(layers, losses)`` after so many steps of gradient descent."""
    losses = []
    for _ in range(steps):
        value = loss(layers, points, labels)
        slope = gradients(value)
        layers = [[[Value(w.data - rate * slope[w]) for w in row] for row in rows]
                  for rows in layers]
        losses.append(value.data)
    return layers, losses


def two_moons(n=60, noise=0.1, seed=0):
    """``(points, labels)``: two half circles that reach into each other."""
    rng = np.random.default_rng(seed)
    angle, side = rng.uniform(0, np.pi, n), np.arange(n) % 2
    points = np.stack([np.cos(angle) + side, np.sin(angle) * (1 - 2 * side) + side / 2], axis=1)
    return (points + rng.normal(0, noise, (n, 2))).tolist(), (2 * side - 1).tolist()
