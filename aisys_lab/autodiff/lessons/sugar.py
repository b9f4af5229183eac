"""Python with the sugar off: what the lesson `source` reads has four kinds of statement.

Left are ``name = expression``, ``if``, ``while``, and ``for name in range(…)``, with one ``return``
at the end; elementary functions are those of math. Anything else is refused in a sentence.
"""

import ast
import re
import textwrap

from aisys_lab.core import LabError
from aisys_lab.core.text import listing

FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs")
KINDS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.If, ast.While, ast.For, ast.Pass, ast.Expr,
         ast.Return)
TAKEN = r"_\d+|d_.*|new|new_.*|math|stack"  # names that the gradient needs


def plain(source):
    """The one function of a text, with the sugar off."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError as error:
        raise LabError(f"grad_transform: line {error.lineno}: {error.msg}.") from None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        raise LabError("grad_transform takes the text of one function, written with def.")
    function = tree.body[0]
    _check(function)
    return _Plain().generic_visit(function)


def refuse(node, what):
    """Raises the sentence that something is not in the subset."""
    raise LabError(f"grad_transform: line {node.lineno}: {what}; it takes assignments to names, "
                   f"if, while, for over range, arithmetic and {listing(FUNCTIONS)}.")


def first_line(node):
    """The text of a node, as far as its first line."""
    return f"'{ast.unparse(node).splitlines()[0]}'"


def called(node):
    """``sin`` of ``sin(x)``, ``math.sin(x)`` and ``np.sin(x)``."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _check(function):
    """Parameters, names, and where the return stands."""
    args = function.args
    if args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg:
        refuse(function, "the parameters should be plain names")
    last = function.body[-1]
    for node in ast.walk(function):
        name = getattr(node, "arg", getattr(node, "id", ""))
        if re.fullmatch(TAKEN, name or "") and (name != "math" or not _is_read(node)):
            refuse(node, f"the name {name} is needed for the gradient")
        if isinstance(node, ast.Return) and node is not last:
            refuse(node, "return should stand once, on the last line")
    if not isinstance(last, ast.Return) or last.value is None:
        refuse(last, "the last line should return a number")


def _is_read(node):
    return isinstance(getattr(node, "ctx", None), ast.Load)


class _Plain(ast.NodeTransformer):
    """One method a kind of sugar; each gives statements without it."""

    def visit(self, node):
        if isinstance(node, ast.stmt) and not isinstance(node, KINDS):
            refuse(node, f"{first_line(node)} is not in the subset")
        return super().visit(node)

    def visit_Pass(self, node):
        return None

    def visit_Expr(self, node):
        if not isinstance(node.value, ast.Constant):  # a docstring
            refuse(node, f"{first_line(node)} sets nothing")

    def visit_Call(self, node):
        self.generic_visit(node)
        if called(node) in FUNCTIONS:
            name = called(node) if called(node) == "abs" else f"math.{called(node)}"
            node.func = ast.copy_location(ast.parse(name, mode="eval").body, node)
        return node

    def visit_NamedExpr(self, node):
        refuse(node, f"{first_line(node)} sets a name inside an expression")

    def visit_AugAssign(self, node):
        before = ast.Name(ast.unparse(node.target), ast.Load())
        return self._assign(node, node.target, ast.BinOp(before, node.op, self.visit(node.value)))

    def visit_AnnAssign(self, node):
        return self._assign(node, node.target, self.visit(node.value)) if node.value else None

    def visit_Assign(self, node):
        *more, target = node.targets
        first = self._assign(node, target, self.visit(node.value))
        return first + [part for to in more for part in self._assign(node, to, target)]

    def _assign(self, node, target, value):
        """``a = x``; or ``a, b = x, y``, of which all values are found before a name is set."""
        if isinstance(target, ast.Name):
            return [ast.copy_location(ast.Assign([target], value), node)]
        pair = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        if not pair or len(target.elts) != len(value.elts):
            refuse(node, f"{first_line(node)} does not set names to one value each")
        new = [ast.Name(f"new_{first_line(part)[1:-1]}", ast.Store()) for part in target.elts]
        moves = [*zip(new, value.elts, strict=True), *zip(target.elts, new, strict=True)]
        return [part for to, what in moves for part in self._assign(node, to, what)]

    def visit_While(self, node):
        if node.orelse:
            refuse(node, "a loop has no else here")
        return self.generic_visit(node)

    def visit_For(self, node):
        ranged = isinstance(node.iter, ast.Call) and called(node.iter) == "range"
        if not ranged or not isinstance(node.target, ast.Name):
            refuse(node, f"{first_line(node)} is no loop over range with one name")
        return self.visit_While(node)
