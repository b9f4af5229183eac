"""What lab V.2 asks of source transformation: the text of a function in, of its gradient out."""

import math
from textwrap import dedent

from aisys_lab.autodiff.lessons import dual
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.exercises.stepper import StepperError, run
from aisys_lab.exercises.writer import Writer

BY_NESTING = '''
import ast

def pull(e, g, active):
    """Lines that add g times the slopes of an expression, down to its names."""
    if isinstance(e, ast.Name) and e.id in active:
        return [f"d_{e.id} += {g}"]
    if isinstance(e, ast.UnaryOp):
        return pull(e.operand, f"-({g})", active)
    if isinstance(e, ast.Call):
        x, out = ast.unparse(e.args[0]), ast.unparse(e)
        slope = {"exp": out, "log": f"1 / ({x})", "sqrt": f"0.5 / {out}", "sin": f"math.cos({x})",
                 "cos": f"-math.sin({x})", "tanh": f"(1 - {out} ** 2)",
                 "abs": f"(({x} > 0) - ({x} < 0))"}[getattr(e.func, "attr", "abs")]
        return pull(e.args[0], f"({g}) * {slope}", active)
    if not isinstance(e, ast.BinOp):
        return []
    a, b = f"({ast.unparse(e.left)})", f"({ast.unparse(e.right)})"
    by_a, by_b = {
        ast.Add: (g, g), ast.Sub: (g, f"-({g})"), ast.Mult: (f"({g}) * {b}", f"({g}) * {a}"),
        ast.Div: (f"({g}) / {b}", f"-({g}) * {a} / {b} ** 2"),
        ast.Pow: (f"({g}) * {b} * {a} ** ({b} - 1)",
                  f"({g}) * {a} ** {b} * math.log({a})")}[type(e.op)]
    return pull(e.left, by_a, active) + pull(e.right, by_b, active)

class Mathematical(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        if node.func.id not in ("range", "abs"):
            node.func = ast.Attribute(ast.Name("math", ast.Load()), node.func.id, ast.Load())
        return node

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        before = ast.Name(node.target.id, ast.Load())
        value = ast.BinOp(before, node.op, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)

def block(lines):
    return ["    " + line for line in lines or ["pass"]]

def sweeps(body, active, depth=0):
    """Lines forward and lines backward."""
    ahead, back = [], []
    for s in body:
        if isinstance(s, ast.Assign):
            name = s.targets[0].id
            there = [f"values.append({name})", ast.unparse(s)]
            home = [f"{name} = values.pop()", f"g, d_{name} = d_{name}, 0.0"]
            home += pull(s.value, "g", active)
        elif isinstance(s, ast.If):
            (a, a_back), (b, b_back) = (sweeps(x, active, depth) for x in (s.body, s.orelse))
            there = [f"if {ast.unparse(s.test)}:", *block(a + ["ways.append(True)"]),
                     "else:", *block(b + ["ways.append(False)"])]
            home = ["if ways.pop():", *block(a_back), "else:", *block(b_back)]
        else:
            inner, inner_back = sweeps(s.body, active, depth + 1)
            head = ast.unparse(s).splitlines()[0]
            there = [f"turns_{depth} = 0", head, *block(inner + [f"turns_{depth} += 1"])]
            there += [f"turns.append(turns_{depth})"]
            if isinstance(s, ast.For):
                there = [f"values.append({s.target.id})"] + there
                there.insert(-1, f"    values.append({s.target.id})")
                inner_back = [f"{s.target.id} = values.pop()"] + inner_back
            home = ["for turn in range(turns.pop()):", *block(inner_back)]
            if isinstance(s, ast.For):
                home.append(f"{s.target.id} = values.pop()")
        ahead, back = ahead + there, home + back
    return ahead, back

def grad_transform(source):
    f = Mathematical().visit(ast.parse(source)).body[0]
    params = [arg.arg for arg in f.args.args]
    loops = {n.target.id for n in ast.walk(f) if isinstance(n, ast.For)}
    stored = {n.id for n in ast.walk(f) if isinstance(n, ast.Name)
              and isinstance(n.ctx, ast.Store)} - set(params)
    active = {*params, *stored} - loops
    ahead, back = sweeps(f.body[:-1], active)
    first = [f"{name} = 0.0" for name in sorted(stored)]
    grads = [f"d_{name} = 0.0" for name in sorted(active)]
    lines = ["values, ways, turns = [], [], []", *first, *ahead, *grads,
             *pull(f.body[-1].value, "1.0", active), *back,
             "return [" + ", ".join(f"d_{name}" for name in params) + "]"]
    return "\\n".join(["import math", f"def {f.name}_grad({', '.join(params)}):", *block(lines)])
'''
BY_STEPS = '''
from aisys_lab.autodiff.lessons.source import RULES
from aisys_lab.autodiff.lessons.subset import If, Loop, read

def expression(part, active):
    first, back = [], []
    for step in part.steps:
        at = dict(zip("xy", step.operands))
        first.append(f"{step.name} = {RULES[step.op][0].format(**at)}")
        names = [x for x in step.operands if x.startswith("_")]
        first += [f"d{x} = 0.0" for x in names]
    for step in reversed(part.steps):
        at = dict(zip("xy", step.operands)) | {"out": step.name}
        at["g"] = "new" if step.name == part.value else f"d{step.name}"
        for x, rule in zip(step.operands, RULES[step.op][1:]):
            if x in active or x.startswith("_"):
                back.append(f"d{x if x[0] == '_' else '_' + x} += {rule.format(**at)}")
    return first + back + ([f"d_{part.value} += new"] if part.value in active else [])

def both(parts, active):
    ahead, back = [], []
    for part in parts:
        if isinstance(part, If):
            yes, no = both(part.body, active), both(part.orelse, active)
            mark = ["stack.append(1)"], ["stack.append(0)"]
            there = [f"if {part.test}:", *inner(yes[0] + mark[0]), "else:", *inner(no[0] + mark[1])]
            home = ["if stack.pop():", *inner(yes[1]), "else:", *inner(no[1])]
        elif isinstance(part, Loop):
            turn = both(part.body, active)
            kept = [f"stack.append({part.name})"] if part.name else []
            got = [f"{part.name} = stack.pop()"] if part.name else []
            before, after = (kept, got) if part.saved else ([], [])
            there = [*before, "stack.append(0)", part.head,
                     *inner(turn[0] + kept + ["stack.append(1)"])]
            home = ["while stack.pop():", *inner(got + turn[1]), *after]
        else:
            there = [f"stack.append({part.name})"] * part.saved + [f"{part.name} = {part.text}"]
            home = [f"{part.name} = stack.pop()"] * part.saved
            home += [f"new = d_{part.name}", f"d_{part.name} = 0.0", *expression(part, active)]
        ahead += there
        back = home + back
    return ahead, back

def inner(lines):
    return [f"  {line}" for line in lines] or ["  pass"]

def grad_transform(source):
    program = read(source)
    ahead, back = both(program.body, program.active)
    lines = ["stack = []", *(f"{name} = 0.0" for name in program.unset), *ahead, "new = 1.0",
             *(f"d_{name} = 0.0" for name in program.active),
             *expression(program.out, program.active), *back,
             f"return {', '.join(f'd_{name}' for name in program.params)},"]
    head = ["import math", f"def {program.name}_grad({program.signature}):"]
    return "\\n".join(head + inner(lines))
'''
EVERY_INPUT = '''
import ast

def grad_transform(source):
    f = ast.parse(source.replace("exp(", "math.exp(").replace("sin(", "math.sin(")
                  .replace("cos(", "math.cos(").replace("tanh(", "math.tanh(")
                  .replace("log(", "math.log(").replace("sqrt(", "math.sqrt(")).body[0]
    params = [arg.arg for arg in f.args.args]
    keep = ", ".join(params) + ","
    lines = ["grads, kept = [], [" + keep + "]"]
    for k, name in enumerate(params):
        for sign in "+-":
            lines += [f"{keep} = kept", f"{name} = {name} {sign} {0 if name == 'n' else 1e-6}"]
            lines += [line for s in f.body[:-1] for line in ast.unparse(s).splitlines()]
            lines += [f"{'high' if sign == '+' else 'low'} = {ast.unparse(f.body[-1].value)}"]
        lines += ["grads.append((high - low) / 2e-6)"]
    lines += ["return grads"]
    return "\\n".join(["import math", f"def {f.name}_grad({', '.join(params)}):",
                      *("    " + line for line in lines)])
'''
WRONG_SOURCES = edits(BY_NESTING, {
    "the branch is decided again on the way back": (
        'home = ["if ways.pop():"', 'home = ["ways.pop()", f"if {ast.unparse(s.test)}:"'),
    "one turn too few": ("range(turns.pop())", "range(turns.pop() - 1)"),
    "the range is taken again": (
        'home = ["for turn in range(turns.pop()):", *block(inner_back)]',
        'over = "range(turns.pop())" if isinstance(s, ast.While) else ast.unparse(s.iter)\n'
        '            home = [f"for turn in {over}:", *block(inner_back)]'),
    "all loops count together": ('there = [f"turns_{depth} = 0", head',
                                 'there = [f"turns_{depth} = turns_0" if depth else '
                                 '"turns_0 = 0", head'),
    "an overwritten variable keeps its gradient": (
        'f"g, d_{name} = d_{name}, 0.0"', 'f"g = d_{name}"'),
    "the gradient is cleared too late": (
        'f"g, d_{name} = d_{name}, 0.0"]\n            home += pull(s.value, "g", active)',
        'f"g = d_{name}"]\n            home += pull(s.value, "g", active) + [f"d_{name} = 0.0"]'),
    "values are not brought back": ('home = [f"{name} = values.pop()", ', "home = ["),
    "values come back too late": (
        'home = [f"{name} = values.pop()", f"g, d_{name} = d_{name}, 0.0"]\n'
        '            home += pull(s.value, "g", active)',
        'home = [f"g, d_{name} = d_{name}, 0.0"]\n            home += pull(s.value, "g", active) + '
        '[f"{name} = values.pop()"]'),
    "the first statement first": ("home + back", "back + home"),
    "the last use counts": ('[f"d_{e.id} += {g}"]', '[f"d_{e.id} = {g}"]'),
    "the variable of a loop stays where it was": (
        'inner_back = [f"{s.target.id} = values.pop()"] + inner_back',
        'inner_back = ["values.pop()"] + inner_back'),
    "only the last decision is kept": ('ways.append(True)', 'ways[:] = [True]',
                                       'ways.append(False)', 'ways[:] = [False]',
                                       '"if ways.pop():"', '"if ways[0]:"'),
    "minus is lost": ('ast.Sub: (g, f"-({g})")', "ast.Sub: (g, g)"),
    "quotient over b": ("/ {b} ** 2", "/ {b}"),
}) | {"every input moved in turn": EVERY_INPUT}

