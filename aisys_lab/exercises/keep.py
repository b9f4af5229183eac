"""The student's folder ``my_aisys/``: one file an exercise, every earlier version in history/."""

import hashlib
import json

from aisys_lab import __version__
from aisys_lab.core import home, write_atomic
from aisys_lab.core.files import writable
from aisys_lab.grading.cell import to_text
from aisys_lab.grading.extract import kept_cell


def path_of(id):
    """Where the answer to that exercise is kept."""
    return home() / f"{id}.py"


def keep(cell):
    """Saves the cell; the version before goes to history, unless it is the same."""
    path, text = path_of(cell.id), to_text(cell)
    before = path.read_bytes() if path.is_file() else None
    if before == text.encode():
        return path
    if before is not None:
        shelve(cell.id, before)
    return write_atomic(path, text)


def shelve(id, data):
    """Puts one version into ``history/``, numbered, unless the newest there is the same."""
    folder = writable(home() / "history")
    numbers = [int(p.name.split(".")[-2]) for p in folder.glob(f"{id}.*.py")
               if p.name.split(".")[-2].isdigit()]
    last = folder / f"{id}.{max(numbers, default=0):04}.py"
    if last.is_file() and last.read_bytes() == data:
        return last
    return _add(folder, id, max(numbers, default=0) + 1, data)


def _add(folder, id, number, data):
    """A new file of that number, or of the next where another notebook took it meanwhile."""
    path = folder / f"{id}.{number:04}.py"
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError:
        return _add(folder, id, number + 1, data)
    return path


def kept(id):
    """The kept cell, or None; a sentence that names the file if it cannot be used."""
    path = path_of(id)
    return kept_cell(path) if path.is_file() else None


UNFINISHED = "unfinished"  # noted before a run, replaced by the verdict when there is one


def remember(cell, status):
    """Notes the verdict of exactly this text, so that later labs need not judge it again."""
    write_atomic(home() / "verdicts.json",
                 json.dumps({**_notes(), cell.id: [_digest(cell), status]}, indent=1))


def remembered(cell):
    """The verdict noted for exactly this text by this version of the course, or None."""
    note = _notes().get(cell.id)
    return note[1] if isinstance(note, list) and note[:1] == [_digest(cell)] else None


def _digest(cell):
    return hashlib.sha256(f"{__version__}\n{to_text(cell)}".encode()).hexdigest()


def _notes():
    try:
        notes = json.loads((home() / "verdicts.json").read_text())
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}
