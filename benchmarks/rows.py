"""What is compared: a row makes two calls that compute the same, ours and the peer's.

Each side is made in a process of its own. A call may have ``extra``, what else it reports of
itself, and ``calls``, how many calls the seconds are of.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Makers of both calls, the ratio to reach (None: only shown), and the next one to aim at."""

    ours: Callable
    theirs: Callable
    bar: float | None = None
    stretch: float | None = None


ROWS = {}  # name, peer -> Row


def row(name, peer, ours, **goals):
    """Adds a row; the decorated function makes the peer's call, ``ours`` makes ours."""
    def define(theirs):
        ROWS[name, peer] = Row(ours, theirs, **goals)
        return theirs
    return define


def one_thread():
    """torch, held to one thread."""
    import torch

    torch.set_num_threads(1)
    return torch


from benchmarks import eager, nets  # noqa: E402, F401  (their rows)
