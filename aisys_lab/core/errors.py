"""The one kind of error this package raises on purpose."""

import importlib


class LabError(Exception):
    """A sentence that says what is wrong and what to do; notebooks show it without a traceback."""


def need(module):
    """The module of that name; a sentence with the cure if a package for it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "aisys_lab":
            raise
        raise LabError(f"the package {error.name!r} is not installed; run: "
                       f"pip install -r requirements.txt -c constraints.txt") from None
