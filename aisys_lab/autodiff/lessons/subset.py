"""What the lesson `source` differentiates, in four small nouns; expressions come in single steps.

A step is one operation, as a line of a tape is. ``active`` are the names that have a gradient: all
but constants and the variables of for loops.
"""

import ast
import re
from dataclasses import dataclass

from aisys_lab.autodiff.lessons.sugar import FUNCTIONS, called, first_line, plain, refuse

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


@dataclass(frozen=True)
class Step:
    """``name`` (_1, _2, …) is ``op`` of operands: names, steps before, or texts of constants."""

    name: str
    op: str  # a row of source.RULES
    operands: tuple


@dataclass(frozen=True)
class Set:
    """``name = text``. ``value`` is the last step, or the name or constant that stands alone."""

    name: str
    text: str
    steps: tuple
    value: str
    saved: bool  # whether the name may hold a value already


@dataclass(frozen=True)
class If:
    """``if test:`` and its two blocks."""

    test: str
    body: tuple
    orelse: tuple


@dataclass(frozen=True)
class Loop:
    """``head`` is the first line; ``name`` the variable of a for, empty for a while."""

    head: str
    name: str
    body: tuple
    saved: bool  # whether the name may hold a value already


@dataclass(frozen=True)
class Program:
    """A function of numbers; ``unset`` names get their first value inside a block."""

    name: str
    signature: str
    params: tuple
    active: tuple
    unset: tuple
    body: tuple
    out: Set  # what is returned


def read(source):
    """The ``Program`` of a function's text; a sentence where it leaves the subset."""
    function = plain(source)
    reader = _Reader(function)
    *body, last = function.body
    body, out = reader.block(body), reader.set("", last)
    for arg in function.args.args:
        arg.annotation = None
    return Program(function.name, ast.unparse(function.args), tuple(reader.params),
                   tuple(reader.active), tuple(reader.unset), body, out)


class _Reader:
    """Reads statement by statement, and so knows which names are set by then."""

    def __init__(self, function):
        nodes = list(ast.walk(function))
        self.params = [arg.arg for arg in function.args.args]
        self.turning = {node.target.id for node in nodes if isinstance(node, ast.For)}
        names = [*self.params, *(node.targets[0].id for node in nodes
                                 if isinstance(node, ast.Assign))]
        self.active = [name for name in dict.fromkeys(names) if name not in self.turning]
        self.known, self.unset, self.depth = set(self.params), [], 0
        for node in nodes:
            if isinstance(node, ast.Assign) and node.targets[0].id in self.turning:
                refuse(node, f"{node.targets[0].id} is the variable of a loop, and set here too")

    def block(self, nodes):
        return tuple(map(self.statement, nodes))

    def statement(self, node):
        if isinstance(node, ast.Assign):
            return self.set(node.targets[0].id, node)
        if isinstance(node, ast.If):
            return If(ast.unparse(node.test), self.inner(node.body), self.inner(node.orelse))
        if isinstance(node, ast.While):
            return Loop(f"while {ast.unparse(node.test)}:", "", self.inner(node.body), False)
        head = f"for {node.target.id} in {ast.unparse(node.iter)}:"
        saved = self.overwrites(node.target.id)
        return Loop(head, node.target.id, self.inner(node.body), saved)

    def inner(self, nodes):
        self.depth += 1
        body = self.block(nodes)
        self.depth -= 1
        return body

    def overwrites(self, name):
        """Whether the name may hold a value; from now on it does."""
        saved = name in self.known or self.depth > 0
        if saved and name not in self.known:
            self.unset.append(name)
        self.known.add(name)
        return saved

    def set(self, name, node):
        steps = []
        value = self.flat(node.value, steps)
        saved = bool(name) and self.overwrites(name)
        return Set(name, ast.unparse(node.value), tuple(steps), value, saved)

    def flat(self, node, steps):
        """Adds the steps of an expression; returns the name or constant that stands for it."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if isinstance(node, ast.Name) or not names & set(self.active):
            text = ast.unparse(node)
            return text if re.fullmatch(r"[\w.]+", text) else f"({text})"
        op, operands = _operation(node)
        operands = tuple(self.flat(operand, steps) for operand in operands)
        steps.append(Step(f"_{len(steps) + 1}", op, operands))
        return steps[-1].name


def _operation(node):
    """``(op, operands)`` of one operation."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)], (node.left, node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return "neg", (node.operand,)
    if isinstance(node, ast.Call) and called(node) in FUNCTIONS and len(node.args) == 1:
        return called(node), tuple(node.args)
    return refuse(node, f"there is no rule for {first_line(node)}")
