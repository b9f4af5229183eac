"""Drives kernels: exact matrices, layouts, loops that Numba compiles, convolutions on symbols."""

import functools
from fractions import Fraction

import numpy as np

from aisys_lab.exercises.drivers import DRIVERS, function


@DRIVERS.row("exact")
def exact(names, name):
    """The answer gives matrices of whole numbers and fractions, which travel as pairs."""
    made = function(names, name)

    @functools.wraps(made)
    def answer(*args):
        return [[[_ratio(x) for x in _parts(row, "a row")] for row in _parts(matrix, "a matrix")]
                for matrix in _parts(made(*args), "the result")]
    return answer


def _parts(value, what):
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return value
    raise TypeError(f"{what} is a {type(value).__name__}; matrices are lists of lists, or arrays")


def _ratio(x):
    if isinstance(x, int | Fraction | np.integer):
        return Fraction(int(x) if isinstance(x, np.integer) else x).as_integer_ratio()
    raise TypeError(f"a number of the matrices is a {type(x).__name__}; exact ones are int and "
                    f"Fraction")


@DRIVERS.row("layout")
def layout(names, name):
    """``[result, how many numbers lie between neighbours along each axis]``."""
    made = function(names, name)

    @functools.wraps(made)
    def answer(*args):
        out = made(*args)
        steps = out.strides if isinstance(out, np.ndarray) else ()
        return [out, [step // out.itemsize for step in steps]]
    return answer


@DRIVERS.row("quiet")
def quiet(names, name):
    """The answer is a function whose overflows need no warning; they show in its results."""
    made = function(names, name)

    @functools.wraps(made)
    def answer(*args):
        with np.errstate(all="ignore"):
            return made(*args)
    return answer


@DRIVERS.row("product")
def product(names, name):
    """The answer is a function of (a, b, out) in plain loops: compiled, it fills a new out."""
    made = function(names, name)

    @functools.wraps(made)
    def answer(a, b):
        from aisys_lab.kernels.lessons.compiled import compiled
        out = np.full((a.shape[0], b.shape[1]), np.nan, a.dtype)
        compiled(made)(a, b, out)
        return out
    return answer


@DRIVERS.row("symbols")
def symbols(names, name):
    """``answer("result", x, w, …)`` is the result, ``answer("program", shape, shape, …)`` a text.

    For the latter the function runs on arrays of symbols, which write down every operation, line
    by line: ``["x", number]`` an input, ``["c", numerator, denominator]`` a constant, or
    ``[op, a, b]`` with the numbers of earlier lines; then the shape of the result and its lines.
    """
    made = function(names, name)

    @functools.wraps(made)
    def answer(verb, x, w, *rest):
        if verb == "result":
            return made(x, w, *rest)
        tape = []
        out = np.asarray(made(_fresh(tape, x), _fresh(tape, w), *rest), object)
        return [tape, list(out.shape), [_line(tape, value) for value in out.flat]]
    return answer


def _fresh(tape, shape):
    """An array of new symbols."""
    out = np.empty(shape, object)
    for at in np.ndindex(*shape):
        out[at] = Symbol(tape, ["x", len(tape)])
    return out


def _line(tape, value):
    """The line of a symbol, or of a constant, which gets one."""
    if isinstance(value, Symbol):
        return value.line
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, int | float | Fraction):
        return None
    tape.append(["c", *value.as_integer_ratio()])
    return len(tape) - 1


class Symbol:
    """A number without a value: it knows the line of the tape where it was made."""

    __slots__ = ("line", "tape")

    def __init__(self, tape, made):
        tape.append(made)
        self.tape, self.line = tape, len(tape) - 1

    def write(self, op, a, b):
        a, b = _line(self.tape, a), _line(self.tape, b)
        return NotImplemented if a is None or b is None else Symbol(self.tape, [op, a, b])

    def __add__(self, other):
        return self.write("+", self, other)

    def __radd__(self, other):
        return self.write("+", other, self)

    def __sub__(self, other):
        return self.write("-", self, other)

    def __rsub__(self, other):
        return self.write("-", other, self)

    def __mul__(self, other):
        return self.write("*", self, other)

    def __rmul__(self, other):
        return self.write("*", other, self)

    def __truediv__(self, other):
        return NotImplemented if isinstance(other, Symbol) else self * (1 / Fraction(other))

    def __neg__(self):
        return self * -1
