"""The judge's own interpreter: what Python gives, counted, and nothing that does harm."""

import time

import numpy as np
import pytest

from aisys_lab.exercises.stepper import STEPS_MOST, StepperError, run
from aisys_lab.exercises.writer import Writer

MATH = "from math import exp, log, sqrt, sin, cos, tanh\n"


@pytest.mark.parametrize("seed", range(20))
def test_random_programs_as_python_runs_them(seed):
    rng = np.random.default_rng(seed)
    text = MATH + Writer(rng).program(seed % 3)
    space = {}
    exec(text, space)
    x, y = rng.uniform(-1, 1, 2).tolist()
    assert run(text, "f", (x, y))[0] == space["f"](x, y)


TEXTS = """
def f(x):
    total, seen = 0, [1, 2.5]
    for i, a in enumerate(seen + [x]):
        if i == 1 and not a < 0 or a is None:
            continue
        seen.append(a) if len(seen) < 5 else None
        total += a ** 2 // 1 % 7
    else:
        total -= 1
    while True:
        seen.pop()
        if not seen:
            break
    seen[:] = [3, 4]
    seen[0] = -seen[1]
    return (total, seen, seen[::-1], max(1, x), [abs(y) for y in ()] if False else 0)
---
def f(x):
    for i in range(3):
        for j in reversed(range(2)):
            if j == i:
                return i, j, sum([i, j]), 1 < x <= 3 != 4
---
def f(x):
    a = b = [1] * 3
    (c, d), e = (1, 2), 3
    for u, v in zip(a, [x, 2]):
        c += u * v
    return a, b, c + d - e, float(2), int(x), bool(0), list(range(2)), tuple(a)
"""


@pytest.mark.parametrize("text", [text.strip("\n") for text in TEXTS.split("---")])
def test_statements_as_python_runs_them(text):
    space = {}
    exec(text, space)
    assert run(text, "f", (2.25,))[0] == space["f"](2.25)


def test_operations_are_counted():
    text = "import math\ndef f(x, n):\n    for i in range(n):\n        x = x * x + math.sin(x)\n" \
           "    return -x"
    assert [run(text, "f", (0.5, n))[1] for n in (0, 1, 10)] == [1, 4, 31]


@pytest.mark.parametrize(("body", "sentence"), [
    ("while True: pass", "stopped after 400000 steps"),
    ("for i in range(10 ** 12): pass", "stopped after|float' object cannot"),
    ("return [0] * 10 ** 6 * 99", "can't multiply|stopped after"),
    ("return [0] * 1000000", "stopped after"),
    ("return list(range(999999999))", "stopped after"),
    ("return sum(range(999999999))", "stopped after"),
    ("a = [1]\n    for i in range(99): a.extend(a)", "stopped after"),
    ("a = [1]\n    for i in range(99): a = a + a", "more than 100000 entries"),
    ("a = 3\n    for i in range(99): a = a * a", "a whole number beyond 2"),
    ("a = 2.0\n    for i in range(9999): a = a ** a", "OverflowError"),
    ("return x.__class__", r"'x.__class__' is not plain Python here"),
    ("return math.__loader__", "KeyError|is not plain"),
    ("return math.sin.__self__", "not plain"),
    ("return open('a')", "there is no open here|a str is not plain"),
    ("return eval(x)", "there is no eval"), ("import os", "'import os' is not plain Python"),
    ("return (lambda: x)()", "is not plain Python as asked for"),
    ("return f(x)", "there is no f"), ("class A: pass", "'class A:' is not plain Python"),
    ("return 'a' * x", "a str is not plain"),
    ("with x: pass", "is not plain"), ("x.y = 1", "cannot be set"), ("return x[0]", "TypeError"),
    ("return [].pop()", "line 3: IndexError"), ("return float(x=1)", "is no call for here"),
    ("try:\n        pass\n    except: pass", "is not plain Python"), ("return 1j", "complex")])
def test_what_is_not_plain_is_a_sentence_soon(body, sentence):
    start = time.monotonic()
    with pytest.raises(StepperError, match=sentence):
        run(f"import math\ndef f(x):\n    {body}", "f", (1.0,))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(("text", "sentence"), [
    ("x = 1", "line 1: 'x = 1' stands beside f"), ("", "the text defines no f"),
    ("import os\ndef f(): pass", "'import os' stands beside f"),
    ("def f(x, y): pass", "f takes 2 arguments, not 1"),
    ("def f(x): return " + "-" * 3000 + "1", "nested too deep|too many nested")])
def test_texts_that_are_no_such_function(text, sentence):
    with pytest.raises((StepperError, SyntaxError, MemoryError, RecursionError)) as error:
        run(text, "f", (1.0,))
    if isinstance(error.value, StepperError):
        error.match(sentence)


def test_a_function_without_return_gives_none():
    assert run("def f():\n    '''Nothing.'''", "f", ()) == (None, 0)
    assert STEPS_MOST > 1000
