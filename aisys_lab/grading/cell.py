"""A student's cell as text: what it defines, whether it is blank, and how it is run."""

import ast
import builtins
import linecache
from dataclasses import dataclass

from aisys_lab.core import LabError

MARK = "# %%exercise "


class CellError(LabError):
    """What is wrong with a cell, in a sentence."""


@dataclass(frozen=True)
class Cell:
    """One exercise cell, without its first line ``%%exercise id``, and the helper cells."""

    id: str
    text: str
    helpers: tuple = ()

    @property
    def name(self):
        """What the cell must define: the last word of the id."""
        return self.id.rpartition(".")[2]

    @property
    def file(self):
        """The name under which tracebacks know the cell."""
        return f"<%%exercise {self.id}>"


def tree(cell):
    """The syntax tree, lines counted with ``%%exercise`` as line 1; a sentence if there is none."""
    try:
        return ast.parse("\n" + cell.text, cell.file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f"line {line} of your cell: " if line else "your cell cannot be read: "
        raise CellError(f"{where}{getattr(error, 'msg', None) or error}") from None


def definition(cell):
    """The function or class that the cell defines under the exercise's name, or None."""
    kinds = ast.FunctionDef | ast.ClassDef
    found = [node for node in tree(cell).body
             if isinstance(node, kinds) and node.name == cell.name]
    return found[-1] if found else None


def blank(cell):
    """Whether a bare ``...`` still stands where the answer goes."""
    node = definition(cell)
    return node is not None and any(
        isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) and n.value.value is ...
        for n in ast.walk(node))


def leftover(cell):
    """Whether a body of its own code stands around a forgotten ``...``: no name is missing."""
    body = definition(cell).body
    if all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body):
        return False
    nodes = [node for text in (*cell.helpers, cell.text) for node in ast.walk(ast.parse(text))]
    bound = {"np", "lab", *dir(builtins)} | {getattr(node, "arg", None) for node in nodes} | {
        (getattr(node, "asname", None) or getattr(node, "name", None)) for node in nodes} | {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return all(node.id in bound for node in nodes if isinstance(node, ast.Name))


def names(cell, start=None):
    """The namespace after running helpers and cell; an exercise sees ``np``, ``lab`` and these."""
    import numpy

    import aisys_lab
    space = {"__name__": "__main__", "np": numpy, "lab": aisys_lab, **(start or {})}
    for number, helper in enumerate(cell.helpers, 1):
        run(compile_text(helper, f"<helper {number}>"), space)
    text = "\n" + cell.text
    linecache.cache[cell.file] = (len(text), None, text.splitlines(keepends=True), cell.file)
    run(compile(tree(cell), cell.file, "exec", dont_inherit=True), space)
    if cell.name not in space:
        raise CellError(f"the cell defines no {cell.name}.")
    return space


def to_text(cell):
    """The cell as a file of its own: helpers, a line that names the exercise, the cell."""
    return "\n".join([*cell.helpers, f"{MARK}{cell.id}", cell.text.rstrip("\n") + "\n"])


def from_text(text, id):
    """The cell of such a file; a sentence if it is none."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")  # what some editors add
    before, mark, after = ("\n" + text).partition(f"\n{MARK}{id}\n")
    if not mark:
        raise CellError(f"it has no line '{MARK}{id}'")
    cell = Cell(id, after, (before[1:],) if before.strip() else ())
    tree(cell)
    return cell


def latest(helpers):
    """Helper cells without those that a later one defines anew, and those that are not Python."""
    kept, later = [], set()
    for text in reversed(helpers):
        try:
            defined = {getattr(node, "name", ast.unparse(node)) for node in ast.parse(text).body}
        except (SyntaxError, ValueError):
            continue
        if defined - later:
            kept.append(text)
        later |= defined
    return tuple(reversed(kept))


def compile_text(text, file):
    """Code of a helper cell; a sentence if it is not Python."""
    try:
        return compile(text, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise CellError(f"line {getattr(error, 'lineno', '?')} of a # HELPER cell: "
                        f"{getattr(error, 'msg', None) or error}") from None


def run(code, space):
    """Runs code in a namespace; kept apart so that tracebacks show where the cell begins."""
    exec(code, space)


def line_of(error, file):
    """The last line of the cell that an exception passed through, or None."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def trouble(error, file):
    """An exception as values: type name, message, line of the cell."""
    try:
        message = str(error)[:500]
    except Exception:
        message = ""
    if isinstance(error, NameError):
        message += " (an exercise sees np, lab, its own cell and cells that begin with # HELPER)"
    return type(error).__name__[:100], message, line_of(error, file)
