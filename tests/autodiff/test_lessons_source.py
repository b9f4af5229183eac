"""The source lesson: its texts give the slopes that dual numbers give, and stand alone."""

import ast
import math
from textwrap import dedent

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff.lessons import dual
from aisys_lab.autodiff.lessons.source import RULES, adjoint, grad_transform
from aisys_lab.autodiff.lessons.subset import FUNCTIONS, OPERATORS
from aisys_lab.exercises.writer import Writer

SPACE = {name: getattr(dual, name, abs) for name in FUNCTIONS} | {"rate": 0.3}


def by_duals(source, *args):
    """The slopes of a text's function by each argument, in forward mode."""
    space = dict(SPACE)
    exec(dedent(source), space)
    return [0.0 if isinstance(x, int) else dual.derivative(space["f"], k)(*args)
            for k, x in enumerate(args)]


PROGRAMS = {
    "straight": ("""
        def f(x, y):
            a = x * y
            b = sin(a) / y
            return a - b ** 2
        """, (0.7, 1.3)),
    "every function": ("""
        def f(x):
            y = exp(x) + log(x) * sqrt(x)
            return y - sin(x) / cos(x) * tanh(-x) + abs(x - 2)
        """, (0.8,)),
    "set again": ("""
        def f(x):
            x = x * x
            x = sin(x) + x
            x *= x
            return x
        """, (0.9,)),
    "a copy": ("""
        def f(x, y):
            a = x
            a = a + a
            x = y
            return a * x
        """, (2.0, 3.0)),
    "constants": ("""
        def f(x):
            a = 2 * 3
            x = x * a
            a = 5
            return x + a
        """, (2.0,)),
    "unused": ("""
        def f(x, y):
            a = x * y
            a = 1.0
            return a * y
        """, (2.0, 3.0)),
    "branch": ("""
        def f(x, y):
            if x > y:
                z = x * y
                x = 0.5
            elif x > 0:
                z = x / y
            else:
                z = y
            return z * x
        """, (2.0, 3.0)),
    "branch undone": ("""
        def f(x):
            if x > 1:
                x = x / 4
                y = x * x
            else:
                y = x
            return y
        """, (1.5,)),
    "counted": ("""
        def f(x, n):
            y = 1.0
            for i in range(n):
                y = y * x + i
            return y
        """, (1.1, 4)),
    "no turn": ("""
        def f(x, n):
            for i in range(n):
                x = x * x
            return x
        """, (1.1, 0)),
    "steps": ("""
        def f(x):
            y = x
            for i in range(9, 2, -3):
                y = sin(y) * i
            return y * i
        """, (0.4,)),
    "two loops, one name": ("""
        def f(x):
            y = x
            for i in range(3):
                y = y * x + i
            y = y / (i + 2)
            for i in range(5):
                y = y - x / (i + 1)
            return y * i
        """, (1.2,)),
    "loop in loop": ("""
        def f(x, y):
            s = 0.0
            for i in range(3):
                for i in range(i + 1):
                    s = s + x ** i
                s = s * y + i
            return s
        """, (1.1, 0.7)),
    "while": ("""
        def f(x):
            y = 1.0
            while y < 50:
                y = y * (1 + x)
                t = sqrt(y)
            return y - t
        """, (0.7,)),
    "loops and branches": ("""
        def f(x, y):
            s = 0.0
            for i in range(6):
                if s > 1:
                    s, y = y / 2, s * x
                else:
                    while s < 0.7:
                        s += x * 0.2 + 0.1
                        y = y * cos(s)
                s = s * 1.3 + sin(i * y)
            return s * y
        """, (0.6, 0.9)),
    "pairs": ("""
        def f(x, y):
            for _ in range(4):
                x, y = y, x * y
            return x + y
        """, (1.1, 0.8)),
    "several targets": ("""
        def f(x):
            a = b = x * x
            c: float = a
            return a * b + c
        """, (3.0,)),
    "power at zero": ("""
        def f(x, y):
            return x ** 2 + x ** y + (x + 1) ** 0
        """, (0.0, 1.0)),
    "power of negatives": ("""
        def f(x, n):
            return x ** 3 + 0.0 * n
        """, (-2.0, 3)),
    "kink": ("""
        def f(x):
            return abs(x) + 3 * x
        """, (0.0,)),
    "precedence": ("""
        def f(x, y):
            return -x ** 2 / (y - x * (2 - y)) - (x - (y - 1)) * -3.5
        """, (0.4, 2.2)),
    "by other names": ("""
        def f(x, rates=3):
            '''A docstring.'''
            pass
            return x * (rates + 1)
        """, (2.0, 4.0)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_dual_numbers(name):
    source, args = PROGRAMS[name]
    assert grad_transform(source)(*args) == pytest.approx(
        by_duals(source, *args), rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_as_dual_numbers(seed):
    rng = np.random.default_rng(seed)
    source = Writer(rng).program(depth=seed % 4)
    args = tuple(rng.uniform(-1.5, 1.5, 2).tolist())
    want = by_duals(source, *args)
    assert grad_transform(source)(*args) == pytest.approx(want, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_text_is_plain_python(name):
    text = adjoint(PROGRAMS[name][0])
    kinds = {type(node) for node in ast.walk(ast.parse(text))}
    assert not kinds & {ast.ClassDef, ast.Lambda, ast.With, ast.Try, ast.Global}
    called = {ast.unparse(n.func) for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)}
    assert called <= {f"math.{name}" for name in FUNCTIONS} | {"abs", "range", "stack.append",
                                                               "stack.pop"}


def test_the_stack_is_empty_at_the_end():
    for source, args in PROGRAMS.values():
        text = adjoint(source).replace("    return (", "    assert not stack\n    return (")
        space = {"stack": []}
        exec(text, space)
        space["f_grad"](*args)


def test_golden(golden):
    golden("adjoint", adjoint(PROGRAMS["loops and branches"][0]).rstrip("\n"))


def smooth(x, n):
    y = 1.0
    for _ in range(n):
        y = y * math.sin(x) + OFFSET
    return y


OFFSET = 0.5


def test_functions_see_what_they_saw():
    slope = grad_transform(smooth)
    assert slope(0.7, 3)[0] == pytest.approx(
        (smooth(0.7 + 1e-6, 3) - smooth(0.7 - 1e-6, 3)) / 2e-6, rel=1e-8)
    assert "y = y * math.sin(x) + OFFSET" in str(slope) and repr(slope) == slope.source


def test_closures_see_what_they_saw():
    scale = 3.0

    def f(x):
        return scale * x
    assert grad_transform(f)(1.0) == (3.0,)


def test_there_is_a_rule_for_all_that_is_read():
    assert set(RULES) == {*FUNCTIONS, *OPERATORS.values(), "neg"}


@pytest.mark.parametrize(("line", "sentence"), [
    ("with x: pass", "line 2: 'with x:' is not in the subset; it takes assignments to"),
    ("while x < 1: break", "line 2: 'break' is not in the subset"),
    ("y = sinh(x)", r"line 2: there is no rule for 'sinh\(x\)'"),
    ("y = x if x > 0 else 1", "line 2: there is no rule for 'x if x > 0 else 1'"),
    ("y = x % 2", "line 2: there is no rule for 'x % 2'"),
    ("y = sin(x, x)", r"line 2: there is no rule for 'math.sin\(x, x\)'"),
    ("y[0] = x", r"line 2: 'y\[0\] = x' does not set names to one value each"),
    ("y, z = x", r"line 2: 'y, z = x' does not set names"),
    ("for i in [1, 2]: x = x * i", r"line 2: 'for i in \[1, 2\]:' is no loop over range"),
    ("for i in range(3): i = i + x", "line 2: i is the variable of a loop, and set here too"),
    ("while x < 1: x = x * 2\n    else: pass", "line 2: a loop has no else here"),
    ("if x > 0: return x", "line 2: return should stand once, on the last line"),
    ("print(x)", r"line 2: 'print\(x\)' sets nothing"),
    ("y = (z := x)", r"line 2: '\(z := x\)' sets a name inside an expression"),
    ("d_x = x", "line 2: the name d_x is needed for the gradient"),
    ("y = x +", "line 2: invalid syntax"),
    ("def g(x): pass", r"line 2: 'def g\(x\):' is not in the subset")])
def test_what_is_outside_the_subset_is_a_sentence(line, sentence):
    with pytest.raises(lab.LabError, match=f"grad_transform: {sentence}"):
        grad_transform(f"def f(x):\n    {line}\n    return x")


@pytest.mark.parametrize(("source", "sentence"), [
    ("f = 3", "takes the text of one function"), ("def f(x):\n    x = 1", "line 2: the last line"),
    ("def f(x):\n    return", "line 2: the last line should return a number"),
    ("def f(*xs):\n    return 1", "line 1: the parameters should be plain names")])
def test_what_is_no_such_function_is_a_sentence(source, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        grad_transform(source)


def test_functions_without_a_text():
    with pytest.raises(lab.LabError, match="no source text of .* is to be had"):
        grad_transform(math.sin)
    with pytest.raises(lab.LabError, match="takes the text of one function, written with def"):
        grad_transform(lambda x: x)
