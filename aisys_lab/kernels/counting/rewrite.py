"""The text of a kernel as counted Python: operators become calls that count, loops take steps.

``acc += a[i, k] * b[k, j]`` becomes ``acc = plus_product(acc, a[i, k], b[k, j])``: a sum of which
an operand is a product is one multiply-add, as compilers contract it. Loads and stores need no
rewriting; they are what the brackets of counting arrays do.
"""

import ast

PLAIN = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
COMPARED = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}
PREFIX = "counted_"
GENERATORS = {"builder", "typing"}  # parameters of functions that tell LLVM or Numba what to do


def rewritten(tree):
    """The tree of a module, counted."""
    return ast.fix_missing_locations(Rewriter().visit(tree))


def name(what):
    """One of the functions that count."""
    return ast.Name(f"{PREFIX}{what}", ast.Load())


def call(what, *args):
    return ast.Call(name(what), list(args), [])


class Rewriter(ast.NodeTransformer):
    """One method a kind of node that counts."""

    def __init__(self):
        self.temporaries = 0

    def visit_BinOp(self, node):
        return ast.copy_location(self.operation(node.op, node.left, node.right), node)

    def operation(self, op, left, right):
        """An operation on two expressions that are not yet rewritten."""
        sums = isinstance(op, ast.Add | ast.Sub)
        if sums and is_product(right):
            what = "plus_product" if isinstance(op, ast.Add) else "minus_product"
            return call(what, self.visit(left), *self.factors(right))
        if sums and is_product(left):
            what = "product_plus" if isinstance(op, ast.Add) else "product_minus"
            return call(what, *self.factors(left), self.visit(right))
        left, right = self.visit(left), self.visit(right)
        known = PLAIN.get(type(op))
        return call(known, left, right) if known else ast.BinOp(left, op, right)

    def factors(self, product):
        return self.visit(product.left), self.visit(product.right)

    def visit_Compare(self, node):
        known = COMPARED.get(type(node.ops[0]))
        self.generic_visit(node)
        if len(node.ops) > 1 or known is None:
            return node
        return ast.copy_location(call("compare", name(known), node.left, *node.comparators), node)

    def visit_Tuple(self, node):
        """A tuple of values is looked at; targets are left alone."""
        self.generic_visit(node)
        return ast.copy_location(call("tuple", node), node) if isinstance(
            node.ctx, ast.Load) else node

    def visit_Subscript(self, node):
        """The parts of a key stand alone: it is no tuple that is kept."""
        node.value = self.visit(node.value)
        if isinstance(node.slice, ast.Tuple):
            node.slice.elts = [self.visit(part) for part in node.slice.elts]
        else:
            node.slice = self.visit(node.slice)
        return node

    def visit_AugAssign(self, node):
        """``t op= v`` as ``t = t op v``, where owner and key of t are evaluated once."""
        target, first = node.target, []
        if isinstance(target, ast.Subscript):
            owner, key = self.temporary(), self.temporary()
            first = [assign(owner, self.visit(target.value)), assign(key, self.visit(target.slice))]
            target = ast.Subscript(loaded(owner), loaded(key), ast.Store())
        value = self.operation(node.op, loaded(target), node.value)
        return [ast.copy_location(line, node) for line in (*first, assign(target, value))]

    def temporary(self):
        self.temporaries += 1
        return ast.Name(f"{PREFIX}{self.temporaries}", ast.Store())

    def visit_Assign(self, node):
        """An array gets the name under which it is made."""
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(node.value, ast.Call) and isinstance(target, ast.Name):
            node.value = call("named", ast.Constant(target.id), node.value)
        return node

    def visit_For(self, node):
        self.generic_visit(node)
        node.body.insert(0, ast.Expr(call("step")))
        return node

    visit_While = visit_For

    def visit_FunctionDef(self, node):
        """A call is a step, and the end of it looks at what the function holds. A function that
        generates code, for it takes a builder or types, stays as it is."""
        if GENERATORS & {arg.arg for arg in node.args.args}:
            return node
        self.generic_visit(node)
        documented = ast.get_docstring(node) is not None
        node.body.insert(documented, ast.Expr(call("step")))
        node.body.append(ast.Return(self.left(ast.Constant(None))))
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        node.value = self.left(node.value or ast.Constant(None))
        return node

    def left(self, value):
        return call("leave", value, call("locals"))


def is_product(node):
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def assign(target, value):
    return ast.Assign([target], value)


def loaded(target):
    """What stands in a target, as it is read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    return ast.Subscript(target.value, target.slice, ast.Load())
