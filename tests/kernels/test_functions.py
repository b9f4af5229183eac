"""Elementwise functions, number by number over all exponents."""

import math
import operator

import numpy as np
import pytest
import scipy.special

from aisys_lab.kernels import chain_text
from aisys_lab.kernels.expressions import FUNCTIONS
from kernels.rows import DTYPES

WIDE = np.longdouble  # more than f64 where the processor has that
DTYPE = [np.dtype(name) for name in DTYPES]

# ---- every row of FUNCTIONS in one module, in both forms

NAMES = list(FUNCTIONS)
TEXT = '''"""Every elementwise function."""

import math

import numpy as np

from aisys_lab.kernels.bits import *
from aisys_lab.kernels.functions import *
from aisys_lab.kernels.jit import entry
from aisys_lab.kernels.vector import *


@entry(fastmath=False)
def definitions(x, y, out):
    for i in range(len(x)):
        a, b = np.float64(x[i]), np.float64(y[i])
{definitions}


@entry
def vectors(x, y, out):
    for i in range(0, len(x), lanes(pointer(x))):
        a, b = load(pointer(x), i), load(pointer(y), i)
{vectors}
'''


def made():
    """The module of all rows."""
    forms = {"definition": "        out[{k}, i] = {text}",
             "vectors": "        store({text}, pointer(out[{k}]), i)"}
    lines = {form: "\n".join(line.format(k=k, text=getattr(FUNCTIONS[name], form).format("a", "b"))
                             for k, name in enumerate(NAMES)) for form, line in forms.items()}
    return chain_text.module_of(TEXT.format(definitions=lines["definition"],
                                            vectors=lines["vectors"]))


def computed(form, x, y):
    """Results of all rows, by name."""
    out = np.empty((len(NAMES), len(x)), x.dtype)
    getattr(made(), form)(x, y, out)
    return dict(zip(NAMES, out, strict=True))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh_form(x):
    """``(u, du/dx)`` of GELU's tanh form."""
    return (np.sqrt(WIDE(2) / np.pi) * (x + WIDE("0.044715") * x ** 3),
            np.sqrt(WIDE(2) / np.pi) * (1 + 3 * WIDE("0.044715") * x ** 2))


def gelu_slope(x):
    u, du = tanh_form(x)
    s = sigmoid(2 * u)
    return s + 2 * x * du * s * sigmoid(-2 * u)


def below(x):
    """The part of the normal distribution below x: SciPy's, in f64."""
    return scipy.special.ndtr(x.astype(np.float64)).astype(WIDE)


def bell(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * WIDE(np.pi))


ORACLES = {
    "neg": operator.neg, "abs": np.abs, "square": np.square, "sqrt": np.sqrt, "exp": np.exp,
    "expm1": np.expm1, "log": np.log, "tanh": np.tanh, "sigmoid": sigmoid,
    "erf": lambda x: np.vectorize(math.erf, otypes=[WIDE])(x),  # SciPy's is 2.5 units off
    "relu": lambda x: np.maximum(x, 0), "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * sigmoid(2 * tanh_form(x)[0]), "gelu_exact": lambda x: x * below(x),
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "maximum": np.maximum, "minimum": np.minimum,
    "relu_grad": lambda g, x: np.where(x <= 0, 0, g),
    "tanh_grad": lambda g, y: g * (1 - y * y), "sigmoid_grad": lambda g, y: g * y * (1 - y),
    "silu_grad": lambda g, x: g * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x)),
    "gelu_grad": lambda g, x: g * gelu_slope(x),
    "gelu_exact_grad": lambda g, x: g * (below(x) + x * bell(x)),
}
ULPS = {"exp": 1.1, "expm1": 2.3, "log": 1, "tanh": 3, "sigmoid": 2.3, "erf": 2} | dict.fromkeys(
    ("neg", "abs", "square", "sqrt", "relu", "add", "sub", "mul", "div", "maximum", "minimum",
     "relu_grad"), 0.51)


def any_floats(dtype, count, seed):
    """Floats of any sign, exponent and fraction, and the special ones."""
    bits = np.random.default_rng(seed).integers(0, 2 ** (8 * dtype.itemsize), count,
                                                f"u{dtype.itemsize}")
    x = bits.view(dtype).copy()
    tiny = np.finfo(dtype).smallest_subnormal
    x[:16] = [0, -0.0, 1, -1, np.nan, np.inf, -np.inf, tiny, -tiny, np.finfo(dtype).tiny, 88.5,
              -88.5, 709.5, -709.5, 1e-5, 0.5]
    return x


def usual_floats(dtype, count, seed):
    """Floats up to 100 either way, near 0 many."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(-1, 1, count) * 10 ** rng.uniform(-4, 2, count)).astype(dtype)


@np.errstate(all="ignore")
def errors(came, want):
    """Distances from longer results, in units of the last place."""
    right = want.astype(came.dtype)
    finite = np.isfinite(right)
    np.testing.assert_array_equal(came[~finite], right[~finite])
    return np.abs(came[finite] - want[finite]) / np.spacing(np.abs(right[finite]))


@pytest.mark.parametrize("draw", [any_floats, usual_floats])
@pytest.mark.parametrize("dtype", DTYPE, ids=str)
def test_functions_are_right_to_the_last_places(dtype, draw):
    x, y = draw(dtype, 1 << 16, 0), np.roll(draw(dtype, 1 << 16, 1), 5)
    came, bounds = computed("vectors", x, y), {}
    with np.errstate(all="ignore"):
        for name, most in ULPS.items():
            operands = [v.astype(WIDE) for v in (x, y)[:FUNCTIONS[name].arity]]
            bounds[name] = errors(came[name], ORACLES[name](*operands)).max(), most
    assert not {name: pair for name, pair in bounds.items() if pair[0] > pair[1]}
    assert bounds.keys() | {"silu", "gelu", "gelu_exact"} >= {
        name for name in NAMES if FUNCTIONS[name].arity == 1}


@np.errstate(all="ignore")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ULPS])
@pytest.mark.parametrize("dtype", DTYPE, ids=str)
def test_products_of_functions_are_right_beside_their_arguments(name, dtype):
    x, y = (usual_floats(dtype, 1 << 14, seed) for seed in (0, 1))
    y = np.tanh(y) if name in ("tanh_grad", "sigmoid_grad") else y  # of the result
    operands = [v.astype(WIDE) for v in (x, y)[:FUNCTIONS[name].arity]]
    size = np.maximum(1, np.abs(operands[0]))
    for form in ("definitions", "vectors"):
        error = np.abs(computed(form, x, y)[name] - ORACLES[name](*operands)) / size
        assert error.max() < 64 * np.finfo(dtype).eps, form


@pytest.mark.parametrize("dtype", DTYPE, ids=str)
def test_vectors_are_the_definition_also_where_it_is_not_finite(dtype):
    x, y = (draw(dtype, 1 << 14, 2) for draw in (any_floats, usual_floats))
    x[np.isfinite(x) & (np.abs(x) > np.finfo(dtype).max ** 0.4)] = 0  # whose products overflow
    for a, b in ((x, y), (y, x), (x, x[::-1].copy())):
        slow, fast = (computed(form, a, b) for form in ("definitions", "vectors"))
        for name in NAMES:
            finite = np.isfinite(slow[name]) & np.isfinite(fast[name])
            same = (slow[name] == fast[name]) | (np.isnan(slow[name]) & np.isnan(fast[name]))
            odd = ~finite & ~same
            assert not odd.any(), (name, a[odd], b[odd], slow[name][odd], fast[name][odd])
