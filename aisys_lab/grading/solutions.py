"""The labs' solutions: plain functions named after the exercises, one file a lab."""

import ast
import copy
import re

from aisys_lab.core import LabError, course_root
from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.cell import Cell
from aisys_lab.grading.extract import EXERCISE

ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5}


def file_of(lab, root=None):
    """``labs/solutions/1_overview/1_ai_systems.py`` for ``'I.1'``; a sentence if there is none."""
    module, _, topic = lab.partition(".")
    folder = (root or course_root()) / "labs" / "solutions"
    found = sorted(folder.glob(f"{ROMAN[module]}_*/{topic or 'capstone'}_*.py"))
    if len(found) != 1:
        raise LabError(f"{folder} has {len(found)} files of solutions for lab {lab}; it needs one.")
    return found[0]


def solution(row, root=None):
    """The solution as a student's cell: its file without the answers to other exercises."""
    path = file_of(row.lab, root)
    others = {other.name for other in EXERCISES.values()} - {row.name}
    text = path.read_text(encoding="utf-8")
    nodes = [node for node in ast.parse(text).body if getattr(node, "name", None) not in others]
    if not any(getattr(node, "name", None) == row.name for node in nodes):
        raise LabError(f"{path} has no {row.name}, the solution of {row.id}.")
    return Cell(row.id, "\n\n".join(ast.get_source_segment(text, node) for node in nodes) + "\n")


def solved(notebook, root=None):
    """A lab (JSON of a notebook) with the solutions in its exercise cells."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        match = re.match(EXERCISE, source)
        if cell["cell_type"] == "code" and match:
            answer = solution(EXERCISES[match[1]], root)
            cell["source"] = f"%%exercise {answer.id}\n{answer.text}"
    return notebook
