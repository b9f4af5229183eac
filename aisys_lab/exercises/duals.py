"""What lab V.2 asks of forward mode: numbers that carry their slope along."""

import cmath
import math

from aisys_lab.exercises.declare import Case, edits, exercise

BY_METHODS = '''
class Dual:
    def __init__(self, value, slope=0.0, tag=0):
        self.value, self.slope, self.tag = value, slope, tag

    def parts(self, other):
        tag = max(x.tag for x in (self, other) if isinstance(x, Dual))
        mine = [isinstance(x, Dual) and x.tag == tag for x in (self, other)]
        (a, da), (b, db) = [(x.value, x.slope) if own else (x, 0.0)
                            for x, own in zip((self, other), mine)]
        return tag, a, da, b, db

    def __bool__(self):
        return bool(self.value)

    def __add__(self, other):
        tag, a, da, b, db = self.parts(other)
        return Dual(a + b, da + db, tag)

    def __neg__(self):
        return Dual(-self.value, -self.slope, self.tag)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        tag, a, da, b, db = self.parts(other)
        return Dual(a * b, da * b + a * db, tag)

    def __truediv__(self, other):
        tag, a, da, b, db = self.parts(other)
        return Dual(a / b, (da * b - a * db) / (b * b), tag)

    def __rtruediv__(self, other):
        return Dual(other, 0.0, self.tag) / self

    def __pow__(self, other):
        tag, a, da, b, db = self.parts(other)
        out, slope = a ** b, 0.0
        if a or b:
            slope = da * b * a ** (b - 1)
        if isinstance(other, Dual) and other.tag == tag:
            slope = slope + db * out * np.log(a)
        return Dual(out, slope, tag)

    def __rpow__(self, other):
        return Dual(other, 0.0, self.tag) ** self

    def __abs__(self):
        return self * ((self > 0) - (self < 0))

    def __lt__(self, other):
        return self.value < (other.value if isinstance(other, Dual) else other)

    def __gt__(self, other):
        return self.value > (other.value if isinstance(other, Dual) else other)

    def __le__(self, other):
        return not self > other

    def __ge__(self, other):
        return not self < other

    def chain(self, value, slope):
        return Dual(value, slope * self.slope, self.tag)

    def exp(self):
        return self.chain(np.exp(self.value), np.exp(self.value))

    def log(self):
        return self.chain(np.log(self.value), 1 / self.value)

    def sqrt(self):
        return self.chain(np.sqrt(self.value), 0.5 / np.sqrt(self.value))

    def sin(self):
        return self.chain(np.sin(self.value), np.cos(self.value))

    def cos(self):
        return self.chain(np.cos(self.value), -np.sin(self.value))

    def tanh(self):
        return self.chain(np.tanh(self.value), 1 - np.tanh(self.value) ** 2)

    __radd__, __rmul__ = __add__, __mul__
'''
BY_TABLE = '''
import math
import operator

SLOPES = {
    "add": lambda a, b, out: (1, 1), "sub": lambda a, b, out: (1, -1),
    "mul": lambda a, b, out: (b, a), "truediv": lambda a, b, out: (1 / b, -out / b),
    "pow": lambda a, b, out: (b * a ** (b - 1) if a or b else 0, (a and out * f("log", a))),
}
CALLS = {
    "exp": lambda x, out: out, "log": lambda x, out: 1 / x, "sqrt": lambda x, out: 1 / (2 * out),
    "sin": lambda x, out: f("cos", x), "cos": lambda x, out: -f("sin", x),
    "tanh": lambda x, out: 1 - out * out,
}

def f(op, x):
    return getattr(x, op)() if isinstance(x, Dual) else getattr(math, op)(x)

class Dual:
    def __init__(self, value, slope=0.0, tag=0):
        self.value, self.slope, self.tag = value, slope, tag
    def __neg__(self):
        return self * -1
    def __abs__(self):
        return -self if self < 0 else +self if self > 0 else self * 0
    def __pos__(self):
        return self
    def __bool__(self):
        return bool(self.value)
    def number(self):
        return self.value.number() if isinstance(self.value, Dual) else self.value

def combine(op, x, y):
    tag = max(getattr(z, "tag", -1) for z in (x, y))
    own = [getattr(z, "tag", -1) == tag for z in (x, y)]
    values = [z.value if mine else z for z, mine in zip((x, y), own)]
    out = getattr(operator, op)(*values)
    slope = 0.0
    for k in (0, 1):
        if own[k]:
            slope = slope + (SLOPES[op](*values, out)[k] if op != "pow" else power(k, *values, out)
                             ) * (x, y)[k].slope
    return Dual(out, slope, tag)

def power(k, a, b, out):
    if k == 0:
        return b * a ** (b - 1) if a or b else 0
    return out * f("log", a) if a else 0

def compare(op):
    return lambda x, y: getattr(operator, op)(x.number(), getattr(y, "number", lambda: y)())

for op in SLOPES:
    setattr(Dual, f"__{op}__", lambda x, y, op=op: combine(op, x, y))
    setattr(Dual, f"__r{op}__", lambda x, y, op=op: combine(op, y, x))
for op in ("lt", "le", "gt", "ge"):
    setattr(Dual, f"__{op}__", compare(op))
for op, rule in CALLS.items():
    def method(x, op=op, rule=rule):
        out = f(op, x.value)
        return Dual(out, rule(x.value, out) * x.slope, x.tag)
    setattr(Dual, op, method)
'''
WRONG_DUALS = edits(BY_METHODS, {
    "power rule breaks at 0": ("if a or b:", "if True:"),
    "a power has slope 0 at 0": ("if a or b:", "if a:"),
    "an exponent of 0 is taken for a constant": ("if a or b:", "if b:"),
    "what has slope 0 is a constant": ("if a or b:", "if da and (a or b):"),
    "log of every base": ("if isinstance(other, Dual) and other.tag == tag:", "if True:"),
    "the exponent never moves": ("slope = slope + db * out * np.log(a)", "pass"),
    "quotient with plus": ("da * b - a * db", "da * b + a * db"),
    "quotient over b": ("/ (b * b)", "/ b"),
    "number over dual upside down": ("Dual(other, 0.0, self.tag) / self",
                                     "self / other"),
    "number minus dual upside down": ("return -self + other", "return self + -other"),
    "abs has slope 1": ("return self * ((self > 0) - (self < 0))",
                        "return Dual(abs(self.value), self.slope, self.tag)"),
    "abs has slope 1 at 0": ("((self > 0) - (self < 0))", "(1 if self >= 0 else -1)"),
    "perturbations confused": ("isinstance(x, Dual) and x.tag == tag for x",
                               "isinstance(x, Dual) for x"),
    "the oldest tag counts": ("max(x.tag", "min(x.tag"),
    "results lose their tag": ("return Dual(a * b, da * b + a * db, tag)",
                               "return Dual(a * b, da * b + a * db)"),
    "product of slopes": ("da * b + a * db", "da * db"),
    "forgets the inner slope": ("slope * self.slope", "slope"),
    "slope of cos without minus": ("-np.sin(self.value)", "np.sin(self.value)"),
    "slope of tanh by its argument": ("1 - np.tanh(self.value) ** 2", "1 - self.value ** 2"),
    "slope of sqrt without the half": ("0.5 / np.sqrt", "1 / np.sqrt"),
    "slopes are numbers": ("self.value, self.slope, self.tag = value, slope, tag\n",
                           "self.value, self.tag = value, tag\n"
                           "        self.slope = getattr(slope, 'value', slope)\n"),
})

