"""What every other package stands on: tables, text, trees, files; imports nothing of ours."""

from aisys_lab.core.errors import LabError, has, need, whole
from aisys_lab.core.files import cache_dir, course_root, home, write_atomic
from aisys_lab.core.progress import progress
from aisys_lab.core.table import SLOTS, TABLES, Table, attempt, slot

__all__ = ["SLOTS", "TABLES", "LabError", "Table", "attempt", "cache_dir", "course_root",
           "has", "home", "need", "progress", "slot", "whole", "write_atomic"]
