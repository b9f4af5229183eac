"""Figure «control-flow forms»: one while loop as primitives, as a node with graphs, unrolled."""

from functools import cache

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff import trace
from aisys_lab.autodiff.lessons.dataflow import history, primitives
from aisys_lab.ir import bind, interpret
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

LIMIT, STARTS, MOMENTS = 20.0, (3, 6, 12, 30), 25  # 3, 2, 1 and no trips
TRACED = STARTS[0]  # the value that the unrolled graph was traced with


def double(x):
    """The loop: ``while v < 20: v = v + v``, from ``x``."""
    return anp.while_loop(lambda v: v < LIMIT, lambda v: v + v, x)


def unrolled(v):
    """The same as Python runs it for the traced value: the trips are counted now, for good."""
    for _ in range(round(np.ceil(np.log2(LIMIT / TRACED)))):
        v = v + v
    return v


@cache
def graph_of(form):
    return trace(unrolled if form == "unrolled" else double, np.float64(TRACED))


# ---- what happens: a list of (tokens on their ways, what has just run, the result or None)

def run_primitives(start):
    """The token machine of the lesson, step by step; ways are pairs of kinds of cells."""
    flow = primitives(graph_of("primitives"))
    maker = {out: cell.kind for cell in flow.cells for out in cell.outs}
    for state in history(flow, np.float64(start)):
        moving = {(flow.cells[i].inputs[k], flow.cells[i].kind): queue[0]
                  for (i, k), queue in state.waiting.items() if queue}
        tokens = {(maker.get(name, name), kind): token for (name, kind), token in moving.items()
                  if name not in flow.constants}
        result = next((token.value for token in state.results.values()), None)
        yield tokens, [maker[name] for name in state.fired], result


def run_node(start):
    """The one node: its two graphs in turn, and the values that its derivative will need."""
    loop, v, kept = graph_of("sub-graphs").nodes[0].attrs, np.float64(start), []
    yield {("x", "test"): v}, [], None
    while interpret(loop["test"], v)[0]:
        yield {("test", "body"): v}, ["test"], None
        kept.append(v)
        v, = interpret(loop["body"], v)
        yield {("body", "test"): v, "kept": tuple(kept)}, ["body"], None
    yield {("test", "out"): v, "kept": tuple(kept)}, ["test"], v


def run_unrolled(start):
    """Node after node: no test is left."""
    v, nodes = np.float64(start), graph_of("unrolled").nodes
    yield {("x", "add 1"): v}, [], None
    for i, node in enumerate(nodes):
        v, to = bind(node.op, v, v), f"add {i + 2}" if i + 1 < len(nodes) else "out"
        yield {(f"add {i + 1}", to): v}, [f"add {i + 1}"], v if to == "out" else None


RUNS = {"primitives": run_primitives, "sub-graphs": run_node, "unrolled": run_unrolled}


@cache
def film(form, start):
    return list(RUNS[form](start))


def compute(form, start, moment):
    """One moment: tokens, what has fired, and what comes out here and in Python."""
    moments = film(form, start)
    k = round(moment * (len(moments) - 1) / (MOMENTS - 1))
    tokens, fired, result = moments[k]
    nodes = len(primitives(graph_of(form)).cells if form == "primitives" else
                graph_of(form).nodes)
    return {"form": form, "start": start, "step": k, "steps": len(moments) - 1, "tokens": tokens,
            "fired": fired, "result": result, "nodes": nodes, "end": moments[-1][2],
            "python": double(np.float64(start))}


# ---- the drawing

PLACES = {  # where a box stands, and the points of each way between two of them
    "primitives": {"enter": (74, 120), "merge": (170, 120), "lt": (170, 60),
                   "loop_cond": (290, 60), "switch": (290, 120), "exit": (398, 120),
                   "add": (290, 185), "next_iteration": (170, 185)},
    "sub-graphs": {"test": (220, 80), "body": (220, 150)},
    "unrolled": {"add 1": (120, 110), "add 2": (220, 110), "add 3": (320, 110)},
}
WAYS = {
    "primitives": {("x", "enter"): [(8, 120), (38, 120)], ("enter", "merge"): None,
                   ("merge", "lt"): None, ("lt", "loop_cond"): None, ("merge", "switch"): None,
                   ("loop_cond", "switch"): None, ("switch", "exit"): None,
                   ("switch", "add"): None, ("add", "next_iteration"): None,
                   ("next_iteration", "merge"): None},
    "sub-graphs": {("x", "test"): [(30, 80), (160, 80)],
                   ("test", "body"): [(200, 97), (200, 133)],
                   ("body", "test"): [(240, 133), (240, 97)],
                   ("test", "out"): [(280, 80), (410, 80)]},
    "unrolled": {("x", "add 1"): [(20, 110), (80, 110)], ("add 1", "add 2"): None,
                 ("add 2", "add 3"): None, ("add 3", "out"): [(360, 110), (420, 110)]},
}
TITLES = {"lt": "v < 20", "add": "v + v", "next_iteration": "next trip", "test": "test: v < 20",
          "body": "body: v + v", "loop_cond": "loop cond"}
