"""Drives a student's dual numbers: expressions as text, evaluated with the student's class."""

import math

from aisys_lab.core import attempt
from aisys_lab.exercises.drivers import DRIVERS


@DRIVERS.row("dual")
def dual(names, name):
    """The answer is a class; ``answer(verb, text, …)`` evaluates an expression with it."""
    def answer(verb, text, *given):
        import aisys_lab as lab
        with attempt():
            lab.SLOTS["autodiff.Dual"] = names[name]
            return VERBS[verb](lab, names[name], text, *given)
    return answer


def _call(op):
    """``sin(x)`` for numbers and for what has a method of that name."""
    return lambda x: getattr(x, op)() if hasattr(x, op) else getattr(math, op)(x)


FUNCTIONS = {op: _call(op) for op in ("exp", "log", "sqrt", "sin", "cos", "tanh")}


def once(lab, dual, text, variables):
    """``[value, slope]`` of the text, where each variable is a number or a pair of both."""
    given = {name: dual(*x, 1) if isinstance(x, list) else x for name, x in variables.items()}
    out = eval(text, FUNCTIONS | given)
    return [float(out.value), float(out.slope)] if isinstance(out, dual) else [float(out), 0.0]


def derivative(lab, dual, text, x, order):
    """The slope of that order of ``lambda x: text`` at x; ``d(f, y)`` in the text is a slope."""
    def d(f, x):
        return lab.derivative(f)(x)

    f = eval(f"lambda x: {text}", FUNCTIONS | {"d": d})
    for _ in range(order):
        f = lab.derivative(f)
    return float(f(x))


VERBS = {"once": once, "derivative": derivative}
