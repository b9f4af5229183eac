"""The one kind of error this package raises on purpose."""


class LabError(Exception):
    """A sentence that says what is wrong and what to do; notebooks show it without a traceback."""
