"""The dual lesson: slopes as the full engine finds them, nested without confusion."""

import cmath
import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.lessons import dual
from aisys_lab.autodiff.lessons.dual import Dual, derivative, exp, sin

ZOO = {
    "polynomial": lambda x, m: 3 * x ** 3 - x * x / 2 + 1 - x,
    "quotient": lambda x, m: (1 - x) / (2 + x * x),
    "tower": lambda x, m: m.exp(m.sin(x) * m.cos(3 * x)),
    "logarithm": lambda x, m: m.log(x) * m.sqrt(x) - 2 / x,
    "powers": lambda x, m: 2 ** x + x ** x + x ** 0.5 + x ** -2,
    "branch": lambda x, m: x * x if x > 1 else m.tanh(x),
    "loop": lambda x, m: sum((m.sin(k * x) / k for k in range(1, 5)), 0.0),
    "kink": lambda x, m: m.abs(x - 2) + m.abs(-x),
}


OURS = SimpleNamespace(**{name: getattr(dual, name) for name in
                          ("exp", "log", "sqrt", "sin", "cos", "tanh")}, abs=abs)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("x", [0.3, 0.9, 1.7, 2.6])
def test_zoo_as_the_engine_to_third_order(name, x):
    mine, theirs = (lambda x, m=m: ZOO[name](x, m) for m in (OURS, anp))
    for _ in range(3):
        mine, theirs = derivative(mine), lab.grad(theirs)
        assert mine(x) == pytest.approx(float(theirs(x)), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("name", ["polynomial", "quotient", "tower", "logarithm", "powers", "loop"])
def test_zoo_by_a_complex_step(name):
    want = ZOO[name](0.8 + 1e-30j, cmath).imag / 1e-30
    assert derivative(lambda x: ZOO[name](x, OURS))(0.8) == pytest.approx(want, rel=1e-12)


def test_perturbations_are_not_confused():
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1.0
    assert derivative(lambda x: x * derivative(lambda y: x * y)(2.0))(3.0) == 6.0
    assert derivative(lambda x: derivative(lambda y: x)(1.0))(1.0) == 0.0
    inner = derivative(lambda x: derivative(lambda y: (x * y) ** 3)(x))
    assert inner(2.0) == pytest.approx(15 * 2.0 ** 4)  # 3 x³ y² at y = x


@pytest.mark.parametrize(("f", "want"), [
    (lambda x: x ** 2, [0, 2, 0]), (lambda x: x ** 1, [1, 0, 0]), (lambda x: x ** 0, [0, 0, 0]),
    (lambda x: x ** 3.0, [0, 0, 6]), (lambda x: abs(x), [0, 0, 0]), (lambda x: 0 ** (x + 1), [0])])
def test_at_zero(f, want):
    for slope in want:
        f = derivative(f)
        assert f(0.0) == slope


def test_powers_of_negative_numbers():
    assert derivative(lambda x: x ** 3)(-2.0) == 12
    assert derivative(lambda x: x ** -1)(-2.0) == -0.25
    with pytest.raises(ValueError, match="math domain"):
        derivative(lambda y: (-2.0) ** y)(2.0)


def test_mixed_orders_of_a_power_at_exponent_zero():
    assert derivative(lambda y: derivative(lambda x: x ** y)(2.0))(0.0) == 0.5


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-2, 2))
def test_product_and_chain(a, b, x):
    f, g = (lambda x: a * sin(x) + x), (lambda x: exp(b * x))
    slope = derivative(lambda x: f(x) * g(x))(x)
    assert slope == pytest.approx(derivative(f)(x) * g(x) + f(x) * derivative(g)(x), rel=1e-9)
    slope = derivative(lambda x: f(g(x)))(x)
    assert slope == pytest.approx(derivative(f)(g(x)) * derivative(g)(x), rel=1e-9)


def test_hyper_dual_numbers_hold_value_slopes_and_second_slope():
    x = Dual(Dual(3.0, 1.0, 1), 1.0, 2)
    assert str(x * x * x) == "Dual(Dual(27.0, 27.0), Dual(27.0, 18.0))"


def test_which_argument():
    f = lambda x, y: x * y * y  # noqa: E731
    assert derivative(f)(2.0, 3.0) == 9 and derivative(f, 1)(2.0, 3.0) == 12
    assert derivative(f, -1)(2.0, 3.0) == 12
    with pytest.raises(lab.LabError, match="derivative: 2 arguments; argnum=2"):
        derivative(f, 2)(1.0, 1.0)


def test_no_slope_is_lost_in_silence():
    with pytest.raises(TypeError):
        math.sin(Dual(1.0, 1.0))
