"""What an answer must not see: functions cut out of the package, exercises out of reach."""

import ast
import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader

ROOT = "aisys_lab"
SHUT = f"{ROOT}.exercises"  # tests, mutants and expected values live here
OPEN = f"{SHUT}.drivers"


def install(hides):
    """From now on ``import`` serves the masked package; to be called before it is imported."""
    names = {}
    for path in hides:
        module, _, name = path.partition(":")
        names.setdefault(f"{ROOT}.{module}", set()).add(name)
    sys.meta_path.insert(0, Mask(names))


class Mask:
    """A finder that shuts the exercises and cuts the hidden names out of their modules."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, fullname, path=None, target=None):
        if fullname == SHUT:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = PathFinder.find_spec(
                fullname, path).submodule_search_locations
            return spec
        if fullname.startswith(f"{SHUT}.") and not f"{fullname}.".startswith(f"{OPEN}."):
            raise ImportError(f"{fullname} is hidden while grading.")
        if fullname not in self.names:
            return None
        found = PathFinder.find_spec(fullname, path)
        loader = MaskedLoader(fullname, found.origin, self.names[fullname])
        return importlib.util.spec_from_file_location(
            fullname, found.origin, loader=loader,
            submodule_search_locations=found.submodule_search_locations)


class MaskedLoader(SourceFileLoader):
    """Compiles the source with the names cut; never reads a cached .pyc."""

    def __init__(self, fullname, path, names):
        super().__init__(fullname, path)
        self.hidden = names

    def get_code(self, fullname):
        tree = cut(ast.parse(self.get_data(self.path)), self.hidden)
        return compile(tree, self.path, "exec", dont_inherit=True)

    def get_source(self, fullname):
        return ast.unparse(cut(ast.parse(self.get_data(self.path)), self.hidden))


def cut(tree, names):
    """The module without the insides of ``names``: ``f``, ``Class.method`` or ``TABLE[key]``."""
    missing = set(names)
    cutter = Cutter(missing)
    tree = ast.fix_missing_locations(cutter.visit(tree))
    if missing:
        raise ImportError(f"nothing to hide under {sorted(missing)}.")
    return tree


class Cutter(ast.NodeTransformer):
    """Replaces bodies by «hidden while grading», and ticks off what it found."""

    def __init__(self, missing):
        self.missing, self.names, self.inside = missing, set(missing), ""

    def _hit(self, *names):
        self.missing.difference_update(names)
        return not self.names.isdisjoint(names)

    def visit_FunctionDef(self, node):
        rows = [row for row in map(_row, node.decorator_list) if row]
        if self._hit(self.inside + node.name, *rows):
            node.body = [_raise(node.name)]
            return node
        return self._nested(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        if self._hit(self.inside + node.name):
            node.body, node.decorator_list = [_stub(node.name)], []
            return node
        return self._nested(node)

    def _nested(self, node):
        before, self.inside = self.inside, f"{self.inside}{node.name}."
        self.generic_visit(node)
        self.inside = before
        return node

    def visit_Assign(self, node):
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        if self._hit(*(self.inside + name for name in names)):
            node.value = ast.Constant(None)
        return node

    def visit_Expr(self, node):
        row = _row(node.value)
        return ast.Pass() if row and self._hit(row) else node


def _row(node):
    """``TABLE[key]`` of a call ``TABLE.row('key')`` or ``TABLE.define('key', …)``."""
    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("row", "define") and isinstance(node.func.value, ast.Name)
            and node.args and isinstance(node.args[0], ast.Constant)):
        return f"{node.func.value.id}[{node.args[0].value}]"
    return None


def _raise(name):
    return ast.parse(f"raise RuntimeError('{name} is hidden while grading.')").body[0]


def _stub(name):
    return ast.parse(f"def __init__(self, *args, **kwargs):\n    "
                     f"raise RuntimeError('{name} is hidden while grading.')").body[0]
