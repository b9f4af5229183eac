"""The fence: what a student's kernel may be written in; anything else is named in a sentence.

Loops over ranges, branches, numbers, tuples, arrays and their brackets, the text's own functions
and a few of Python's and NumPy's. There is no way from these to anything else of Python.
"""

import ast

from aisys_lab.core import LabError
from aisys_lab.core.text import listing
from aisys_lab.kernels.counting.numpys import BINARY, MATH, TYPES, UNARY

NODES = (ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign,
         ast.For, ast.While, ast.If, ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.BoolOp,
         ast.And, ast.Or, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
         ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.IfExp, ast.Compare, ast.Eq, ast.NotEq,
         ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Call, ast.keyword, ast.Constant, ast.Attribute,
         ast.Subscript, ast.Slice, ast.Tuple, ast.Name, ast.Load, ast.Store)
BUILTINS = {"range": range, "prange": range, "len": len, "abs": abs, "int": int, "float": float,
            "bool": bool}
RANGES = ("range", "prange")
COUNTED = ("min", "max")  # Python's too, but they count
DECORATORS = ("njit", "jit", "part", "entry", "native")
MADE = ("empty", "zeros", "ones", "full", "empty_like", "zeros_like")
MODULES = {"np": tuple(name for name in (*MADE, *UNARY, *BINARY, *TYPES) if name != "dtype"),
           "math": MATH}
ATTRIBUTES = ("shape", "size", "ndim", "dtype", "itemsize", "T", "type")
INSTEAD = {
    ast.MatMult: "the product @", ast.Pow: "a power **", ast.Import: "an import",
    ast.ImportFrom: "an import", ast.Lambda: "a lambda", ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a generator", ast.List: "a list", ast.Dict: "a dict",
    ast.ClassDef: "a class", ast.With: "with", ast.Try: "try", ast.JoinedStr: "an f-string"}
HINT = {ast.Import: "; np, math, njit and prange are there already",
        ast.ImportFrom: "; np, math, njit and prange are there already",
        ast.Pow: "; write x * x", ast.List: "; a tuple may hold a few numbers"}


def checked(text, name, pieces=()):
    """The tree of a text that stays inside the fence and defines a function of that name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise LabError(f"line {getattr(error, 'lineno', None) or 1}: "
                       f"{getattr(error, 'msg', None) or error}.") from None
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        raise LabError(f"the text defines no function {name}.")
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            bare(function)
    Fence(functions | {*BUILTINS, *COUNTED, *pieces}).visit(tree)
    return tree


def bare(function):
    """Takes the decorators of Numba and of this package away; a sentence on any other."""
    for mark in function.decorator_list:
        named = mark.func if isinstance(mark, ast.Call) else mark
        if getattr(named, "id", getattr(named, "attr", "")) not in DECORATORS:
            refuse(mark, f"the decorator {ast.unparse(named)}")
    function.decorator_list, function.returns = [], None
    for arg in ast.walk(function.args):
        if isinstance(arg, ast.arg):
            arg.annotation = None


def refuse(node, what, hint=""):
    raise LabError(f"line {node.lineno}: {what} is not allowed in a kernel that is counted{hint}.")


def of_numbers(name, function):
    """``min`` or ``max`` of several numbers, and of nothing else."""
    def call(*values):
        if len(values) < 2 or any(isinstance(value, tuple) for value in values):
            raise LabError(f"{name} takes two numbers or more.")
        return function(*values)
    return call


class Fence(ast.NodeVisitor):
    """Looks at every node; ``calls`` are the names that may be called."""

    def __init__(self, calls):
        self.calls, self.line = calls, 1

    def visit(self, node):
        self.line = getattr(node, "lineno", self.line)
        if not isinstance(node, NODES):
            at = node if hasattr(node, "lineno") else ast.Pass(lineno=self.line)
            refuse(at, INSTEAD.get(type(node), f"'{ast.unparse(node).strip()}'"),
                   HINT.get(type(node), ""))
        super().visit(node)

    def visit_Name(self, node):
        if node.id.startswith(("_", "counted_")) or node.id in MODULES:
            refuse(node, f"the name {node.id}")

    def visit_arg(self, node):
        self.visit_Name(ast.copy_location(ast.Name(node.arg, ast.Store()), node))

    def visit_Constant(self, node):
        if not isinstance(node.value, int | float | None):
            refuse(node, ast.unparse(node))

    def visit_Expr(self, node):
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.generic_visit(node)  # a docstring may say anything

    def visit_For(self, node):
        """A loop over a range; ranges stand nowhere else."""
        called = getattr(getattr(node.iter, "func", None), "id", "")
        if called not in RANGES or node.iter.keywords:
            refuse(node.iter, f"a loop over {ast.unparse(node.iter)}", "; loop over range(...)")
        for part in (node.target, *node.iter.args, *node.body, *node.orelse):
            self.visit(part)

    def visit_BinOp(self, node):
        if not isinstance(node.op, NODES):
            refuse(node, INSTEAD.get(type(node.op), ast.unparse(node)),
                   HINT.get(type(node.op), ""))
        self.generic_visit(node)

    def visit_Compare(self, node):
        if len(node.ops) > 1:
            refuse(node, ast.unparse(node), "; compare two at a time, joined by and")
        self.generic_visit(node)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id in RANGES:
            refuse(node, f"{ast.unparse(node)} outside of a for")
        if isinstance(node.func, ast.Name) and node.func.id not in self.calls:
            refuse(node, f"a call of {node.func.id}", f"; there are {listing(sorted(self.calls))}")
        if not isinstance(node.func, ast.Name | ast.Attribute):
            refuse(node, ast.unparse(node))
        if isinstance(node.func, ast.Attribute) and not self.of_module(node.func) \
                and node.func.attr != "type":
            refuse(node, f"a call of {ast.unparse(node.func)}")
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load):
            refuse(node, f"a change of {ast.unparse(node)}")
        if not self.of_module(node):
            if node.attr not in ATTRIBUTES:
                refuse(node, ast.unparse(node), f"; arrays have {listing(ATTRIBUTES)}")
            self.visit(node.value)

    def of_module(self, node):
        """Whether this is an allowed name of np or math; a sentence if it is another one."""
        module = getattr(node.value, "id", "")
        if module in MODULES and node.attr not in MODULES[module]:
            refuse(node, ast.unparse(node), f"; of {module} there are "
                                            f"{listing(sorted(MODULES[module]))}")
        return module in MODULES
