"""Random programs in NumPy's words: each runs in our namespace, in NumPy, and on complex numbers.

A program is data: shapes of its inputs and steps, each an operation on earlier values. It is
written for a namespace ``xp``. With ``xp=anp`` it is ours, with ``xp=REFERENCE`` NumPy alone, and
on complex inputs the imaginary part of NumPy's result is the derivative to the last digit
(complex step; Squire and Trapp 1998): each operation is written there so that it keeps to the
branch that the real part takes.
"""

from dataclasses import dataclass

import numpy as np
import scipy.special
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


class Reference:
    """NumPy; what it has not, or has in another sense for complex numbers, is written out."""

    def __getattr__(self, name):
        return getattr(np, name)

    def abs(self, x):
        return np.where(x.real < 0, -x, x)

    def relu(self, x):
        return np.where(x.real <= 0, 0 * x, x)

    def floor(self, x):
        return np.floor(x.real)

    def sign(self, x):
        return np.sign(x.real)

    def sigmoid(self, x):
        return 1 / (1 + np.exp(-x))

    def var(self, x, axis=None, ddof=0, keepdims=False):
        centred = x - np.mean(x, axis, keepdims=True)
        n = x.size / max(np.mean(x, axis).size, 1) - ddof
        return np.sum(centred * centred, axis, keepdims=keepdims) / x.real.dtype.type(n)

    def logsumexp(self, x, axis=-1, keepdims=False):
        return np.log(np.sum(np.exp(x), axis, keepdims=keepdims))

    def softmax(self, x, axis=-1):
        return np.exp(x) / np.sum(np.exp(x), axis, keepdims=True)

    def log_softmax(self, x, axis=-1):
        return x - np.log(np.sum(np.exp(x), axis, keepdims=True))

    def erf(self, x):
        return scipy.special.erf(x)

    def cbrt(self, x):
        return x ** x.real.dtype.type(1 / 3)

    def hypot(self, x, y):
        return np.sqrt(x * x + y * y)

    def logaddexp(self, x, y):
        return np.log(np.exp(x) + np.exp(y))

    def arctan2(self, y, x):
        """For positive ``x``."""
        return np.arctan(y / x)

    def mod(self, x, y):
        return x - np.floor(x.real / y.real) * y

    def where(self, condition, x, y):
        return np.where(np.real(condition), x, y)


REFERENCE = Reference()


# ---- the operations: what they need to be drawn, and how they are written
#
# (number of operands, strategy of the parameters given the operands, function of xp). A strategy
# that is None says that the operands do not fit.

def nothing(*xs):
    return st.just(())


