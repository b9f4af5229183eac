"""A submission as cells: read strictly from a notebook or from a my_aisys folder; nothing runs."""

import json
import re
from pathlib import Path

from aisys_lab.core import LabError
from aisys_lab.grading.cell import Cell, CellError, from_text, latest

MOST = 10 << 20  # bytes of a notebook
MOST_KEPT = 1 << 20  # bytes of one file in my_aisys
EXERCISE = re.compile(r"%%exercise[ \t]+([\w.]+)[ \t]*\r?\n?")
HELPER = "# HELPER"


class SubmissionError(LabError):
    """Why a file is not a submission, in a sentence."""


def extract(path):
    """``{exercise id: Cell or SubmissionError}`` of a notebook or a folder."""
    path = Path(path)
    if path.is_dir():
        return from_folder(path)
    if not path.is_file():
        raise SubmissionError(f"{path} does not exist; name a notebook or a my_aisys folder.")
    if path.stat().st_size > MOST:
        raise SubmissionError(f"{path} is larger than {MOST >> 20} MiB; clear its outputs.")
    return from_notebook(path.read_bytes(), path.name)


def from_notebook(data, name="the notebook"):
    """Exercise cells of a notebook's bytes; of two for one exercise the later one counts."""
    texts = [text.lstrip("\n") for text in _code(data, name)]
    helpers = latest([text for text in texts if text.startswith(HELPER)])
    found = ((EXERCISE.match(text), text) for text in texts)
    return {match[1]: Cell(match[1], text[match.end():], helpers)
            for match, text in found if match}


def _code(data, name):
    """The text of every code cell."""
    try:
        cells = json.loads(data.decode())["cells"]
        return [_joined(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (UnicodeDecodeError, ValueError, RecursionError, KeyError, TypeError):
        raise SubmissionError(f"{name} is not a notebook (format 4, JSON in UTF-8); open it in "
                              f"JupyterLab and save it again.") from None


def _joined(source):
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise TypeError("source")
    return "".join(lines)


def from_folder(folder):
    """Kept answers of a my_aisys folder; links are not followed."""
    paths = sorted(p for p in Path(folder).glob("*.py") if p.is_file() and not p.is_symlink())
    return {path.stem: _try(path) for path in paths}


def _try(path):
    try:
        return kept_cell(path)
    except SubmissionError as error:
        return error


def kept_cell(path):
    """The cell of one kept file; a sentence that names the file if it cannot be used."""
    try:
        if path.stat().st_size > MOST_KEPT:
            raise CellError(f"it is larger than {MOST_KEPT >> 20} MiB")
        return from_text(path.read_bytes().decode(), path.stem)
    except (OSError, UnicodeDecodeError, CellError) as error:
        reason = "it is not text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SubmissionError(
            f"{path} cannot be used: {reason.rstrip('.')}; mend it, or take a version from its "
            f"history folder (the file is left as it is).") from None
