"""How values become calls of an answer: a driver takes the cell's names, gives a callable.

Drivers run beside the student's code, and travel into the grader's sandbox: no secrets here.
"""

from aisys_lab.core import Table
from aisys_lab.grading.cell import CellError

DRIVERS = Table("DRIVERS", "how values become calls of an answer", noun="driver")


@DRIVERS.row("function")
def function(names, name):
    """The answer is the function of that name."""
    if not callable(names[name]):
        raise CellError(f"{name} is of type {type(names[name]).__name__}; the exercise asks for "
                        f"a function.")
    return names[name]


from aisys_lab.exercises.drivers import (  # noqa: E402, F401  (add their rows)
    dispatch,
    dual,
    executor,
    kernels,
    learning,
    machine,
    tape,
    views,
)
