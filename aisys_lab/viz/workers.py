"""Figure «scheduler Gantt»: tasks that wait for each other, placed on workers by priority."""

from functools import cache

import numpy as np

from aisys_lab.autodiff import grad, trace
from aisys_lab.autodiff import numpy as anp
from aisys_lab.ir.graph import work_flops
from aisys_lab.ir.order import sources
from aisys_lab.ir.schedule import (
    SCHEDULERS,
    Board,
    Schedule,
    schedule,
    upward_ranks,
    verify_schedule,
)
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

SHAPES = (4, 4), (4, 8), (8, 4)  # of the weights
PRODUCTS = "f1", "f2", "f3", "x3", "w3", "x2", "w2", "w1"  # as they come in the graph


@cache
def training_step():
    """The matrix products of a real joint graph: forward f, back to the inputs x and weights w."""
    def loss(weights, x):
        for w in weights:
            x = anp.tanh(x @ w)
        return anp.sum(x)
    graph = trace(grad(loss), [np.ones(shape) for shape in SHAPES], np.ones((2, 4)))
    nearest = []  # for each node the products behind it, with no other product between
    for row in sources(graph):
        nearest.append({k for j in row for k in ({j} if graph.nodes[j].op == "matmul"
                                                 else nearest[j])})
    chosen = [i for i, node in enumerate(graph.nodes) if node.op == "matmul"]
    name = dict(zip(chosen, PRODUCTS, strict=True))
    costs = {name[i]: work_flops(graph, graph.nodes[i]) // 64 for i in chosen}
    return costs, [(name[j], name[i]) for i in chosen for j in sorted(nearest[i])]


def branches():
    """One value, four ways of different length, and the place where they meet."""
    costs = {"in": 1, "a": 2, "b1": 1, "b2": 4, "c1": 1, "c2": 3, "c3": 3, "d1": 2, "d2": 1,
             "out": 2}
    ways = (("in", "a", "out"), ("in", "b1", "b2", "out"), ("in", "c1", "c2", "c3", "out"),
            ("in", "d1", "d2", "out"))
    return costs, [edge for way in ways for edge in zip(way, way[1:], strict=False)]


def nine():
    """Nine tasks that take longer on four workers than on three. (Graham 1969.)"""
    costs = dict(zip("abcdefghi", (3, 2, 2, 2, 4, 4, 4, 4, 9), strict=True))
    return costs, [("a", "i"), *(("d", task) for task in "efgh")]


PROGRAMS = {"products of a training step": training_step, "four branches": branches,
            "Graham's nine tasks": nine}


def as_listed(costs, edges, workers, delay):
    """List scheduling in the order of the list: of the tasks that can start first, the first."""
    board, place = Board(costs, edges, workers, delay), list(costs).index
    while ready := board.ready():
        start, _, task, worker = min((board.append(task, w), place(task), task, w)
                                     for task in ready for w in range(workers))
        board.place(task, worker, start)
    return board.placed


PRIORITIES = {"longest way first": SCHEDULERS["list"], "as listed": as_listed,
              "longest way, gaps too": SCHEDULERS["heft"]}


def compute(program, priority, workers, delay):
    """A schedule: who does what when, the ranks that decided, and the two bounds."""
    costs, edges = PROGRAMS[program]()
    placed = PRIORITIES[priority](dict(costs), list(edges), workers, delay)
    plan = verify_schedule(Schedule(program, costs, tuple(edges), workers, delay, placed))
    alone = schedule(costs, edges, workers=1)
    return {"plan": plan, "tasks": list(costs), "worker": np.array([placed[t][0] for t in costs]),
            "start": np.array([placed[t][1] for t in costs]), "cost": np.array([*costs.values()]),
            "rank": np.array([upward_ranks(costs, edges, delay)[t] for t in costs]),
            "critical": plan.critical_path, "steps": plan.makespan, "bound": plan.lower_bound,
            "graham": plan.graham, "alone": alone.makespan, "sent": len(sent(plan))}


def sent(plan):
    """Values that travel: one message for each task and worker that reads it elsewhere."""
    return {(a, plan.placed[b][0]) for a, b in plan.edges
            if plan.placed[a][0] != plan.placed[b][0]}


# ---- the drawing

LANE, TOP, LEFT = 34, 176, 22


def draw(data):
    """The tasks and what they wait for above; below a lane for each worker."""
    plan = data["plan"]
    longest = max(data["steps"], data["bound"])
    scale = (WIDTH - LEFT - 8) / longest
    low = TOP + LANE * plan.workers
    parts = [words(0, 14, f"{data['steps']:g} steps on {many(plan.workers)}", "accent", bold=True),
             words(WIDTH, 14, f"no schedule is shorter than {data['bound']:g}", "quiet", "end",
                   12), *dag(data, 30, TOP - 22)]
    parts += [words(0, TOP + LANE * w + 21, w + 1, "quiet", size=12) for w in range(plan.workers)]
    parts += [part for k in range(len(data["tasks"])) for part in bar(data, k, scale)]
    parts += [arrow(plan, *message, scale) for message in sorted(sent(plan))]
    x = LEFT + data["bound"] * scale
    parts += [stroke([(x, TOP - 6), (x, low + 4)], "ink", width=1, dash="4 3"),
              words(LEFT, low + 18, "0", "quiet", size=12),
              words(LEFT + longest * scale, low + 18, f"{longest:g}", "quiet", "end", 12),
              words(LEFT + 30, low + 18, "steps; dashed: the bound; lines: values sent", "quiet",
                    size=12), words(0, low + 38, verdict(data), size=13)]
    return picture(low + 46, parts, sentence(data))


def many(workers):
    return f"{workers} worker{'s' * (workers != 1)}"


def bar(data, k, scale):
    """A task in its lane, with its priority below its name where there is room."""
    task, x = data["tasks"][k], LEFT + data["start"][k] * scale
    y, wide = TOP + LANE * int(data["worker"][k]), data["cost"][k] * scale
    hot = task in data["critical"]
    ink = "light" if hot else "ink"
    parts = [box(x + 0.5, y + 2, max(wide - 1, 2), LANE - 6, "accent" if hot else "soft", "quiet"),
             words(x + wide / 2, y + 16, task, ink, "middle", 12, bold=hot)]
    return [*parts, words(x + wide / 2, y + 27, f"{data['rank'][k]:g}", ink, "middle", 10)]


def arrow(plan, task, worker, scale):
    """A value on its way to another worker, to the task there that reads it first."""
    first = min(plan.placed[b][1] for a, b in plan.edges
                if a == task and plan.placed[b][0] == worker)
    at, below = plan.placed[task][0], worker > plan.placed[task][0]
    x, y = LEFT + plan.end(task) * scale, TOP + LANE * at + (LANE - 4 if below else 2)
    x1, y1 = LEFT + (plan.end(task) + plan.delay) * scale, TOP + LANE * worker + (2 if below else
                                                                                LANE - 4)
    points = [(x, y), (x1, y1)] if plan.delay else [(x, y), (LEFT + first * scale, y1)]
    return stroke(points, "compute", width=1.2)


def dag(data, top, bottom):
    """Tasks by depth from left to right; the longest way is marked."""
    plan, depth = data["plan"], {}
    for task in sorted(data["tasks"], key=lambda t: -upward_ranks(plan.costs, plan.edges)[t]):
        depth[task] = 1 + max((depth[a] for a, b in plan.edges if b == task), default=-1)
    columns = [[t for t in data["tasks"] if depth[t] == d] for d in range(1 + max(depth.values()))]
    step = (WIDTH - 50) / max(len(columns) - 1, 1)
    place = {t: (25 + d * step, top + (bottom - top) * (i + 0.5) / len(column) + 9 * (-1) ** d)
             for d, column in enumerate(columns) for i, t in enumerate(column)}
    hot = set(zip(data["critical"], data["critical"][1:], strict=False))
    parts = [stroke([place[a], place[b]], "accent" if (a, b) in hot else "rest",
                    width=2 if (a, b) in hot else 1) for a, b in plan.edges]
    for task, (x, y) in place.items():
        look = "accent" if task in data["critical"] else "soft"
        parts += [box(x - 20, y - 9, 40, 18, look, "quiet", r=8),
                  words(x, y + 4, f"{task} {plan.costs[task]:g}",
                        "light" if look == "accent" else "ink", "middle", 11)]
    return parts


def verdict(data):
    """How good the schedule is, in numbers."""
    gain = data["alone"] / data["steps"]
    return (f"{gain:.2f} times as fast as one worker; {data['sent']} values sent; "
            f"idle {1 - data['alone'] / data['steps'] / data['plan'].workers:.0%}")


def sentence(data):
    """The point of a frame."""
    plan = data["plan"]
    name = plan.name[0].upper() + plan.name[1:]
    return (f"{name} on {many(plan.workers)}, delay {plan.delay:g} between workers: "
            f"{data['steps']:g} steps, where no schedule takes fewer than {data['bound']:g}. The "
            f"longest way is {' to '.join(data['critical'])}; {data['sent']} values are sent.")


FIGURES.define("scheduler_gantt", Figure(
    "scheduler_gantt", "Tasks on workers", compute, draw,
    grid={"program": tuple(PROGRAMS), "priority": tuple(PRIORITIES), "workers": (1, 2, 3, 4),
          "delay": (0, 1, 2, 4)},
    labels={"program": "Program", "priority": "Priority", "workers": "Workers",
            "delay": "Delay"}, start={"workers": 2, "delay": 1}))
