"""The text of a module for a chain of elementwise functions, and the module of a text."""

import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass

from aisys_lab.core import Table, cache_dir, write_atomic
from aisys_lab.kernels import bits, functions, vector
from aisys_lab.kernels.expressions import FUNCTIONS

PIECES = {name: module.__name__ for module in (vector, bits, functions) for name in vars(module)}


@dataclass(frozen=True)
class Body:
    """A loop: what is loaded of an operand that is a line (``l``) or one number in each row (a
    point, ``p``), and of its rest; which of a function's expressions is taken; the text."""

    load: dict
    rest: dict
    form: str
    text: str


BODIES = Table("BODIES", "loops of a chain, slow first", noun="kernel")
BODIES.define("naive", Body({"l": "np.float64(a{k}[i])", "p": "np.float64(a{k}[0])"}, {},
                            "definition", '''
@part(fastmath=False)
def lines(rows, count, ld, to, {pointers}):
    """Number by number, in double precision."""
    for r in range(rows):
        out = offset(to, r * ld)
{places}
        for i in range(count):
{steps}
            out[i] = {result}
'''))
BODIES.define("vectors", Body({"l": "load(a{k}, i)", "p": "splat(to, a{k}[0])"},
                              {"l": "load_part(a{k}, whole, rest, 0)", "p": "splat(to, a{k}[0])"},
                              "vectors", '''
@part
def lines(rows, count, ld, to, {pointers}):
    """Vector by vector, and a part of one."""
    whole = count - count % lanes(to)
    rest = count - whole
    for r in range(rows):
        out = offset(to, r * ld)
{places}
        for i in range(0, whole, lanes(to)):
{steps}
            store({result}, out, i)
        if rest:
{rest}
            store_part({result}, out, whole, rest)
'''))

ENTRIES = '''

@entry
def run(out, rows, count, {arrays}):
    """``rows`` lines of ``count`` numbers."""
    lines(rows, count, count, pointer(out), {whole})


@entry(parallel=True)
def run_parts(out, rows, count, {arrays}, parts):
    """The same by several threads: each takes some lines, or a piece of the only one."""
    for p in prange(parts):
        if rows == 1:
            first, last = p * count // parts, (p + 1) * count // parts
            lines(1, last - first, count, offset(pointer(out), first), {pieces})
        else:
            first, last = p * rows // parts, (p + 1) * rows // parts
            lines(last - first, count, count, offset(pointer(out), first * count), {stripes})
'''


def text_of(names, places, kernel):
    """The module's text for a chain of functions of operands at these places (``l`` or ``p``)."""
    body = BODIES[kernel]
    steps, result = _steps(names, body.form)
    text = body.text.format(pointers=_each("p{k}, s{k}", places), result=result,
                            places=_block([f"a{k} = offset(p{k}, r * s{k})"
                                           for k in range(len(places))], 8),
                            steps=_block(_loads(body.load, places) + steps, 12),
                            rest=_block(_loads(body.rest or body.load, places) + steps, 12))
    text += ENTRIES.format(
        arrays=_each("x{k}, s{k}", places), whole=_each("pointer(x{k}), s{k}", places),
        stripes=_each("offset(pointer(x{k}), first * s{k}), s{k}", places),
        pieces=", ".join(f"offset(pointer(x{k}), {'first' if place == 'l' else '0'}), s{k}"
                         for k, place in enumerate(places)))
    return f'"""Generated: {", ".join(names)} in one loop."""\n\n{_imports(text)}\n{text}'


def _steps(names, form):
    """A line for each function, and the name of the last result."""
    lines, taken, last = [], 1, "x0"
    for step, row in enumerate(FUNCTIONS[name] for name in names):
        operands = [last, *(f"x{k}" for k in range(taken, taken + row.arity - 1))]
        lines.append(f"y{step} = {getattr(row, form).format(*operands)}")
        taken, last = taken + row.arity - 1, f"y{step}"
    return lines, last


def _loads(forms, places):
    return [f"x{k} = {forms[place].format(k=k)}" for k, place in enumerate(places)]


def _each(form, places):
    return ", ".join(form.format(k=k) for k in range(len(places)))


def _block(lines, indent):
    return "\n".join(" " * indent + line for line in lines)


def _imports(text):
    """Imports of what the text names; of the package's files, so that a change of them is seen."""
    called = set(re.findall(r"(?<![.\w])(\w+)\(", text))
    return "\n".join(["import math\n\nimport numpy as np\nfrom numba import prange\n",
                      "from aisys_lab.kernels.jit import entry, part",
                      *(f"from {home} import {name}" for name, home in sorted(PIECES.items())
                        if name in called and name not in ("entry", "part")), ""])


def module_of(text):
    """The module of a generated text: a real file, so that Numba can keep its machine code."""
    name = f"aisys_lab_chain_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        path = cache_dir("generated") / f"{name}.py"
        if not path.exists():
            write_atomic(path, text)
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
