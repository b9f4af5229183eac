"""The student's side of the pipes: loads one cell, answers calls until the judge hangs up."""

import json
import os
import sys

from aisys_lab.grading import mask


def main():
    """``python -c 'from aisys_lab.grading.child import main; main()' '["core.timing:bench"]'``."""
    mask.install(json.loads(sys.argv[1]))
    source, sink = pipes()
    from aisys_lab.grading.codec import Closed
    try:
        serve(source, sink)
    except (Closed, BrokenPipeError):
        os._exit(0)  # the judge has what it wants; no atexit hooks, no threads to wait for


def pipes():
    """The protocol on private copies of stdin and stdout; what is printed goes to stderr."""
    if sys.platform == "win32":
        import msvcrt
        for number in (0, 1):
            msvcrt.setmode(number, os.O_BINARY)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return source, sink


def serve(source, sink):
    """One cell, then one answer a call."""
    from aisys_lab.grading.cell import Cell
    from aisys_lab.grading.codec import read_frame, write_frame
    _, setup = read_frame(source)
    cell = Cell(setup["id"], setup["text"], tuple(setup["helpers"]))
    answer = guarded(sink, cell, lambda: load(cell, setup["driver"]))
    if answer is None:
        return
    write_frame(sink, "ready", None)

    def one(value):
        args, kwargs = value
        result = guarded(sink, cell, lambda: (answer(*args, **kwargs),))
        if result is not None:
            send(sink, result[0])

    stand_in = caller(source, sink, one)
    while True:
        one(read_frame(source, stand_in)[1])


def load(cell, driver):
    """The callable that the cell defines."""
    from aisys_lab.exercises.drivers import DRIVERS
    from aisys_lab.grading.cell import names
    return DRIVERS[driver](names(cell), cell.name)


def guarded(sink, cell, work):
    """``work()``; an exception goes to the judge as values, and gives None."""
    from aisys_lab.grading.cell import trouble
    from aisys_lab.grading.codec import Closed, write_frame
    try:
        return work()
    except Closed:
        raise
    except BaseException as error:
        write_frame(sink, "error", trouble(error, cell.file))
        return None


def send(sink, value):
    """A result, or the sentence why it cannot travel."""
    from aisys_lab.grading.codec import ProtocolError, write_frame
    try:
        write_frame(sink, "result", value)
    except ProtocolError as error:
        write_frame(sink, "error", ("TypeError", f"its result: {error}", None))


def caller(source, sink, one):
    """Makes the stand-in of a callable that lives with the judge, who may call us meanwhile."""
    from aisys_lab.grading.codec import read_frame, write_frame

    def stand_in(number):
        def call(*args, **kwargs):
            write_frame(sink, "callback", [number, args, kwargs])
            kind, value = read_frame(source, stand_in)
            while kind == "call":
                one(value)
                kind, value = read_frame(source, stand_in)
            if kind == "error":
                raise known(value[0])(value[1])
            return value
        return call

    return stand_in


def known(kind):
    """The exception class of that name among Python's own and the course's."""
    import builtins

    from aisys_lab.core import LabError
    found = LabError if kind == "LabError" else getattr(builtins, kind, None)
    ordinary = isinstance(found, type) and issubclass(found, Exception)
    return found if ordinary and not kind.startswith("Unicode") else RuntimeError
