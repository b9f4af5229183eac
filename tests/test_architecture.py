"""Who may import whom, how long a module is, and what the first import leaves alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "aisys_lab"
MODULES = sorted(PACKAGE.rglob("*.py"))

NOUNS = {"core", "ir", "kernels", "datasets", "autodiff", "chips", "models", "compiler", "compress",
         "distributed", "inference"}
MAY_IMPORT = {
    "core": set(),
    "ir": {"core"},
    "kernels": {"core"},
    "datasets": {"core"},
    "autodiff": {"core", "ir", "kernels"},
    "chips": {"core", "ir", "kernels"},
    "models": {"core", "ir", "autodiff"},
    "compiler": {"core", "ir", "kernels", "autodiff", "chips"},
    "compress": {"core", "ir", "kernels", "autodiff", "models", "compiler"},
    "distributed": {"core", "ir", "autodiff", "chips", "models"},
    "inference": {"core", "ir", "chips", "kernels", "compiler", "compress", "models"},
    "viz": NOUNS,
    "exercises": NOUNS | {"viz", "grading"},
    "grading": {"core", "ir", "exercises"},  # ir: graphs travel as their text form
}
LEAVES = {"viz", "exercises", "grading"}  # a student's cell sees the face, so these may name it
HEAVY = {"numba", "llvmlite", "matplotlib", "sklearn", "scipy", "starlette", "uvicorn", "mpi4py",
         "ipywidgets", "onnx", "onnxruntime", "torch", "jax"}


def package(dotted):
    """``compiler`` for ``aisys_lab.compiler.passes``; empty for the face and for others."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "aisys_lab" and len(parts) > 1 else ""


def home(path):
    """The package a file belongs to; empty for the face."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0] if len(parts) > 1 else ""


def imports(path):
    """``(line, module, names)`` of every import, also of those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: write imports absolute, from aisys_lab…"
            yield node.lineno, node.module, tuple(alias.name for alias in node.names)


def reached(module, names):
    """The packages that one import reaches: ``from aisys_lab import ir`` reaches ir."""
    return MAY_IMPORT.keys() & names if module == "aisys_lab" else {package(module)} - {""}


def test_the_table_names_every_package():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= MAY_IMPORT.keys(), "a package without a row in MAY_IMPORT"
    assert len(MODULES) > 20


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_layers(path):
    mine = home(path)
    allowed = MAY_IMPORT[mine] | {mine} if mine else {"core"}  # the face: sentences of core
    for line, module, names in imports(path):
        wrong = reached(module, names) - allowed
        assert not wrong, f"{path}:{line}: {mine or 'the face'} may not import {sorted(wrong)}"
        face = module == "aisys_lab" and not set(names) <= MAY_IMPORT.keys()
        assert not face or mine in LEAVES | {""}, f"{path}:{line}: import a package, not the face"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_private_is_reached_across_packages(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    theirs = set()
    for _, module, names in imports(path):
        foreign = package(module or "") not in ("", home(path)) or module == "aisys_lab"
        assert not (foreign and any(private(name) for name in names)), f"{path}: {module} {names}"
        theirs |= set(names) if foreign else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert owner not in theirs, f"{path}:{node.lineno}: {owner}.{node.attr} is private"


def private(name):
    """``_name``, but not ``__name__``."""
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    doc = ast.get_docstring(ast.parse(text))
    assert doc, f"{path} begins with no docstring"
    assert len(text.splitlines()) <= 400 or "lines because" in doc, \
        f"{path} is longer than 400 lines; split it, or say at its top: «over 400 lines because …»"


def test_functions_are_small():
    sizes = {f"{path.name}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
             for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    long = {name: lines for name, lines in sizes.items() if lines > 40}
    assert not long, f"functions over 40 lines: {long}"
    assert sorted(sizes.values())[len(sizes) // 2] <= 8


def test_the_first_import_is_light():
    code = "import sys, aisys_lab; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
