"""The course's files as the house tests see them: contents, chapters, labs, cells."""

import re
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[1]
NUMERALS = ("", "I", "II", "III", "IV", "V")
EXERCISE = re.compile(r"^%%exercise\s+(\S+)", re.MULTILINE)


def contents():
    """Every file that ``_toc.yml`` names, without suffix."""
    toc = ROOT / "_toc.yml"

    def walk(node):
        if isinstance(node, dict):
            yield from (value for key, value in node.items() if key in ("root", "file"))
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for item in node:
                yield from walk(item)

    return list(walk(yaml.safe_load(toc.read_text(encoding="utf-8")))) if toc.exists() else []


def chapters():
    """``book/1_overview/1_ai_systems`` and its like: one a curriculum topic."""
    return [name for name in contents() if re.fullmatch(r"book/\d_\w+/\d+_\w+", name)]


def labs():
    """Every lab on disk."""
    return sorted(path for path in (ROOT / "labs").glob("*_*/*.ipynb"))


def notebooks():
    """Every notebook of the course; editors' checkpoints are none."""
    return sorted((ROOT / "book").glob("*_*/*.ipynb")) + labs()


def code_cells(path):
    """The notebook's code cells that hold anything."""
    book = nbformat.read(path, as_version=4)
    return [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]


def asked(path):
    """The ids of the exercises that stand in a lab."""
    return [name for cell in code_cells(path) for name in EXERCISE.findall(cell.source)]


def code_of(path):
    """The curriculum's name of a lab: ``I.1``; a module's capstone is ``I``."""
    module, topic = path.parent.name.split("_")[0], path.stem.split("_")[0]
    numeral = NUMERALS[int(module)]
    return f"{numeral}.{topic}" if topic.isdigit() else numeral


def name_of(path):
    """A file's name within the project, for test ids."""
    return str(Path(path).relative_to(ROOT))
