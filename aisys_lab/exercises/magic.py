"""``%%exercise id``: runs the cell, keeps it, plugs it into its slot, prints one line."""

from contextlib import contextmanager
from threading import Timer

from aisys_lab.core import TABLES, LabError

PATIENCE = "still running; Kernel > Interrupt stops it, and your cell is kept"


def register(shell):
    """Gives an IPython shell the cell magic, and shows LabErrors as one sentence."""
    def exercise(line, cell):
        with patience():
            print(answer(line.strip(), cell, _helpers(shell), shell.user_ns))

    shell.register_magic_function(exercise, "cell", "exercise")
    shell.set_custom_exc((LabError,), _show)


@contextmanager
def patience(seconds=10):
    """Says a line if what is inside takes long: an endless loop gives no other sign."""
    timer = Timer(seconds, print, [PATIENCE])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _show(shell, kind, error, trace, tb_offset=None):
    shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])
    return [f"{kind.__name__}: {error}"]


def _helpers(shell):
    """Cells of this session that begin with ``# HELPER``, in the order in which they ran."""
    from aisys_lab.grading.cell import latest
    from aisys_lab.grading.extract import HELPER
    raw = (text.lstrip("\n") for text in shell.history_manager.input_hist_raw)
    return latest([text for text in raw if text.startswith(HELPER)])


def answer(id, text, helpers=(), space=None):
    """The verdict of an exercise cell, kept and plugged in; new names go into ``space``."""
    from aisys_lab.exercises import EXERCISES
    from aisys_lab.exercises.judge import interrupted, refused
    from aisys_lab.grading.cell import Cell, CellError
    row = EXERCISES[id]
    cell = Cell(id, text, tuple(helpers))
    try:
        verdict = _answer(row, cell, {} if space is None else space)
    except CellError as error:
        return _kept_too(refused(row, error), cell)
    except KeyboardInterrupt:
        verdict = interrupted(row)
    if verdict.status == "interrupted":
        unplug(row)
    return verdict


def _answer(row, cell, space):
    from aisys_lab.exercises.declare import AnswerError
    from aisys_lab.exercises.judge import judge_names, load, refused, unready
    from aisys_lab.exercises.keep import UNFINISHED, keep, remember
    todo = unready(row, cell)
    if todo:
        return _stay(todo, row, cell)
    SESSION[row.id] = cell
    note = _quietly(keep, cell) or _quietly(remember, cell, UNFINISHED)
    try:
        names = load(cell)
        space.update({key: names[key] for key in _defined(cell) if key in names})
        plug(row, names[row.name])
        verdict = judge_names(row, cell, names)
    except AnswerError as error:
        verdict = refused(row, error)
    return _noted(verdict, cell, note)


SESSION = {}  # cells that ran in this session, by exercise


def plug(row, value):
    """Lays a row of the student's on top of the package's."""
    import aisys_lab
    table, key = row.slot
    (TABLES.get(table) or getattr(aisys_lab, table))[key] = value


def unplug(row):
    """Takes the student's row away again: the package's serves."""
    import aisys_lab
    name, key = row.slot
    table = TABLES.get(name) or getattr(aisys_lab, name)
    if key in table.mine():
        del table[key]


def _defined(cell):
    """Names that the cell itself binds, for the notebook's namespace."""
    import symtable
    table = symtable.symtable(cell.text, cell.file, "exec")
    return [s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()]


def _stay(todo, row, cell):
    """A blank never takes an answer away: the kept one, if there is one, goes on serving."""
    from aisys_lab.exercises.keep import path_of
    from aisys_lab.grading.cell import leftover
    note = ["this cell is blank", f"your answer in {path_of(row.id)} is untouched"]
    if not path_of(row.id).is_file():
        note = []
    if leftover(cell):
        note[:1] = [f"a line ... still stands in {row.name}; delete it to be judged"]
    return _with(todo, "; ".join(note))


def _kept_too(verdict, cell):
    """A cell that is not Python still goes to history: typing is never lost."""
    from aisys_lab.exercises.keep import shelve
    from aisys_lab.grading.cell import to_text
    return _with(verdict, _quietly(shelve, cell.id, to_text(cell).encode()))


def _noted(verdict, cell, note):
    from aisys_lab.exercises.keep import remember
    if not note and verdict.status != "interrupted":
        _quietly(remember, cell, verdict.status)
    return _with(verdict, note)


def _quietly(write, *args):
    """Runs ``write``; gives the sentence why it could not, or nothing."""
    try:
        write(*args)
    except (LabError, OSError) as error:
        return f"not kept: {error}"
    return ""


def _with(verdict, note):
    from dataclasses import replace
    if verdict.message and note:
        note = f"({note})"
    return replace(verdict, message=f"{verdict.message} {note}".strip())
