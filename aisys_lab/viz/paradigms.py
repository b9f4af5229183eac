"""Figure «paradigm switch»: one model written three ways, run line by line, and what then exists.

Every frame is counted from a real run: the lines are executed one after another, and after each
the names that it left behind are looked at.
"""

from functools import cache
from textwrap import dedent, wrap
from types import FunctionType

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.core.text import listing
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, words

PARADIGMS = ("define and run", "define by run", "transform")
MODELS = {"plain": "straight line", "branch": "with an if on a value"}
BODY = {"plain": "", "branch": "    if abs(r).max() > 1: r = anp.tanh(r)\n"}
LOSS = dedent("""\
    def loss(w, x, y):
        r = x @ w - y
    {branch}    return anp.mean(r * r)""")
CHUNKS = {  # what is run at each moment; {loss} is the model, {body} its branch on a value
    "define and run": (
        "w, x, y = spec(3, 1), spec(4, 3), spec(4, 1)   # shapes only",
        "{loss}",
        "graph = lab.trace(lab.value_and_grad(loss), w, x, y)",
        "value, slope = lab.interpret(graph, *numbers())",
    ),
    "define by run": (
        "w, x, y = numbers()",
        "tape = lab.MODES['reverse'](); w = tape.variable(w)",
        "r = x @ w - y\n{flat}value = anp.mean(r * r)",
        "slope, = tape.gradients([(value, one)], [w]); del tape",
    ),
    "transform": (
        "w, x, y = numbers()",
        "{loss}",
        "step = lab.value_and_grad(loss)",
        "value, slope = step(w, x, y)",
    ),
}
MOMENTS = range(1, 5)


@cache
def program(paradigm, model):
    """The chunks of text of one paradigm, the model written into them."""
    branch = BODY[model]
    parts = {"loss": LOSS.format(branch=branch), "flat": branch[4:]}
    return tuple(chunk.format(**parts) for chunk in CHUNKS[paradigm])


def beginnings():
    """The names that a program starts with; they are not counted."""
    import aisys_lab as lab
    from aisys_lab.autodiff import numpy as anp
    rng = np.random.default_rng(0)
    shapes = ((3, 1), (4, 3), (4, 1))
    return {"lab": lab, "anp": anp, "one": np.float64(1),
            "spec": lambda *shape: lab.Spec(shape, "float64"),
            "numbers": lambda: [rng.standard_normal(shape) for shape in shapes]}


# ---- what exists: a row a kind of thing, its look, and how it is counted

def numbers(value):
    """1 for an array, a number, or a tensor that holds one."""
    held = getattr(value, "value", value)
    return int(isinstance(held, np.ndarray | np.generic | float))


THINGS = {  # kind -> how many of it a value is or holds
    "number": numbers,
    "stand-in": lambda value: int(type(value).__name__ == "Spec"),
    "function": lambda value: int(isinstance(value, FunctionType)),
    "tape record": lambda value: len(getattr(value, "tape", ())),
    "graph node": lambda value: len(value) if type(value).__name__ == "Graph" else 0,
}


def census(space, given):
    """How many things of each kind the program has made."""
    made = [value for name, value in space.items() if name not in given]
    return {kind: sum(map(count, made)) for kind, count in THINGS.items()}


@cache
def history(paradigm, model):
    """``(census after each moment, sentence of the error or none)``, by running the program."""
    space = beginnings()
    given, seen = {*space, "__builtins__"}, []
    for chunk in program(paradigm, model):
        try:
            exec(compile(chunk, paradigm, "exec"), space)
        except LabError as error:
            return tuple(seen), str(error)
        seen.append(census(space, given))
    return tuple(seen), ""


def compute(paradigm, model, moment):
    """What exists after that many steps of the program, and before the last of them."""
    seen, error = history(paradigm, model)
    reached, moment = min(moment, len(seen)), min(moment, len(seen) + 1)
    before = seen[reached - 2] if reached > 1 else dict.fromkeys(THINGS, 0)
    now = seen[reached - 1]
    return {"paradigm": paradigm, "model": model, "moment": moment,
            "error": error if moment > len(seen) else "",
            "text": np.array(program(paradigm, model)),
            "now": np.array([now[kind] for kind in THINGS]),
            "new": np.array([now[kind] - before[kind] for kind in THINGS])}


# ---- the drawing

def draw(data):
    """The program with its steps, and below it a row of squares a kind of thing."""
    parts, y = listed(data)
    if data["error"]:
        for line in wrap(data["error"], 58):
            parts.append(words(14, y + 4, line, "accent", size=13))
            y += 18
    y += 14
    parts.append(words(0, y, "exists now", "quiet", size=13))
    for i, kind in enumerate(THINGS):
        parts += row(y + 10 + 26 * i, f"{kind}s", int(data["now"][i]), int(data["new"][i]),
                     bool(data["error"]))
    return picture(y + 14 + 26 * len(THINGS), parts, sentence(data))


def listed(data):
    """``(shapes, next y)``: the steps, the present one on a ground of its own."""
    parts, y = [], 4
    for i, chunk in enumerate(data["text"], 1):
        lines = str(chunk).splitlines()
        here, tall = i == data["moment"], 16 * len(lines) + 8
        if here:
            parts += [box(0, y, WIDTH, tall, "soft"), box(0, y, 4, tall, "accent", r=0)]
        look = "ink" if i <= data["moment"] else "quiet"
        parts += [words(12, y + 16 + 16 * j, line, look, size=11, mono=True)
                  for j, line in enumerate(lines)]
        y += tall + 4
    return parts, y + 8


def row(y, kind, count, new, stopped, most=16):
    """A kind of thing: its name, a square for each, the ones of this step in the accent."""
    old = count if stopped else count - max(new, 0)
    parts = [words(0, y + 13, kind, size=13)]
    for i in range(min(count, most)):
        look = "compute" if i < old else "accent"
        parts.append(box(104 + 17 * i, y + 1, 14, 14, look, r=1))
    parts.append(words(WIDTH, y + 13, count or "–", anchor="end", bold=bool(count)))
    return parts


def sentence(data):
    """The point of a frame."""
    have = [f"{n} {kind}{'s' if n != 1 else ''}"
            for kind, n in zip(THINGS, data["now"], strict=True) if n]
    name = f"{data['paradigm'].capitalize()}, {MODELS[data['model']]}"
    if data["error"]:
        return f"{name}, stopped at step {data['moment']} of {len(MOMENTS)}: {data['error']}"
    return f"{name}, after step {data['moment']} of {len(MOMENTS)}: {listing(have)}."


FIGURES.define("paradigm_switch", Figure(
    "paradigm_switch", "One model in three paradigms: what exists when", compute, draw,
    grid={"paradigm": PARADIGMS, "model": tuple(MODELS), "moment": tuple(MOMENTS)},
    labels={"paradigm": "Paradigm", "model": "Model", "moment": "Step"},
    start={"moment": 3},
    units={"model": MODELS.get, "moment": lambda n: f"{n} of {len(MOMENTS)}"}))
