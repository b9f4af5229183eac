"""Source transformation: from the text of a function to the text of its gradient, plain Python.

The forward sweep is the program itself, which lays on a stack what it overwrites and which way it
goes; the backward sweep takes all of it from there, last in, first out. (Tapenade does so for
Fortran and C, Tangent did for Python.)
"""

import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from aisys_lab.autodiff.lessons.subset import If, Loop, Set, read
from aisys_lab.core import LabError, slot

# one row an op: how it is written, then what the gradient g of its result gives each operand
RULES = {
    "+": ("{x} + {y}", "{g}", "{g}"),
    "-": ("{x} - {y}", "{g}", "-{g}"),
    "*": ("{x} * {y}", "{g} * {y}", "{g} * {x}"),
    "/": ("{x} / {y}", "{g} / {y}", "-{g} * {out} / {y}"),
    "**": ("{x} ** {y}", "{g} * {y} * {x} ** ({y} - 1) if {x} or {y} else 0.0",
           "{g} * {out} * math.log({x}) if {x} > 0 else 0.0"),
    "neg": ("-{x}", "-{g}"),
    "exp": ("math.exp({x})", "{g} * {out}"),
    "log": ("math.log({x})", "{g} / {x}"),
    "sqrt": ("math.sqrt({x})", "{g} / (2 * {out})"),
    "sin": ("math.sin({x})", "{g} * math.cos({x})"),
    "cos": ("math.cos({x})", "-{g} * math.sin({x})"),
    "tanh": ("math.tanh({x})", "{g} * (1 - {out} * {out})"),
    "abs": ("abs({x})", "{g} * (({x} > 0) - ({x} < 0))"),
}


def forward(body):
    """Lines that run a block, and note on the stack how to come back."""
    return [line for part in body for line in FORWARD[type(part)](part)]


def forward_set(part):
    kept = [f"stack.append({part.name})"] if part.saved else []
    return [*kept, f"{part.name} = {part.text}"]


def forward_if(part):
    return [f"if {part.test}:", *_indent(forward(part.body), "stack.append(True)"),
            "else:", *_indent(forward(part.orelse), "stack.append(False)")]


def forward_loop(part):
    """A mark a turn; Tapenade counts the turns instead."""
    kept = [f"stack.append({part.name})"] if part.saved else []
    turn = [f"stack.append({part.name})"] if part.name else []
    return [*kept, "stack.append(False)", part.head,
            *_indent(forward(part.body), *turn, "stack.append(True)")]


def backward(body, active):
    """Lines that undo a block, its last statement first, and pull the gradients through."""
    return [line for part in reversed(body) for line in BACKWARD[type(part)](part, active)]


def backward_set(part, active):
    before = [f"{part.name} = stack.pop()"] if part.saved else []
    lines = pull(part, active)
    taken = f"new, d_{part.name} = d_{part.name}, 0.0" if lines else f"d_{part.name} = 0.0"
    return [*before, taken, *lines]


def backward_if(part, active):
    orelse = _indent(backward(part.orelse, active))
    return ["if stack.pop():", *_indent(backward(part.body, active) or ["pass"]),
            *(["else:", *orelse] if orelse else [])]


def backward_loop(part, active):
    turn = [f"{part.name} = stack.pop()"] if part.name else []
    before = [f"{part.name} = stack.pop()"] if part.saved else []
    return ["while stack.pop():", *_indent(turn + backward(part.body, active) or ["pass"]),
            *before]


FORWARD = {Set: forward_set, If: forward_if, Loop: forward_loop}
BACKWARD = {Set: backward_set, If: backward_if, Loop: backward_loop}


def pull(part, active):
    """Lines that give ``new``, the gradient of an expression, to the variables in it."""
    lines, steps = [], {step.name: step for step in part.steps}
    for step in reversed(part.steps):
        at = dict(zip("xy", step.operands, strict=False)) | {
            "g": "new" if step.name == part.value else f"d{step.name}", "out": step.name}
        for operand, rule in zip(step.operands, RULES[step.op][1:], strict=True):
            if operand in steps:
                lines.append(f"d{operand} = {rule.format(**at)}")
            elif operand in active:
                lines.append(f"d_{operand} += {rule.format(**at)}")
    if part.value in active:
        lines.append(f"d_{part.value} += new")
    for step in reversed(part.steps):  # computed again where a rule needs it
        if re.search(rf"\b{step.name}\b", " ".join(lines)):
            at = dict(zip("xy", step.operands, strict=False))
            lines.insert(0, f"{step.name} = {RULES[step.op][0].format(**at)}")
    return lines


def _indent(lines, *more):
    return [f"    {line}" for line in [*lines, *more]]


@slot("autodiff.grad_transform")
def adjoint(source):
    """The text of ``f_grad``, which returns a tuple: the gradient of f by each parameter."""
    program = read(source)
    unset = [" = ".join([*program.unset, "0.0"])] if program.unset else []
    ahead = [*unset, *forward(program.body)]
    back = [" = ".join([*(f"d_{name}" for name in program.active), "0.0"]), "new = 1.0",
            *pull(program.out, program.active), *backward(program.body, program.active)]
    stack = ["stack = []"] if any("stack." in line for line in ahead) else []
    out = ", ".join(f"d_{name}" for name in program.params)
    out = f"return ({out}{',' * (len(program.params) == 1)})"
    lines = ["# forward", *stack, *ahead, "# backward", *back, out]
    return "\n".join(["import math\n\n", f"def {program.name}_grad({program.signature}):",
                      *_indent(lines), ""])


@dataclass(frozen=True)
class Adjoint:
    """The gradient of a function as text, and callable; it prints as the text."""

    source: str
    run: Callable

    def __call__(self, *args):
        return self.run(*args)

    def __str__(self):
        return self.source

    __repr__ = __str__


def grad_transform(f):
    """The ``Adjoint`` of a function of numbers (or its text): gradients by all its arguments."""
    source, space = (f, {}) if isinstance(f, str) else _source_of(f)
    text = adjoint(source)
    exec(compile(text, "<adjoint>", "exec"), space)
    name = re.findall(r"^def (\w+)", text, re.MULTILINE)[-1]
    return Adjoint(text, space[name])


def _source_of(f):
    """A function's text, and the names that it sees."""
    try:
        outer = inspect.getclosurevars(f)
        return textwrap.dedent(inspect.getsource(f)), {**outer.globals, **outer.nonlocals}
    except (TypeError, OSError):
        raise LabError(f"grad_transform: no source text of {f!r} is to be had; pass the text "
                       f"itself.") from None
