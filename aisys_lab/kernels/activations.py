"""Elementwise functions of one array, and their gradients, under their plain names."""

from aisys_lab.core import LabError
from aisys_lab.kernels.chains import elementwise, fused
from aisys_lab.kernels.ladders import KERNELS, ladder

GELUS = {"tanh": "gelu", "none": "gelu_exact"}


def rung(name, kernel):
    """A function of arrays by a loop of this kind."""
    def run(*operands):
        return elementwise(name, *operands, kernel=kernel)
    run.__doc__ = f"{name}, {kernel}."
    return run


def verb(name, doc):
    """A function that picks a rung of its ladder."""
    ladder(name, **{kernel: rung(name, kernel) for kernel in ("naive", "vectors")})

    def call(*operands, kernel="vectors"):
        return KERNELS[name][kernel](*operands)
    call.__name__, call.__doc__ = name, f"{doc}, of f32 or f64 in any shape."
    return call


exp = verb("exp", "e^x")
expm1 = verb("expm1", "e^x - 1, exact near 0")
log = verb("log", "The natural logarithm")
tanh = verb("tanh", "The hyperbolic tangent")
sigmoid = verb("sigmoid", "1 / (1 + e^-x)")
erf = verb("erf", "The error function")
relu = verb("relu", "x, or 0 where x is less; NaN stays")
silu = verb("silu", "x · sigmoid(x)")
relu_grad = verb("relu_grad", "g, or 0 where x is 0 or less: ``relu_grad(g, x)``")
silu_grad = verb("silu_grad", "Gradient of silu: ``silu_grad(g, x)``")
tanh_grad = verb("tanh_grad", "Gradient of y = tanh(x): ``tanh_grad(g, y)``")
sigmoid_grad = verb("sigmoid_grad", "Gradient of y = sigmoid(x): ``sigmoid_grad(g, y)``")
_GELU = {name: verb(name, doc) for name, doc in [
    ("gelu", "GELU in its tanh form"), ("gelu_exact", "GELU by the error function"),
    ("gelu_grad", "Gradient of gelu"), ("gelu_exact_grad", "Gradient of gelu_exact")]}


def gelu(x, approximate="tanh", kernel="vectors"):
    """GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415): its tanh form, or ``"none"``: x times the
    part of the normal distribution below it."""
    return _GELU[_form(approximate)](x, kernel=kernel)


def gelu_grad(g, x, approximate="tanh", kernel="vectors"):
    """Gradient of gelu: of its result's gradient g, and of x."""
    return _GELU[f"{_form(approximate)}_grad"](g, x, kernel=kernel)


def _form(approximate):
    if approximate not in GELUS:
        raise LabError(f"gelu: approximate={approximate!r}; it is 'tanh' or 'none'.")
    return GELUS[approximate]


ladder("fused", **{kernel: lambda names, x, *others, kernel=kernel:
                   fused(names, x, *others, kernel=kernel) for kernel in ("naive", "vectors")})