# expression of x and y, and its slopes by both
ZOO = (
    ("x + y", "1", "1"), ("x - y", "1", "-1"), ("3 - x", "-1", "0"), ("x - 3", "1", "0"),
    ("x * y", "y", "x"), ("2.5 * x", "2.5", "0"), ("x / y", "1 / y", "-x / y ** 2"),
    ("3 / x", "-3 / x ** 2", "0"), ("x / 4", "0.25", "0"), ("x ** 3", "3 * x ** 2", "0"),
    ("x ** -2", "-2 * x ** -3", "0"), ("x ** 0.5", "0.5 * x ** -0.5", "0"),
    ("2 ** y", "0", "2 ** y * log(2)"), ("x ** y", "y * x ** (y - 1)", "x ** y * log(x)"),
    ("-x", "-1", "0"), ("abs(x - 9) + abs(y)", "-1", "1"), ("exp(x * y)", "y * exp(x * y)",
                                                        "x * exp(x * y)"),
    ("log(x) * y", "y / x", "log(x)"), ("sqrt(x)", "0.5 / sqrt(x)", "0"),
    ("sin(x)", "cos(x)", "0"), ("cos(y)", "0", "-sin(y)"), ("tanh(x)", "1 - tanh(x) ** 2", "0"),
    ("x * y if x > y else x + y", "y if x > y else 1", "x if x > y else 1"),
    ("x if 1.2 <= y else 3 * x", "1 if 1.2 <= y else 3", "0"))
AT_ZERO = (("x ** 2", (0, 2, 0)), ("x ** 1", (1, 0, 0)), ("x ** 0", (0, 0)), ("x ** 3", (0, 0, 6)),
           ("abs(x)", (0, 0)), ("(x * x + 1) ** 3", (0, 6)), ("(x - 2) ** 3", (12, -12, 6)),
           ("x * abs(x)", (0, 0)), ("d(lambda y: y ** x, 2.0)", (0.5,)))
HIGHER = (("exp(2 * x)", "8 * exp(2 * x)"), ("x ** 4", "24 * x"), ("1 / x", "-6 / x ** 4"),
          ("x * sin(x)", "-3 * sin(x) - x * cos(x)"), ("log(x)", "2 / x ** 3"),
          ("sqrt(x)", "0.375 * x ** -2.5"), ("2 ** x", "2 ** x * log(2) ** 3"),
          ("tanh(x)", "(1 - tanh(x) ** 2) * (6 * tanh(x) ** 2 - 2)"), ("cos(x)", "sin(x)"))
