"""What the labs ask: exercises with their checks, mutants and drivers; the cell magic."""

import importlib

from aisys_lab.exercises.declare import (
    EXERCISES,
    AnswerError,
    AnswerLost,
    Case,
    Exercise,
    brief,
    edits,
    equal,
    exercise,
    same,
)

MODULES = ("nets", "memory", "core", "chips", "hunts",  # where exercises are declared
           "dispatching", "forward", "steps", "tapes", "remat", "rulehunt", "duals", "views",
           "broadcasting", "sources", "executing", "adjoints", "loopgrads",
           "scheduling", "convolving", "winograd", "tiling", "packing", "indirect",
           "microkernels", "online")
for _module in MODULES:
    importlib.import_module(f"aisys_lab.exercises.{_module}")

__all__ = ["EXERCISES", "AnswerError", "AnswerLost", "Case", "Exercise", "brief", "edits", "equal",
           "exercise", "same"]
