"""The text of an answer, on the judge's side: the part that is counted, and a fence around it.

A fence is a look at the syntax tree: it keeps ready-made solutions out, and catches what a reader
of the text would catch. What the grader must rely on is hidden from the answer's process as well.
"""

import ast
import functools
import inspect

from aisys_lab.core import SLOTS
from aisys_lab.core.text import listing
from aisys_lab.exercises.declare import Case

MODULES = ("numpy", "math", "itertools", "functools", "fractions", "operator")
OWN = (("aisys_lab", None), ("aisys_lab.core", "slot"), ("aisys_lab.core", "LabError"))
BACK_DOORS = ("eval", "exec", "compile", "getattr", "vars", "globals", "locals", "open",
              "__import__", "__builtins__", "__loader__")


def text_of(answer):
    """``(text, line)``: the cell, its ``%%exercise`` as line 1, then, from that line on, its helper
    cells; of a row of the package, the text of its module."""
    cell = getattr(answer, "cell", None)
    if cell is None:
        text = inspect.getsource(inspect.getmodule(inspect.unwrap(answer)))
        return text, len(text.splitlines()) + 1
    own = f"\n{cell.text}".rstrip("\n")
    return "\n".join([own, *cell.helpers]), len(own.splitlines()) + 1


# ---- the part that is counted

def needed(answer, name):
    """The text of the function ``name`` and of what it uses; all lines stay where they are."""
    text, helpers = text_of(answer)
    found = {}
    for node in sorted(ast.parse(text).body, key=lambda node: node.lineno < helpers):
        found |= dict.fromkeys(bound(node), node)  # the cell's own come last, so they count
    nodes, left = set(), [name]
    while left:
        node = found.pop(left.pop(), None)
        if node is not None and not isinstance(node, ast.Import | ast.ImportFrom):
            nodes.add(node)
            left += [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    kept = {line for node in nodes for line in range(node.lineno, node.end_lineno + 1)}
    return "\n".join(line if number in kept else ""
                     for number, line in enumerate(text.splitlines(), 1))


def serving(id):
    """The text of what serves a slot now, yours or the package's: for ``lab.chips.count_source``.
    """
    import aisys_lab
    from aisys_lab.exercises.keep import kept
    from aisys_lab.exercises.magic import SESSION
    package, _, name = id.partition(".")
    getattr(getattr(aisys_lab, package), name)  # the package's row is there when its module is
    answer = functools.wraps(SLOTS[id])(lambda: None)
    answer.cell = (SESSION.get(id) or kept(id)) if id in SLOTS.mine() else None
    return needed(answer, name)


def bound(node):
    """The names that a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return [part.id for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


# ---- the fence

def fenced(answer, words, what, lab=()):
    """The cases that the text of an answer is refused: none, or one.

    ``words``: what no name from elsewhere may hold, since that would be ``what``; ``lab``: what it
    may use of the course.
    """
    fence = Fence(words, what, lab)
    fence.visit(ast.parse(text_of(answer)[0]))
    yield from (Case(False, said) for said in fence.said[:1])


class Fence(ast.NodeVisitor):
    """Writes down what a text uses that it may not."""

    def __init__(self, words, what, lab):
        self.words, self.what, self.lab, self.said = words, what, lab, []

    def refuse(self, node, named, why):
        self.said.append(f"line {node.lineno} of your cell: {named} {why}")

    def visit_Import(self, node):
        module = getattr(node, "module", None)
        for alias in node.names:
            top = (module or alias.name).partition(".")[0]
            pair = (module, alias.name) if module else (alias.name, None)
            renamed = pair == OWN[0] and alias.asname != "lab"
            if top not in MODULES and pair not in OWN or renamed:
                self.refuse(node, f"an import of {alias.name}",
                            f"is not allowed here; there are {listing(MODULES)}, np and lab")
            self.look(node, alias.name)

    visit_ImportFrom = visit_Import

    def visit_Name(self, node):
        if node.id in BACK_DOORS:
            self.refuse(node, node.id, "is not allowed here")
        if node.id == "lab":
            self.refuse(node, "lab", f"serves here for {listing(self.lab) or 'nothing'}")

    def visit_Attribute(self, node):
        if ast.unparse(node) in self.lab:
            return
        if node.attr.startswith("__"):
            self.refuse(node, node.attr, "is not allowed here")
        self.look(node, node.attr)
        self.generic_visit(node)

    def look(self, node, name):
        if any(word in name.lower() for word in self.words):
            self.refuse(node, name, f"is {self.what}; write your own")
