"""What NumPy has and this namespace has not, and what to do instead."""

import difflib

import numpy as np

from aisys_lab.core import LabError

INSTEAD = {
    "unique": "its shape depends on values; use numpy.unique outside the function",
    "argwhere": "its shape depends on values; nonzero works outside of tracing",
    "extract": "its shape depends on values; where(condition, x, y) keeps the shape",
    "compress": "its shape depends on values; where(condition, x, y) keeps the shape",
    "copyto": "arrays never change here; where(condition, x, y) makes a new one",
    "put": "arrays never change here; index_set and index_add make new ones",
    "put_along_axis": "arrays never change here; index_set and index_add make new ones",
    "random": "random numbers come from aisys_lab.autodiff.random or a NumPy Generator",
    "fft": "there are no complex numbers here",
    "partition": "use sort, argsort or topk",
    "lstsq": "pinv(a) @ b gives the shortest solution",
    "eig": "its results are complex; eigh takes symmetric matrices",
    "eigvals": "its results are complex; eigvalsh takes symmetric matrices",
    "matrix_rank": "it is a whole number, without derivative; svdvals gives what it counts",
}


class MissingName(LabError, AttributeError):
    """A name that the namespace has not, as a sentence; ``hasattr`` understands it."""


def say_missing(name, part=""):
    """The error for a name that is not there: why, if NumPy has it, and names like it."""
    from aisys_lab.autodiff import numpy as ours
    ours, theirs = (getattr(ours, part), getattr(np, part)) if part else (ours, np)
    known = [k for k in vars(ours) if not k.startswith("_")]
    near = difflib.get_close_matches(name, known, n=3)
    reason = INSTEAD.get(name, "NumPy has it, but there is no rule for its derivative here")
    return MissingName(f"{ours.__name__} has no {name!r}"
                       + f"; {reason}" * (name in INSTEAD or hasattr(theirs, name))
                       + f"; did you mean: {', '.join(near)}" * bool(near) + ".")
