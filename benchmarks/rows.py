"""What is compared: a row makes two calls that compute the same, ours and the peer's.

Each side is made in a process of its own. A call may have ``extra``, what else it reports of
itself, and ``calls``, how many calls the seconds are of.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Makers of both calls, the ratio to reach (None: only shown), and the next one to aim at.

    ``work`` is how many operations of ``unit`` (a row of PEAKS) a call does, where that is fixed;
    ``threads`` how many each side may use: of two, the clock on the wall counts. A row with
    ``cases`` is measured case by case: makers take one, ``work`` is a function of it, the ratio is
    the geometric mean, and ``worst`` the bar of each case.
    """

    ours: Callable
    theirs: Callable
    bar: float | None = None
    stretch: float | None = None
    work: float | Callable | None = None
    unit: str = "f32"
    threads: int = 1
    cases: tuple = ()
    worst: float | None = None

    @property
    def known(self):
        """The operations of one call of each case, or None."""
        if not self.cases:
            return [self.work]
        return [self.work and self.work(case) for case in self.cases]

    def made(self, which, case):
        """The call of one side for the case of that number."""
        maker = getattr(self, which)
        return maker(self.cases[case]) if self.cases else maker()


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


from benchmarks import (  # noqa: E402
    attention,  # noqa: F401
    convolution,  # noqa: F401
    depthwise,  # noqa: F401
    eager,  # noqa: F401
    gemm,  # noqa: F401
    image_grads,  # noqa: F401
    nets,  # noqa: F401
    rowwise,  # noqa: F401
)
