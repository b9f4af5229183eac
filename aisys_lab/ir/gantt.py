"""Who does what when, as text: one line a worker, one bar a piece of work."""

from typing import NamedTuple

WIDTH = 60  # columns of the longest line


class Bar(NamedTuple):
    """A piece of work on a worker, from ``begin`` to ``end`` in steps."""

    label: str
    worker: int
    begin: float
    end: float


def gantt(bars, workers, width=WIDTH):
    """Lines: a worker each, ``|label---`` for every bar to scale, and the axis in steps."""
    span = max((bar.end for bar in bars), default=0)
    scale = width / span if span else 0
    title = len(f"worker {workers}")
    lines = [f"{f'worker {w + 1}':{title}}  {_line([b for b in bars if b.worker == w], scale)}"
             for w in range(workers)]
    steps = f"{span:g}"
    return [line.rstrip() for line in lines] + [f"{'steps':{title}}  0{steps:>{width}}"]


def _line(bars, scale):
    line = ""
    for bar in sorted(bars, key=lambda bar: bar.begin):
        begin, end = round(bar.begin * scale), round(bar.end * scale)
        size = end - begin
        line = line.ljust(begin) + f"|{bar.label}"[:size].ljust(size, "-")
    return line + "|"