HIGH = 32


def draw(data):
    """The form, its tokens, and below what it costs and what it gives."""
    form = data["form"]
    places, ways = PLACES[form], WAYS[form]
    parts = [words(0, 14, "while v < 20: v = v + v", mono=True, bold=True, size=13),
             words(WIDTH, 14, f"x = {data['start']}", "quiet", "end", 13)]
    if form == "sub-graphs":
        parts += [box(110, 34, 220, 150, "none", "rest", r=8),
                  words(220, 52, "while_loop", "quiet", "middle", 13)]
    parts += [stroke(way(form, *ends), "rest", arrow=True) for ends in ways]
    for name, (x, y) in places.items():
        hot = name in data["fired"]
        wide = 120 if form == "sub-graphs" else 72
        parts += [box(x - wide / 2, y - HIGH / 2, wide, HIGH, "accent" if hot else "soft",
                      "quiet"),
                  words(x, y + 4.5, TITLES.get(name, name.rstrip(" 123")),
                        "light" if hot else "ink", "middle", 12, bold=hot)]
    if form == "primitives":
        parts += [words(344, 108, "false", "quiet", "middle", 11), words(296, 150, "true", "quiet",
                                                                    size=11)]
    parts += [part for ends in ways if ends in data["tokens"]
              for part in pill(way(form, *ends), data["tokens"][ends])]
    parts += [words(0, 232 + 19 * i, line, "accent" if i == 2 and wrong(data) else "ink", size=13)
              for i, line in enumerate(lines(data))]
    return picture(280, parts, sentence(data))


def way(form, a, b):
    """The line from box to box, between their edges."""
    points = WAYS[form][a, b]
    if points is not None:
        return points
    (x0, y0), (x1, y1) = PLACES[form][a], PLACES[form][b]
    dx, dy = np.sign([x1 - x0, y1 - y0])
    return [(x0 + 36 * dx, y0 + HIGH / 2 * dy), (x1 - 36 * dx, y1 - HIGH / 2 * dy)]


def pill(points, token):
    """A value on its way, with the trip that it belongs to if it carries one."""
    (x0, y0), (x1, y1) = points
    x, y, value = (x0 + x1) / 2, (y0 + y1) / 2, getattr(token, "value", token)
    text = str(bool(value)) if isinstance(value, np.bool_) else f"{value:g}"
    wide = 12 + 7.5 * len(text)
    later = x0 == x1 and getattr(token, "trip", 0)
    trip = [words(x + wide / 2 + 3, y + 4, f"trip {token.trip}", "quiet", size=10)] if later else []
    return [box(x - wide / 2, y - 9, wide, 18, "compute", "light", r=9),
            words(x, y + 4.5, text, "light", "middle", 12, bold=True), *trip]


def wrong(data):
    return data["end"] != data["python"]


def lines(data):
    """What has just happened, what the form is, what it gives."""
    fired = ", ".join(TITLES.get(name, name) for name in data["fired"]) or "nothing yet"
    what = {"primitives": f"{data['nodes']} cells for any number of trips; a token says which trip",
            "sub-graphs": "1 node for any number of trips; kept for the gradient: "
                          + (", ".join(f"{v:g}" for v in data["tokens"].get("kept", ())) or "–"),
            "unrolled": f"{data['nodes']} nodes, traced with x = {TRACED}; no test is left"}
    gives = f"gives {data['end']:g}" + (f", but Python gives {data['python']:g}" if wrong(data)
                                        else ", as Python does")
    return f"step {data['step']} of {data['steps']}: {fired}", what[data["form"]], gives


def sentence(data):
    """The point of a frame."""
    return (f"The loop while v < 20: v = v + v as {data['form']}, from x = {data['start']}. "
            + ". ".join(line[0].upper() + line[1:] for line in lines(data)) + ".")


FIGURES.define("control_flow_forms", Figure(
    "control_flow_forms", "Three forms of a loop", compute, draw,
    grid={"form": tuple(RUNS), "start": STARTS, "moment": tuple(range(MOMENTS))},
    labels={"form": "Form", "start": "x", "moment": "Moment"}, start={"moment": 8},
    units={"moment": lambda k: f"{k + 1} of {MOMENTS}"}))
