"""Elementwise functions by name: what each is of numbers, and what it is of vectors."""

from dataclasses import dataclass

from aisys_lab.core import Table


@dataclass(frozen=True)
class Function:
    """``arity`` arguments; two expressions of them: ``definition`` of numbers in double precision,
    in words of Python and NumPy, and ``vectors`` of pieces of functions.py and vector.py."""

    arity: int
    definition: str
    vectors: str


FUNCTIONS = Table("FUNCTIONS", "elementwise functions: of numbers, and of vectors",
                  noun="function")

SIGMOID = "(1 / (1 + np.exp(-{0})))"
TANH = "np.tanh(np.sqrt(2 / np.pi) * ({0} + 0.044715 * {0} ** 3))"
BELOW = "((1 + math.erf({0} * np.sqrt(0.5))) / 2)"
S, T, B = (text.replace("{0}", "{1}") for text in (SIGMOID, TANH, BELOW))  # of the second argument

for _name, _arity, _definition, _vectors in [
    ("neg", 1, "-{0}", "{0} * -1"),
    ("abs", 1, "abs({0})", "absolute({0})"),
    ("square", 1, "{0} * {0}", "{0} * {0}"),
    ("sqrt", 1, "np.sqrt({0})", "sqrt({0})"),
    ("exp", 1, "np.exp({0})", "exp({0})"),
    ("expm1", 1, "np.expm1({0})", "expm1({0})"),
    ("log", 1, "np.log({0})", "log({0})"),
    ("tanh", 1, "np.tanh({0})", "tanh({0})"),
    ("sigmoid", 1, SIGMOID, "sigmoid({0})"),
    ("erf", 1, "math.erf({0})", "erf({0})"),
    ("relu", 1, "0 if {0} <= 0 else {0}", "relu({0})"),
    ("silu", 1, f"{{0}} * {SIGMOID}", "silu({0})"),
    ("gelu", 1, f"{{0}} / 2 * (1 + {TANH})", "gelu({0})"),
    ("gelu_exact", 1, f"{{0}} * {BELOW}", "gelu_exact({0})"),
    # of two numbers
    ("add", 2, "{0} + {1}", "{0} + {1}"),
    ("sub", 2, "{0} - {1}", "{0} - {1}"),
    ("mul", 2, "{0} * {1}", "{0} * {1}"),
    ("div", 2, "{0} / {1}", "{0} / {1}"),
    ("maximum", 2, "np.maximum({0}, {1})", "greatest({0}, {1})"),
    ("minimum", 2, "np.minimum({0}, {1})", "least({0}, {1})"),
    # gradients: of the result, and of the argument (tanh, sigmoid: of the result) before
    ("relu_grad", 2, "0 if {1} <= 0 else {0}", "relu_grad({0}, {1})"),
    ("tanh_grad", 2, "{0} * (1 - {1} * {1})", "{0} * (one({1}) - {1} * {1})"),
    ("sigmoid_grad", 2, "{0} * {1} * (1 - {1})", "{0} * {1} * (one({1}) - {1})"),
    ("silu_grad", 2, f"{{0}} * ({S} + {{1}} * {S} * (1 - {S}))", "{0} * silu_slope({1})"),
    ("gelu_grad", 2, f"{{0}} / 2 * (1 + {T} + {{1}} * (1 - {T} ** 2) * np.sqrt(2 / np.pi) "
                     f"* (1 + 3 * 0.044715 * {{1}} ** 2))", "{0} * gelu_slope({1})"),
    ("gelu_exact_grad", 2, f"{{0}} * ({B} + {{1}} * np.exp(-{{1}} ** 2 / 2) / np.sqrt(2 * np.pi))",
     "{0} * gelu_exact_slope({1})"),
]:
    FUNCTIONS.define(_name, Function(_arity, _definition, _vectors))
