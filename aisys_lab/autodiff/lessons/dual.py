"""Forward mode on numbers: a dual number carries its slope along, by one rule an operation."""

import itertools
import math
import operator

from aisys_lab.core import SLOTS, LabError

# one row an op: how to compute it, then the slope by each input
RULES = {
    "add": (operator.add, lambda out, x, y: 1.0, lambda out, x, y: 1.0),
    "sub": (operator.sub, lambda out, x, y: 1.0, lambda out, x, y: -1.0),
    "mul": (operator.mul, lambda out, x, y: y, lambda out, x, y: x),
    "div": (operator.truediv, lambda out, x, y: 1 / y, lambda out, x, y: -out / y),
    "pow": (operator.pow, lambda out, x, y: y * x ** (y - 1) if x or y else 0.0,
            lambda out, x, y: out * log(x) if x else 0.0),
    "neg": (operator.neg, lambda out, x: -1.0),
    "abs": (operator.abs, lambda out, x: (x > 0) - (x < 0)),  # 0 at the kink
    "exp": (math.exp, lambda out, x: out),
    "log": (math.log, lambda out, x: 1 / x),
    "sqrt": (math.sqrt, lambda out, x: 0.5 / out),
    "sin": (math.sin, lambda out, x: cos(x)),
    "cos": (math.cos, lambda out, x: -sin(x)),
    "tanh": (math.tanh, lambda out, x: 1 - out * out),
}
_tags = itertools.count(1)


@SLOTS.row("autodiff.Dual")
class Dual:
    """value + slope ε, where ε² = 0. The tag tells one derivative's ε from another's.

    Value and slope may be dual numbers of older tags themselves (hyper-dual numbers).
    """

    def __init__(self, value, slope=0.0, tag=0):
        self.value, self.slope, self.tag = value, slope, tag

    def __repr__(self):
        return f"Dual({self.value}, {self.slope})"

    def __bool__(self):
        return bool(self.value)  # but no __float__: math.sin would drop the slope in silence


def apply(op, *inputs):
    """Computes with plain numbers; of dual numbers, the newest take their slope along."""
    compute, *rules = RULES[op]
    tags = [x.tag for x in inputs if isinstance(x, Dual)]
    if not tags:
        return compute(*inputs)
    newest = [isinstance(x, Dual) and x.tag == max(tags) for x in inputs]
    values = [x.value if mine else x for x, mine in zip(inputs, newest, strict=True)]
    out = apply(op, *values)  # all that is older is a constant here
    slopes = [rule(out, *values) * x.slope
              for x, rule, mine in zip(inputs, rules, newest, strict=True) if mine]
    return Dual(out, sum(slopes[1:], slopes[0]), max(tags))


for _name, _op in {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div",
                   "pow": "pow"}.items():
    setattr(Dual, f"__{_name}__", lambda x, y, op=_op: apply(op, x, y))
    setattr(Dual, f"__r{_name}__", lambda x, y, op=_op: apply(op, y, x))
for _name in ("neg", "abs"):
    setattr(Dual, f"__{_name}__", lambda x, op=_name: apply(op, x))
for _name in ("exp", "log", "sqrt", "sin", "cos", "tanh"):
    setattr(Dual, _name, lambda x, op=_name: apply(op, x))
for _compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
    setattr(Dual, f"__{_compare.__name__}__",  # branches look at values
            lambda x, y, compare=_compare: compare(plain(x), plain(y)))


def plain(x):
    """The number below all slopes."""
    return plain(x.value) if hasattr(x, "slope") else x


def _elementary(op):
    def function(x):
        return getattr(x, op)() if hasattr(x, "slope") else RULES[op][0](x)
    function.__name__, function.__doc__ = op, f"{op} of a number or a dual number."
    return function


exp, log, sqrt, sin, cos, tanh = map(_elementary, ("exp", "log", "sqrt", "sin", "cos", "tanh"))


def derivative(f, argnum=0):
    """The slope of a function of numbers; nests to any order: ``derivative(derivative(f))``."""
    def slope(*args):
        if not -len(args) <= argnum < len(args):
            raise LabError(f"derivative: {len(args)} arguments; argnum={argnum} is none of them.")
        args, tag, dual = list(args), next(_tags), SLOTS["autodiff.Dual"]
        args[argnum] = dual(args[argnum], 1.0, tag)
        out = f(*args)
        return out.slope if isinstance(out, dual) and out.tag == tag else 0.0
    return slope