PROGRAMS = {  # text, arguments
    "def f(x, y):\n    z = x * y\n    return z - sin(z) / y": (0.7, 1.4),
    "def f(x):\n    x = x * x\n    x = exp(-x) + x\n    x *= x - 1\n    return x": (0.9,),
    "def f(x, y):\n    z = x\n    z = z + z\n    x = y\n    return z * x": (2.0, 3.0),
    "def f(x, y):\n    z = x * y\n    z = 1.5\n    return z * y": (2.0, 3.0),
    "def f(x):\n    if x > 1:\n        x = x / 4\n        y = x * x\n    else:\n        y = x\n"
    "    return y * x": (1.5,),
    "def f(x):\n    y = x\n    for i in range(5):\n        if y > 1:\n            y = y / 3\n"
    "        else:\n            y = y * 2 + x\n    return y": (0.8,),
    "def f(x, n):\n    for i in range(n):\n        n = n - 1\n        x = x * x - i\n    return x":
        (1.3, 4),
    "def f(x, n):\n    for i in range(n):\n        x = x * x\n    return x": (1.3, 0),
    "def f(x):\n    y = x\n    for i in range(9, 2, -3):\n        y = sin(y) * i\n    return y * i":
        (0.4,),
    "def f(x):\n    y = x\n    for i in range(3):\n        y = y * x + i\n    y = y / (i + 2)\n"
    "    for i in range(5):\n        y = y - x / (i + 1)\n    return y": (1.2,),
    "def f(x):\n    y = 1.0\n    while y < 50:\n        z = y * x\n        y = y + z\n"
    "    return y / z": (0.7,),
    "def f(x, y):\n    s = 0.0\n    for i in range(3):\n        for j in range(i + 1):\n"
    "            s += x ** (j + 1) * y\n            if s > y:\n                y = y + s / 9\n"
    "        while s > 2:\n            s = s / 2 - x * i\n    return s * y": (1.1, 0.7),
    "def f(x, y):\n    return x ** y + abs(x - y) ** 1.5 + tanh(cos(x)) / sqrt(log(1 + y))":
        (1.2, 2.1)}