def an_axis(x):
    return st.tuples(st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None


def full_axis(x):
    """An axis that is not empty."""
    axes = [a for a in range(-x.ndim, x.ndim) if x.shape[a]]
    return st.tuples(st.sampled_from(axes)) if axes else None


def reduced(x):
    """An axis argument (None, one, several) and keepdims."""
    axes = st.none()
    if x.ndim:
        some = st.lists(st.integers(0, x.ndim - 1), min_size=1, max_size=x.ndim, unique=True)
        axes = st.one_of(axes, st.integers(-x.ndim, x.ndim - 1), some.map(tuple))
    return st.tuples(axes, st.booleans())


def reduced_full(x):
    return reduced(x) if x.size else None


def order(x):
    return st.tuples(st.permutations(range(x.ndim)))


def new_shape(x):
    n = x.size
    return st.sampled_from([((n,),), ((1, n),), ((n, 1),), (x.shape[::-1],)] + [((-1,),)] * (n > 0)
                           + [((2, n // 2),)] * (n % 2 == 0) + [((n // 3, 3),)] * (n % 3 == 0))


def wider(x):
    ones = tuple(3 if n == 1 else n for n in x.shape)
    return st.sampled_from([((2, *x.shape),), (ones,), ((1, *ones),)])


def widths(x):
    return st.tuples(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=x.ndim,
                              max_size=x.ndim)) if x.ndim else None


def basic(x):
    return st.tuples(hnp.basic_indices(x.shape, allow_newaxis=True, max_dims=4))


def advanced(x):
    if not x.ndim or not x.size:
        return None
    masks = hnp.arrays(bool, x.shape[0]).map(lambda m: (m,))
    return st.one_of(masks, st.tuples(hnp.integer_array_indices(
        x.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3))))


def positions(x):
    axes = [a for a in range(-x.ndim, x.ndim) if x.shape[a]]
    return st.sampled_from(axes).flatmap(lambda a: st.tuples(
        st.lists(st.integers(-x.shape[a], x.shape[a] - 1), min_size=1, max_size=4).map(np.array),
        st.just(a))) if axes else None


def copies(x):
    return st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=3).map(tuple))


def matrix(x):
    return st.tuples(st.integers(-2, 2)) if x.ndim >= 2 else None


def fit(x, y):
    """Two operands that broadcast."""
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return None
    return nothing()


def alike(x, y):
    return an_axis(x) if x.shape == y.shape else None


def vectors(x, y):
    return nothing() if x.size * y.size <= 60 else None


UNARY = {
    "neg": lambda xp, x: -x, "abs": lambda xp, x: xp.abs(x), "tanh": lambda xp, x: xp.tanh(x),
    "sin": lambda xp, x: xp.sin(x), "cos": lambda xp, x: xp.cos(x),
    "tan": lambda xp, x: xp.tan(xp.sin(x)), "exp": lambda xp, x: xp.exp(xp.tanh(x)),
    "exp2": lambda xp, x: xp.exp2(xp.tanh(x)), "expm1": lambda xp, x: xp.expm1(xp.sin(x)),
    "log": lambda xp, x: xp.log(1 + x * x), "log2": lambda xp, x: xp.log2(1 + x * x),
    "log10": lambda xp, x: xp.log10(1 + x * x), "log1p": lambda xp, x: xp.log1p(xp.square(x)),
    "sqrt": lambda xp, x: xp.sqrt(1 + x * x), "cbrt": lambda xp, x: xp.cbrt(1 + x * x),
    "sinh": lambda xp, x: xp.sinh(xp.sin(x)), "cosh": lambda xp, x: xp.cosh(xp.sin(x)),
    "arctan": lambda xp, x: xp.arctan(x), "arcsinh": lambda xp, x: xp.arcsinh(x),
    "arcsin": lambda xp, x: xp.arcsin(0.9 * xp.sin(x)),
    "arccos": lambda xp, x: xp.arccos(0.9 * xp.sin(x)),
    "arctanh": lambda xp, x: xp.arctanh(0.9 * xp.sin(x)),
    "arccosh": lambda xp, x: xp.arccosh(1.5 + x * x),
    "reciprocal": lambda xp, x: xp.reciprocal(1.5 + xp.tanh(x)),
    "relu": lambda xp, x: xp.relu(x), "sigmoid": lambda xp, x: xp.sigmoid(x),
    "erf": lambda xp, x: xp.erf(x), "clip": lambda xp, x: xp.clip(x, -0.7, 0.9),
    "floor": lambda xp, x: x + xp.floor(x + 0.1234) * xp.sign(x + 0.1234),
    "cube": lambda xp, x: xp.tanh(x) ** 3, "twice": lambda xp, x: x + x,
}
BINARY = {
    "add": lambda xp, x, y: x + y, "sub": lambda xp, x, y: x - y, "mul": lambda xp, x, y: x * y,
    "div": lambda xp, x, y: x / (1.5 + xp.sin(y)),
    "mod": lambda xp, x, y: xp.mod(x + 0.1234, 1.5 + xp.sin(y)),
    "pow": lambda xp, x, y: (1.5 + xp.sin(x)) ** xp.tanh(y),
    "hypot": lambda xp, x, y: xp.hypot(x, 1.5 + xp.sin(y)),
    "arctan2": lambda xp, x, y: xp.arctan2(x, 1.5 + xp.sin(y)),
    "logaddexp": lambda xp, x, y: xp.logaddexp(x, y),
    "maximum": lambda xp, x, y: xp.maximum(x, y), "minimum": lambda xp, x, y: xp.minimum(x, y),
    "where": lambda xp, x, y: xp.where(x > y, x, 2 * y),
}
ELEMENTWISE = {name: (1, nothing, f) for name, f in UNARY.items()} | {
    name: (2, fit, f) for name, f in BINARY.items()}
REDUCTIONS = {
    "sum": (1, reduced, lambda xp, x, axis, keep: xp.sum(x, axis, keepdims=keep)),
    "mean": (1, reduced_full, lambda xp, x, axis, keep: xp.mean(x, axis, keepdims=keep)),
    "max": (1, reduced_full, lambda xp, x, axis, keep: xp.max(x, axis, keepdims=keep)),
    "min": (1, reduced_full, lambda xp, x, axis, keep: xp.min(x, axis, keepdims=keep)),
    "prod": (1, reduced, lambda xp, x, axis, keep: xp.prod(x, axis, keepdims=keep)),
    "var": (1, reduced_full, lambda xp, x, axis, keep: xp.var(x, axis, keepdims=keep)),
    "cumsum": (1, an_axis, lambda xp, x, axis: xp.cumsum(x, axis)),
    "cumprod": (1, an_axis, lambda xp, x, axis: xp.cumprod(x, axis)),
    "logsumexp": (1, full_axis, lambda xp, x, axis: xp.logsumexp(x, axis)),
    "softmax": (1, full_axis, lambda xp, x, axis: xp.softmax(x, axis)),
    "log_softmax": (1, full_axis, lambda xp, x, axis: xp.log_softmax(x, axis)),
    "sort": (1, an_axis, lambda xp, x, axis: xp.sort(x, axis)),
}
SHAPES = {
    "reshape": (1, new_shape, lambda xp, x, shape: xp.reshape(x, shape)),
    "transpose": (1, order, lambda xp, x, axes: xp.transpose(x, axes)),
    "broadcast_to": (1, wider, lambda xp, x, shape: xp.broadcast_to(x, shape)),
    "expand_dims": (1, lambda x: st.tuples(st.integers(-x.ndim - 1, x.ndim)),
                    lambda xp, x, axis: xp.expand_dims(x, axis)),
    "squeeze": (1, nothing, lambda xp, x: xp.squeeze(x)),
    "ravel": (1, nothing, lambda xp, x: xp.ravel(x)),
    "flip": (1, an_axis, lambda xp, x, axis: xp.flip(x, axis)),
    "roll": (1, an_axis, lambda xp, x, axis: xp.roll(x, axis - 2, axis)),
    "tile": (1, copies, lambda xp, x, reps: xp.tile(x, reps)),
    "repeat": (1, an_axis, lambda xp, x, axis: xp.repeat(x, 2, axis)),
    "pad": (1, widths, lambda xp, x, pairs: xp.pad(x, pairs, constant_values=0.5)),
    "edge": (1, lambda x: widths(x) if x.size else None,
             lambda xp, x, pairs: xp.pad(x, pairs, mode="edge")),
    "concatenate": (2, alike, lambda xp, x, y, axis: xp.concatenate([x, y, x], axis)),
    "stack": (2, alike, lambda xp, x, y, axis: xp.stack([x, y], axis)),
    "split": (1, an_axis, lambda xp, x, axis: xp.split(x, [1], axis)[1]),
    "tril": (1, matrix, lambda xp, x, k: xp.tril(x, k)),
    "triu": (1, matrix, lambda xp, x, k: xp.triu(x, k)),
    "diagonal": (1, matrix, lambda xp, x, k: xp.diagonal(x, k)),
    "getitem": (1, basic, lambda xp, x, index: x[index]),
    "gather": (1, advanced, lambda xp, x, index: x[index]),
    "take": (1, positions, lambda xp, x, at, axis: xp.take(x, at, axis)),
}
def matrices(x):
    return nothing() if x.ndim >= 2 else None


def safe(xp, x):
    """Symmetric and positive definite matrices."""
    return x @ xp.swapaxes(x, -1, -2) / 9 + np.eye(x.shape[-2], dtype=x.dtype) * 1.5


PRODUCTS = {
    "gram": (1, matrices,
             lambda xp, x: x @ xp.swapaxes(x, -1, -2) / 3),
    "dot": (1, lambda x: nothing() if x.ndim == 2 else None, lambda xp, x: xp.dot(x, x.T)),
    "outer": (2, vectors, lambda xp, x, y: xp.outer(x, y)),
    "kron": (2, vectors, lambda xp, x, y: xp.kron(x, y)),
    "inner": (1, lambda x: nothing() if x.ndim else None, lambda xp, x: xp.inner(x, x) / 3),
    "einsum": (1, matrices,
               lambda xp, x: xp.einsum("...ij,...kj->...ki", x, xp.sin(x))),
    "tensordot": (1, lambda x: nothing() if x.ndim else None,
                  lambda xp, x: xp.tensordot(x, x, ((0,), (0,)))),
    "inv": (1, matrices, lambda xp, x: xp.linalg.inv(safe(xp, x))),
    "solve": (1, matrices, lambda xp, x: xp.linalg.solve(safe(xp, x), x)),
    "det": (1, matrices, lambda xp, x: xp.linalg.det(safe(xp, x))),
}
STEPS = ELEMENTWISE | REDUCTIONS | SHAPES | PRODUCTS


@dataclass(frozen=True)
class Program:
    """Shapes of the inputs, and steps ``(name, operands, parameters)``."""

    shapes: tuple
    steps: tuple
    seed: int

    def inputs(self, dtype=np.float64, seed=0):
        rng = np.random.default_rng((self.seed, seed))
        return [np.asarray(rng.uniform(-2, 2, shape), dtype) for shape in self.shapes]

    def __call__(self, xp, *inputs):
        """The last value, and a number in which every value has a part."""
        values = list(inputs)
        for name, operands, params in self.steps:
            values.append(STEPS[name][2](xp, *(values[i] for i in operands), *params))
        return values[-1], sum(xp.sum(xp.tanh(x)) for x in values)


@st.composite
def programs(draw, longest=10):
    """Programs that NumPy can run on their inputs, with small values."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3,
                                                    max_dims=3)).input_shapes
    program = Program(tuple(shapes), (), draw(st.integers(0, 999)))
    values = program.inputs()
    for name in draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=longest)):
        arity, parameters, f = STEPS[name]
        operands = draw(st.tuples(*[st.integers(0, len(values) - 1)] * arity))
        strategy = parameters(*(values[i] for i in operands))
        if strategy is None:
            continue
        params = draw(strategy)
        out = np.asarray(f(REFERENCE, *(values[i] for i in operands), *params))
        if out.size <= 100 and out.ndim <= 5 and np.abs(out).max(initial=0) < 20:
            values.append(out)
            program = Program(program.shapes, (*program.steps, (name, operands, params)),
                              program.seed)
    return program

