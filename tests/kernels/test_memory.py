"""Working memory lives as long as routines use it.

Numba frees an array after the last line that names it. A line that only takes its address must
therefore be followed by ``keep(array)``.
"""

import ast

import pytest

from test_architecture import PACKAGE

MODULES = sorted((PACKAGE / "kernels").rglob("*.py"))


def made_here(function):
    """Names that a function assigns."""
    return {name.id for node in ast.walk(function) if isinstance(node, ast.Assign)
            for target in node.targets for name in ast.walk(target)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}


def calls(function, name):
    """Names given to calls of a function."""
    return {node.args[0].id for node in ast.walk(function) if isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == name and isinstance(node.args[0], ast.Name)}


def returned(function):
    """Names that a function returns."""
    return {name.id for node in ast.walk(function) if isinstance(node, ast.Return) and node.value
            for name in ast.walk(node.value) if isinstance(name, ast.Name)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_what_is_pointed_to_is_kept(path):
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef):
            lost = (calls(function, "pointer") & made_here(function)) - calls(
                function, "keep") - returned(function)
            assert not lost, f"{path.name}: {function.name} takes the address of {sorted(lost)}; " \
                             f"end with keep({sorted(lost)[0]})"