NESTED = (("x * d(lambda y: x + y, 1.0)", "1"), ("x * d(lambda y: x * y, 2.0)", "2 * x"),
          ("d(lambda y: x * x, x)", "0"), ("d(lambda y: y ** 3 * x, x)", "9 * x ** 2"),
          ("x * d(lambda y: y / x + d(lambda z: x * y * z, y), x)", "2 * x"),
          ("d(lambda y: sin(x * y), 3.0)", "cos(3 * x) - 3 * x * sin(3 * x)"))
GROW = ("sin({a}) * {b}", "{a} / (1.5 + {b} * {b})", "tanh({a} - {b})", "exp(-{a} * {b})",
        "sqrt(1 + {a} ** 2)", "log(1.5 + {a} ** 2) - {b}", "2 ** cos({a})", "{a} ** 3 - {b} / 2",
        "(1.3 + {a} * {a}) ** {b}")
MATH = {name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")}


@exercise("autodiff.Dual", code="V.2-A", points=10, driver="dual", mutants=WRONG_DUALS,
          different={"by methods": BY_METHODS, "by a table": BY_TABLE},
          hides=("autodiff.lessons.dual:Dual", "autodiff.lessons.dual:apply",
                 "autodiff.verbs:jvp", "autodiff.verbs:vjp"))
def dual(answer, rng):
    """class Dual: Dual(value, slope=0.0, tag=0) is value + slope ε, where ε² = 0: a number that
    carries its slope along. It keeps value, slope and tag, and has + - * / ** with Duals and with
    numbers on either side, unary -, abs, < <= > >= (by value), and the methods exp, log, sqrt,
    sin, cos, tanh. Slopes are exact. x ** y moves with both sides; a base that is negative, or 0,
    may have a constant exponent (so x ** 2 has slopes 0, then 2 at 0; and x ** 0 has slope 0).
    abs has slope 0 at 0. A derivative inside a derivative gives its Dual a larger tag. Among the
    operands, the largest tag counts: Duals of that tag move, Duals of a smaller one are constants
    like any number, and the result has the largest tag. So value and slope may themselves be
    Duals of smaller tags; np.sin(x) calls x.sin() where x is no number, and serves at any
    depth."""
    x, y = (float(v) for v in rng.uniform(0.4, 2.1, 2))
    for text, by_x, by_y in ZOO:
        yield from _rules(answer, rng, text, by_x, by_y, {"x": x, "y": y})
    yield _slope(answer, "x ** 3", -x, 1, 3 * x * x)
    for text, slopes in AT_ZERO:
        for order, want in enumerate(slopes, 1):
            yield _slope(answer, text, 0.0, order, want)
    for text, want in HIGHER:
        yield _slope(answer, text, x, 3, eval(want, MATH | {"x": x}))
    for text, want in NESTED:
        yield _slope(answer, text, x, 1, eval(want, MATH | {"x": x}))
    for _ in range(12):
        yield _by_complex_step(answer, rng)


def _rules(answer, rng, text, by_x, by_y, at):
    """Value and slope where x moves, where y moves, and where both do."""
    value, *by = (eval(t, MATH | at) for t in (text, by_x, by_y))
    for moving in ("x", "y", "xy"):
        push = {name: float(rng.uniform(0.5, 2)) if name in moving else 0.0 for name in at}
        given = {name: [v, push[name]] if name in moving else v for name, v in at.items()}
        want = by[0] * push["x"] + by[1] * push["y"]
        came = answer("once", text, given)
        good = isinstance(came, list) and _close(came[0], value) and _close(came[1], want)
        where = " and ".join(f"{name} = {f'Dual({v:.4g}, {push[name]:.4g})' if push[name] else v}"
                             for name, v in at.items())
        yield Case(good, f"{text} at {where}: expected value and slope {value:.12g}, {want:.12g}, "
                         f"came {came}")


def _close(came, want):
    return isinstance(came, int | float) and abs(came - want) <= 1e-11 * max(1.0, abs(want))


def _slope(answer, text, x, order, want):
    came = answer("derivative", text, x, order)
    nested = "; d(f, y) is the slope of f at y" if "d(" in text else ""
    return Case(_close(came, want), f"slope of order {order} of {text} at x = {x:.6g}: expected "
                                    f"{want:.12g}, came {came}{nested}")


def _by_complex_step(answer, rng):
    """A random program against Im f(x + ih) / h, which has no rounding error to speak of."""
    terms = ["x", "x"]
    for _ in range(3):
        a, b = (f"({terms[int(k)]})" for k in rng.integers(len(terms), size=2))
        terms.append(GROW[int(rng.integers(len(GROW)))].format(a=a, b=b))
    x = float(rng.uniform(-1, 1))
    space = {name: getattr(cmath, name) for name in MATH}
    want = eval(terms[-1], space | {"x": complex(x, 1e-30)})
    return _slope(answer, terms[-1], x, 1, getattr(want, "imag", 0.0) / 1e-30)
