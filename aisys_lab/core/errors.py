"""The one kind of error this package raises on purpose."""

import importlib
import operator


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


def whole(verb, name, value, least=0):
    """``value`` as an int; a sentence if it is no whole number of ``least`` or more."""
    number = operator.index(value) if hasattr(value, "__index__") else least - 1
    if number < least or isinstance(value, bool):
        raise LabError(f"{verb}: {name}={value!r}; it is a whole number of {least} or more.")
    return number


def has(verb, value, what, *names):
    """A sentence unless ``value`` has the attributes of ``what`` it should be."""
    if not all(hasattr(value, name) for name in names):
        raise LabError(f"{verb} takes {what}, got a {type(value).__name__}.")
