"""Figure «stack lens»: one layer at every level of the stack, each text made by the package.

The machine's loops are captured for one fixed target, so that they are the same everywhere:
``python -m aisys_lab.viz.capture`` writes them anew when the generated code has changed.
"""

import hashlib
import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from aisys_lab.core import Table
from aisys_lab.core.text import count, si, table
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import box, picture, words

CAPTURED = Path(__file__).parent / "data/machine.json"
LEVELS = ("python", "graph", "loops", "machine", "counters")
LINES = 26  # of a text that are shown


@dataclass(frozen=True)
class Lens:
    """A layer to look at: its function, the shapes of its arguments, what marks its hot loop."""

    function: Callable
    shapes: tuple
    mark: str  # an instruction that only the loop to be shown has
    kernel: str = ""  # the row of the kernels that its loops call, if any


LENS = Table("LENS", "layers of the stack lens", noun="layer")


def linear(x, w, b):
    return x @ w + b


def norm(x, gamma, beta):
    from aisys_lab.autodiff import numpy as anp
    away = x - anp.mean(x, axis=-1, keepdims=True)
    var = anp.mean(away * away, axis=-1, keepdims=True)
    return away / anp.sqrt(var + 1e-5) * gamma + beta


LENS.define("linear", Lens(linear, ((32, 64), (64, 128), (128,)), "vfmadd", "blocked"))
LENS.define("norm", Lens(norm, ((32, 64), (64,), (64,)), "vdivps"))


# ---- the same layer, level by level

def python_text(row):
    """The function as it is written."""
    lines = inspect.getsource(row.function).splitlines()
    return [line for line in lines if "import" not in line]


@cache
def graph_of(row):
    """The traced graph on zeros of the row's shapes."""
    from aisys_lab.autodiff import trace
    return trace(row.function, *(np.zeros(shape, "float32") for shape in row.shapes))


@cache
def loop_text(row):
    """The generated function, and the kernel that it calls."""
    from aisys_lab.compiler import optimize, source_of
    from aisys_lab.kernels import gemm
    text = re.search(r"^def .*", source_of(optimize(graph_of(row)))[0], re.S | re.M)[0]
    if row.kernel:
        kernel = inspect.getsource(getattr(gemm, row.kernel).py_func)
        body = re.sub(r'\n *"""[^"]*"""', "", kernel[kernel.index("def"):], count=1)
        text += f"\n# the kernel that matmul names\n{body}"
    return text.rstrip().splitlines()


@cache
def captured():
    """What was captured, by layer."""
    return json.loads(CAPTURED.read_text(encoding="utf-8"))


def machine_text(row):
    """The hot loop in machine code, as captured."""
    stored = captured()["layers"].get(row.function.__name__)
    return stored["lines"] if stored else ["not captured: python -m aisys_lab.viz.capture"]


def counter_text(row):
    """What each node does, counted."""
    rows = [(w.op, count(w.flops), si(w.bytes_in, "B"), si(w.bytes_out, "B"))
            for w in tasks(row)]
    total = ("total", *totals(row)[1:])
    return table([*rows, total], ("op", "FLOPs", "read", "written"), "lrrr").splitlines()


def tasks(row):
    """One ``Work`` a node."""
    from aisys_lab.ir import work
    return work(graph_of(row))


def totals(row):
    """``(FLOPs, FLOPs as text, bytes read, bytes written)`` of the whole layer."""
    flops, read, written = (sum(getattr(w, name) for w in tasks(row))
                            for name in ("flops", "bytes_in", "bytes_out"))
    return flops, count(flops), si(read, "B"), si(written, "B")


TEXTS = {"python": python_text, "graph": lambda row: str(graph_of(row)).splitlines(),
         "loops": loop_text, "machine": machine_text, "counters": counter_text}


def digest(row):
    """Names the loops that a captured machine text belongs to."""
    return hashlib.sha256("\n".join(loop_text(row)).encode()).hexdigest()[:16]


# ---- the figure

def compute(layer, level):
    """The text of a layer at a level, and the number that its caption names."""
    row = LENS[layer]
    return {"layer": layer, "level": level, "text": np.array(TEXTS[level](row)),
            "said": SAID[level](row)}


def said_machine(row):
    """How many instructions, and how many of them are the marked one."""
    lines = machine_text(row)
    marked = sum(row.mark in line for line in lines)
    return (f"{len(lines)} instructions of the hot loop, {marked} of them {row.mark}, "
            f"for {captured()['target']}")


def said_counters(row):
    """FLOPs, bytes, and their ratio."""
    moved = sum(w.bytes for w in tasks(row))
    return (f"{totals(row)[1]} FLOPs and {si(moved, 'B')} moved, "
            f"{totals(row)[0] / moved:.1f} FLOP for each byte")


def number(n, noun):
    """``1 line``, ``2 lines``."""
    return f"{n} {noun}{'s' * (n != 1)}"


SAID = {
    "python": lambda row: number(len(python_text(row)) - 1, "line") + " of Python inside a def",
    "graph": lambda row: number(len(graph_of(row)), "node") + ", each with its type",
    "loops": lambda row: number(sum(" for " in line for line in loop_text(row)), "loop")
    + " in " + ("generated code and kernel" if row.kernel else "generated code"),
    "machine": said_machine,
    "counters": said_counters,
}


def draw(data):
    """The levels as a strip with one lit, and below it the text."""
    lines = shortened([str(line) for line in data["text"]])
    parts = [part for i, level in enumerate(LEVELS) for part in chip(i, level, data["level"])]
    parts += [words(2, 56 + 15 * i, line, size=11, mono=True) for i, line in enumerate(lines)]
    sentence = f"Layer {data['layer']}, level {data['level']}: {data['said']}."
    return picture(64 + 15 * len(lines), parts, sentence)


def chip(i, level, lit):
    """One level of the strip."""
    look, ink = ("accent", "light") if level == lit else ("soft", "ink")
    return [box(88 * i + 2, 2, 84, 28, look, "rest"),
            words(88 * i + 44, 21, level, ink, "middle", bold=level == lit)]


def shortened(lines):
    """Long lines cut, and the middle of a long text left out."""
    lines = [line if len(line) <= 64 else line[:63] + "…" for line in lines]
    if len(lines) <= LINES:
        return lines
    head, tail = lines[:LINES // 2 - 1], lines[-LINES // 2:]
    return [*head, f"    … {len(lines) - len(head) - len(tail)} lines", *tail]


FIGURES.define("stack_lens", Figure(
    "stack_lens", "One layer at every level of the stack", compute, draw,
    grid={"layer": tuple(LENS), "level": LEVELS}, labels={"layer": "Layer", "level": "Level"}))