MANY = dedent("""
    def f(a, b, c, d, e, p, q, r, s, t, u, v):
        x = 0.3
        for i in range(25):
            x = sin(a * x + b) + c * x - d
            y = cos(e * x + p * i) * q + r
            x = x * s / (1 + y * y) + t * y
        return x * u + y * v
    """).strip()


@exercise("autodiff.grad_transform", code="V.2-C", points=16, mutants=WRONG_SOURCES,
          different={"by nesting": BY_NESTING, "by steps": BY_STEPS},
          hides=("autodiff.lessons.source:adjoint", "autodiff.lessons.source:forward",
                 "autodiff.lessons.source:backward", "autodiff.lessons.source:pull"))
def grad_transform(answer, rng):
    """grad_transform(source) takes the text of a function f of numbers and gives the text of
    f_grad, which takes the same arguments and returns all gradients, one a parameter, in reverse
    mode. f has assignments (also += and the like) to names, if, elif, else, while, for over range
    and one return at the end; + - * / ** and exp, log, sqrt, sin, cos, tanh, abs. The variable of
    a loop is not set elsewhere; it, and a parameter that counts, have gradient 0. abs has slope 0
    at 0. The text is plain Python: one function, beside it only 'import math'; numbers, lists,
    loops, branches, functions of math, abs and range; no class, no tape. It may hold the program
    once, and what that overwrites, decides and counts on lists. Its arithmetic is counted: at most
    8 times that of f, however many parameters. lab.autodiff.lessons.subset.read(source) gives the
    function in small nouns, with expressions in single steps; RULES in
    lab.autodiff.lessons.source says how each is written and pulled back. Names in f do not begin
    with d_ or _."""
    for source, args in PROGRAMS.items():
        yield from _graded(answer, source, args)
    for number in range(14):
        writer = Writer(rng)
        source = writer.program(depth=number % 3)
        yield from _graded(answer, source, tuple(map(float, rng.uniform(-1.5, 1.5, 2))))
    yield from _cheap(answer, tuple(map(float, rng.uniform(0.2, 0.9, 12))))


