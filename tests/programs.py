"""Random programs: functions of two arrays, composed of the namespace's own operations."""

import numpy as np
from hypothesis import strategies as st

from aisys_lab.autodiff import numpy as anp

UNARY = {
    "neg": lambda x: -x, "tanh": anp.tanh, "sin": anp.sin, "cos": anp.cos, "abs": anp.abs,
    "relu": anp.relu, "gelu": anp.gelu, "softmax": anp.softmax, "sigmoid": anp.sigmoid,
    "exp": lambda x: anp.exp(anp.minimum(x, 2)), "sqrt": lambda x: anp.sqrt(anp.abs(x) + 1),
    "log": lambda x: anp.log(anp.abs(x) + 1), "centre": lambda x: x - anp.mean(x, -1, True),
    "top": lambda x: x / (1 + anp.abs(anp.max(x, 0, True))), "double": lambda x: x + x,
    "transpose": lambda x: anp.transpose(anp.transpose(x) * 2), "floor": anp.floor,
    "halves": lambda x: anp.concatenate([x[1:], x[:1]]), "low": lambda x: anp.min(x, 0) + x,
    "flip": lambda x: anp.transpose(anp.reshape(x, (x.shape[1], x.shape[0]))),
    "columns": lambda x: x + x[:, ::-1], "labels": lambda x: anp.astype(x > 0, x.dtype),
}
BINARY = {
    "add": anp.add, "sub": anp.subtract, "mul": anp.multiply, "maximum": anp.maximum,
    "minimum": anp.minimum, "div": lambda x, y: x / (anp.abs(y) + 1),
    "where": lambda x, y: anp.where(x > y, x, y * 2), "matmul": lambda x, y: x @ (y.T @ x) / 9,
    "pow": lambda x, y: (anp.abs(x) + 1) ** anp.tanh(y),
}
STEP = st.one_of(st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 9)),
                 st.tuples(st.sampled_from(sorted(BINARY)), st.integers(0, 9), st.integers(0, 9)))
PROGRAMS = st.lists(STEP, min_size=1, max_size=20)
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 5))


def program(steps):
    """A function ``(x, y) -> (last value, mean of all)`` that carries out the steps."""
    def f(x, y):
        values = [x, y]
        for name, *at in steps:
            table = UNARY if len(at) == 1 else BINARY
            values.append(table[name](*(values[i % len(values)] for i in at)))
        return values[-1], sum(anp.mean(v) for v in values)
    return f


def inputs(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for _ in range(2)]
