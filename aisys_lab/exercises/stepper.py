"""Runs a plain Python function by its syntax tree: counts what it computes, and can do no harm.

For texts that answers write. Numbers, lists, arithmetic, branches and loops, the functions of
``CALLS`` and ``METHODS``: what is not here does not exist, and what does not end is stopped.
"""

import ast
import math
import operator

from aisys_lab.core import LabError

STEPS_MOST = 400_000
LENGTH_MOST = 100_000
WHOLE_MOST = 1 << 53
BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
          ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
          ast.Pow: lambda a, b: float(a) ** float(b)}
UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
COMPARE = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
           ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_,
           ast.IsNot: operator.is_not}
MATH = {name: getattr(math, name) for name in (
    "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "fabs", "copysign", "pow",
    "pi", "e")}
CALLS = {function.__name__: function for function in (
    abs, bool, float, int, len, max, min, range, sum, zip, enumerate)} | {
    "list": list, "tuple": tuple, "reversed": lambda x: list(x)[::-1]}
METHODS = ("append", "pop", "extend", "insert", "reverse", "copy", "clear")


class StepperError(LabError):
    """What a text does that is not plain, in a sentence."""


class Stop(Exception):  # noqa: N818  (a way out of loops, not an error)
    """Leaves a block: by break, continue or return."""

    def __init__(self, kind, value=None):
        super().__init__(kind)
        self.kind, self.value = kind, value


def run(text, name, args):
    """``(result, operations)`` of calling the function ``name`` of a text; a sentence on trouble.

    Operations are arithmetic ones and calls of mathematical functions.
    """
    machine = Stepper()
    try:
        function = machine.load(text, name)
        return machine.call(function, args), machine.operations
    except (StepperError, Stop):
        raise
    except RecursionError:
        raise StepperError("it is nested too deep.") from None
    except Exception as error:
        raise StepperError(f"line {machine.line}: {type(error).__name__}: {error}") from None