def _graded(answer, source, args):
    """The gradients that the text gives, against dual numbers."""
    text, given = answer(source), f"f_grad{args} of\n{source}\n"
    if not isinstance(text, str):
        yield Case(False, f"{given}expected a text, came a {type(text).__name__}")
        return
    try:
        came, _ = run(text, "f_grad", args)
    except (StepperError, SyntaxError) as error:
        yield Case(False, f"{given}expected plain Python, but {error}")
        return
    want = by_duals(source, args)
    good = isinstance(came, list | tuple) and len(came) == len(want) and all(
        isinstance(c, int | float) and abs(c - w) <= 1e-9 * max(1.0, abs(w))
        for c, w in zip(came, want, strict=True))
    yield Case(good, f"{given}expected {tuple(round(w, 9) for w in want)}, came {came}")


def by_duals(source, args):
    """The slopes of our own text by each argument, in forward mode; 0 for whole numbers."""
    names = ("exp", "log", "sqrt", "sin", "cos", "tanh")
    space = {name: getattr(dual, name) for name in names}
    exec(source, space)
    return [0.0 if isinstance(x, int) else dual.derivative(space["f"], k)(*args)
            for k, x in enumerate(args)]


def _cheap(answer, args):
    """The arithmetic of the gradient beside that of the function."""
    yield from _graded(answer, MANY, args)
    _, once = run(f"from math import sin, cos\n{MANY}", "f", args)
    try:
        _, came = run(answer(MANY), "f_grad", args)
    except (StepperError, SyntaxError, TypeError):
        came = math.inf
    yield Case(came <= 8 * once, f"a function of {len(args)} parameters and {once} operations: "
                                 f"expected at most {8 * once} for all gradients, came {came}")