class Stepper:
    """One method a kind of node; ``names`` are the variables."""

    def __init__(self):
        self.names, self.known = {}, {}
        self.steps = self.operations = self.line = 0

    def load(self, text, name):
        """The function of that name; beside it stand only imports of math."""
        found = None
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import) and [a.name for a in node.names] == ["math"]:
                self.known[node.names[0].asname or "math"] = MATH
            elif isinstance(node, ast.ImportFrom) and node.module == "math":
                self.known |= {a.asname or a.name: MATH[a.name] for a in node.names}
            elif isinstance(node, ast.FunctionDef) and node.name == name:
                found = node
            elif not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
                raise StepperError(f"line {node.lineno}: {_first_line(node)} stands beside "
                                   f"{name}; there may be one function and 'import math'.")
        if found is None:
            raise StepperError(f"the text defines no {name}.")
        return found

    def call(self, function, args):
        given = [arg.arg for arg in function.args.args]
        if len(given) != len(args):
            raise StepperError(f"{function.name} takes {len(given)} arguments, not {len(args)}.")
        self.names = dict(zip(given, args, strict=True))
        try:
            self.block(function.body)
        except Stop as stop:
            return stop.value
        return None

    def visit(self, node):
        self.line = getattr(node, "lineno", self.line)
        self.spend(1)
        kind = getattr(self, type(node).__name__, None)
        if kind is None:
            raise StepperError(f"line {self.line}: {_first_line(node)} is not plain Python as "
                               f"asked for.")
        return kind(node)

    def spend(self, steps):
        self.steps += steps
        if self.steps > STEPS_MOST:
            raise StepperError(f"line {self.line}: it was stopped after {STEPS_MOST} steps.")

    def block(self, nodes):
        for node in nodes:
            self.visit(node)

    # statements

    def Assign(self, node):
        value = self.visit(node.value)
        for target in node.targets:
            self.store(target, value)

    def AnnAssign(self, node):
        self.store(node.target, self.visit(node.value))

    def AugAssign(self, node):
        before = self.visit(_loaded(node.target))
        self.store(node.target, self.compute(BINARY[type(node.op)], before,
                                             self.visit(node.value)))

    def store(self, target, value):
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for part, one in zip(target.elts, value, strict=True):
                self.store(part, one)
        elif isinstance(target, ast.Subscript):
            self.visit(_loaded(target.value))[self.visit(target.slice)] = value
        else:
            raise StepperError(f"line {self.line}: {_first_line(target)} cannot be set.")

    def Expr(self, node):
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.visit(node.value)

    def Pass(self, node):
        pass

    def Return(self, node):
        raise Stop("return", self.visit(node.value) if node.value else None)

    def Break(self, node):
        raise Stop("break")

    def Continue(self, node):
        raise Stop("continue")

    def If(self, node):
        self.block(node.body if self.visit(node.test) else node.orelse)

    def While(self, node):
        while self.visit(node.test):
            if self.turn(node.body):
                return
        self.block(node.orelse)

    def For(self, node):
        for value in self.visit(node.iter):
            self.store(node.target, value)
            if self.turn(node.body):
                return
        self.block(node.orelse)

    def turn(self, body):
        """Runs a loop's body once; returns whether it broke off."""
        self.spend(1)
        try:
            self.block(body)
        except Stop as stop:
            if stop.kind == "return":
                raise
            return stop.kind == "break"
        return False

    # expressions

    def Constant(self, node):
        return self.bounded(node.value)

    def Name(self, node):
        for space in (self.names, self.known, CALLS):
            if node.id in space:
                return space[node.id]
        raise StepperError(f"line {self.line}: there is no {node.id} here.")

    def BinOp(self, node):
        return self.compute(BINARY[type(node.op)], self.visit(node.left), self.visit(node.right))

    def UnaryOp(self, node):
        return self.compute(UNARY[type(node.op)], self.visit(node.operand))

    def compute(self, function, *values):
        """Arithmetic, within bounds; lists may be joined and repeated a little."""
        self.operations += 1
        for x in values:
            if isinstance(x, list | tuple):
                self.spend(len(x) * max([abs(n) for n in values if type(n) is int], default=1))
        return self.bounded(function(*values))

    def bounded(self, value):
        if not isinstance(value, int | float | list | tuple | range | None | zip | enumerate):
            raise StepperError(f"line {self.line}: a {type(value).__name__} is not plain here.")
        if type(value) is int and abs(value) > WHOLE_MOST:
            raise StepperError(f"line {self.line}: a whole number beyond 2**53.")
        if isinstance(value, list | tuple) and len(value) > LENGTH_MOST:
            raise StepperError(f"line {self.line}: a list of more than {LENGTH_MOST} entries.")
        return value

    def BoolOp(self, node):
        stop = isinstance(node.op, ast.Or)
        for value in node.values:
            found = self.visit(value)
            if bool(found) == stop:
                return found
        return found

    def Compare(self, node):
        left = self.visit(node.left)
        for op, right in zip(node.ops, node.comparators, strict=True):
            right = self.visit(right)
            if not COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def IfExp(self, node):
        return self.visit(node.body if self.visit(node.test) else node.orelse)

    def Tuple(self, node):
        return tuple(map(self.visit, node.elts))

    def List(self, node):
        return list(map(self.visit, node.elts))

    def Subscript(self, node):
        return self.visit(node.value)[self.visit(node.slice)]

    def Slice(self, node):
        return slice(*(part and self.visit(part) for part in (node.lower, node.upper, node.step)))

    def Attribute(self, node):
        if isinstance(node.value, ast.Name) and self.known.get(node.value.id) is MATH:
            return MATH[node.attr]
        raise StepperError(f"line {self.line}: {_first_line(node)} is not plain Python here.")

    def Call(self, node):
        args = [self.visit(arg) for arg in node.args]
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr in METHODS:
            owner = self.visit(func.value)
            if type(owner) is list:
                self.spend(len(owner) if func.attr in ("extend", "copy", "reverse") else 1)
                return getattr(owner, func.attr)(*args)
        function = self.visit(func)
        if not callable(function) or node.keywords:
            raise StepperError(f"line {self.line}: {_first_line(node)} is no call for here.")
        self.operations += function in MATH.values()
        self.spend(sum(len(arg) for arg in args if isinstance(arg, list | tuple | range)))
        return self.bounded(function(*args))


def _loaded(target):
    """What a target stands for when it is read."""
    return ast.parse(ast.unparse(target), mode="eval").body


def _first_line(node):
    return f"'{ast.unparse(node).splitlines()[0]}'"
