"""What lab V.3 asks of a scheduler: legal, between the bounds, about as short as ours."""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.exercises.declare import Case, edits, exercise
from aisys_lab.ir import Schedule, verify_schedule
from aisys_lab.ir.schedule import earliest_first

FIRST = '''
def schedule(costs, edges, workers, delay):
    before = {task: [a for a, b in edges if b == task] for task in costs}
    after = {task: [b for a, b in edges if a == task] for task in costs}
    rank = {}

    def ranked(task):
        if task not in rank:
            rank[task] = costs[task] + max((delay + ranked(b) for b in after[task]), default=0)
        return rank[task]

    placed, end, free = {}, {}, [0] * workers
    while len(placed) < len(costs):
        best = None
        for task in costs:
            if task in placed or any(a not in placed for a in before[task]):
                continue
            for worker in range(workers):
                start = free[worker]
                for a in before[task]:
                    far = delay if placed[a][0] != worker else 0
                    start = max(start, end[a] + far)
                option = (start, -ranked(task), task, worker)
                if best is None or option < best:
                    best = option
        start, _, task, worker = best
        placed[task] = (worker, start)
        end[task] = free[worker] = start + costs[task]
    return placed
'''
HEFT = '''
def schedule(costs, edges, workers, delay):
    rank = dict(costs)
    for _ in costs:
        for a, b in edges:
            rank[a] = max(rank[a], costs[a] + delay + rank[b])
    depth = dict.fromkeys(costs, 0)
    for _ in costs:
        for a, b in edges:
            depth[b] = max(depth[b], depth[a] + 1)
    busy, placed = [[] for _ in range(workers)], {}
    for task in sorted(costs, key=lambda t: (-rank[t], depth[t])):
        options = []
        for worker, line in enumerate(busy):
            start = max((placed[a][1] + costs[a] + delay * (placed[a][0] != worker)
                         for a, b in edges if b == task), default=0)
            for begin, end in sorted(line):
                if start + costs[task] <= begin:
                    break
                start = max(start, end)
            options.append((start, worker))
        start, worker = min(options)
        placed[task] = worker, start
        busy[worker].append((start, start + costs[task]))
    return placed
'''
CLOCK = '''
import heapq

def schedule(costs, edges, workers, delay):
    """Simulates the workers: whenever one is idle, it takes the best task that has arrived."""
    sources = {t: [a for a, b in edges if b == t] for t in costs}
    rank = {}
    def rank_of(t):
        if t not in rank:
            rank[t] = costs[t] + max([delay + rank_of(b) for a, b in edges if a == t] or [0])
        return rank[t]
    placed, idle, times = {}, [0] * workers, [0]
    while len(placed) < len(costs):
        now = heapq.heappop(times)
        while True:
            fits = [(-rank_of(t), t, w) for t in costs if t not in placed
                    for w in range(workers) if idle[w] <= now and all(
                        a in placed and placed[a][1] + costs[a]
                        + (delay if placed[a][0] != w else 0) <= now for a in sources[t])]
            if not fits:
                break
            _, t, w = min(fits)
            placed[t] = (w, now)
            idle[w] = now + costs[t]
            for moment in (idle[w], idle[w] + delay):
                heapq.heappush(times, moment)
    return placed
'''
WRONG = edits(FIRST, {
    "charges the way to the worker itself": ("delay if placed[a][0] != worker else 0", "delay"),
    "forgets the way between workers": ("delay if placed[a][0] != worker else 0", "0"),
    "turns the priorities round": ("-ranked(task), task, worker", "ranked(task), task, worker"),
    "takes tasks as they are listed": ("-ranked(task), task, worker",
                                       "list(costs).index(task), task, worker"),
    "counts tasks in the rank, not their steps": ("costs[task] + max", "1 + max"),
    "leaves the rest of the way out of the rank": ("max((delay + ranked(b) for b in after[task]), "
                                                   "default=0)", "0"),
    "uses one worker": ("for worker in range(workers)", "for worker in range(1)"),
    "deals the tasks out in turn": ("for worker in range(workers)",
                                    "for worker in [len(placed) % workers]"),
    "forgets when a worker is free": ("start = free[worker]", "start = 0"),
    "looks at one source alone": ("for a in before[task]:", "for a in before[task][-1:]:"),
    "counts time from when a source starts": ("end[a] + far", "placed[a][1] + far"),
    "leaves tasks without steps out": ("        placed[task] = (worker, start)\n",
                                       "        placed[task] = (worker, start)\n"
                                       "        if not costs[task]:\n"
                                       "            costs = {t: c for t, c in costs.items() "
                                       "if t != task}\n            del placed[task]\n"
                                       "            edges = [e for e in edges if task not in e]\n"
                                       "            before = {t: [a for a, b in edges if b == t]"
                                       " for t in costs}\n            continue\n"),
})


@exercise("graph.schedule", code="V.3-D", points=10, mutants=WRONG,
          different={"earliest start first": FIRST, "into gaps": HEFT, "by a clock": CLOCK},
          hides=("ir.schedule:earliest_first", "ir.schedule:heft", "ir.schedule:fifo",
                 "ir.schedule:Board", "ir.schedule:upward_ranks", "ir.schedule:schedule"))
def schedule(answer, rng):
    """schedule(costs, edges, workers, delay) places tasks on workers: {task: (worker, start)}, with
    workers from 0 and starts from 0, in steps. costs is {task: steps}; edges are pairs (before,
    after). A worker does one task at a time, without a break. A task starts when all tasks before
    it have ended, and delay steps later where they ended on another worker. Make the last end
    early: give way to the task with the longest way to the end of all (its rank: its steps, and the
    largest delay + rank of the tasks after it), and let no worker wait while a task could start.
    Judged are legality; without delay Graham's bound, (2 - 1/workers) times the larger of the
    critical path and work / workers; and the mean length over random tasks, at most 10 % above the
    package's."""
    for name, (costs, edges, workers, delay, best) in KNOWN.items():
        plan, fault = planned(answer, costs, edges, workers, delay)
        yield Case(not fault, f"{name}: {fault}")
        if fault:
            return
        yield Case(plan.makespan <= best, f"{name}: expected {best} steps, came "
                                          f"{plan.makespan:g}\n{plan}")
    for family in FAMILIES:
        for case in compared(answer, rng, family):
            yield case
            if not case.ok:
                return


KNOWN = {
    "one task": ({"a": 3}, [], 2, 1, 3),
    "a chain, far apart": ({"a": 1, "b": 2, "c": 1}, [("a", "b"), ("b", "c")], 3, 9, 4),
    "a fork, near": ({"a": 1, "b": 4, "c": 4, "d": 1},
                     [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], 2, 1, 7),
    "a task of no steps": ({"a": 2, "b": 0, "c": 2}, [("a", "b"), ("b", "c")], 1, 0, 4),
    "nothing to do": ({}, [], 2, 1, 0),
}


def planned(answer, costs, edges, workers, delay):
    """``(schedule, its first fault or "")``."""
    placed = answer(dict(costs), list(edges), workers, delay)
    if not isinstance(placed, dict):
        return None, f"expected a dict of tasks, came a {type(placed).__name__}"
    plan = Schedule("tasks", costs, tuple(edges), workers, delay, placed)
    try:
        return verify_schedule(plan), ""
    except LabError as error:
        return plan, f"costs {costs}, edges {edges}, {workers} workers, delay {delay}: {error}"


def layered(rng, names):
    """Layers of tasks, each waiting for some of the layer before."""
    layers, edges = np.array_split(names, int(rng.integers(4, 7))), []
    for above, below in zip(layers, layers[1:], strict=False):
        edges += [(str(a), str(b)) for b in below for a in above if rng.random() < 0.4]
    return {name: int(rng.integers(1, 10)) for name in names}, edges


def late_chain(rng, names):
    """A chain that takes as long as all else together on the other workers, listed last."""
    chain = names[-6:]
    costs = {name: int(rng.integers(2, 5)) for name in names[:-6]}
    costs |= {name: int(sum(costs.values()) / 2 / len(chain)) for name in chain}
    return costs, list(zip(chain, chain[1:], strict=False))


def long_tail(rng, names):
    """Chains of four short tasks, and one of a single step before a tail as long as the half."""
    costs, (*rest, head, tail) = {name: int(rng.integers(4, 7)) for name in names}, names
    edges = [edge for i in range(0, len(rest), 4) for edge in zip(rest[i:], rest[i + 1:i + 4],
                                                                  strict=False)]
    costs |= {head: 1, tail: sum(costs[name] for name in rest) // 2}
    return costs, [*edges, (head, tail)]


def strands(rng, names):
    """Chains side by side that meet now and then: it pays to stay on one worker."""
    edges = [(names[i], names[i + 3]) for i in range(len(names) - 3)]
    edges += [(names[i], names[i + 4]) for i in range(len(names) - 4) if rng.random() < 0.15]
    return {name: int(rng.integers(1, 5)) for name in names}, edges


FAMILIES = ((layered, (2, 3), (0, 3)), (late_chain, (3,), (0,)), (long_tail, (3,), (0,)),
            (strands, (3,), (4,)))


def compared(answer, rng, family, draws=5):
    """The cases of one family of random tasks: each legal and within bounds; the mean length."""
    draw, many, delays = family
    ratios = []
    for number in range(draws):
        workers, delay = many[number % len(many)], delays[number % len(delays)]
        costs, edges = draw(rng, [f"t{i}" for i in range(20)])
        plan, fault = planned(answer, costs, edges, workers, delay)
        yield Case(not fault, fault)
        if fault:
            return
        yield Case(plan.lower_bound <= plan.makespan, f"{plan}: shorter than can be")
        yield Case(delay > 0 or plan.makespan <= plan.graham + 1e-9,
                   f"expected at most {plan.graham:.4g} steps (Graham), came "
                   f"{plan.makespan:g}\n{plan}")
        placed = earliest_first(costs, edges, workers, delay)
        ratios.append(plan.makespan / max(at + costs[t] for t, (_, at) in placed.items()))
    yield Case(np.mean(ratios) <= 1.10, f"{draw.__name__.replace('_', ' ')}, {draws} draws: "
                                        f"expected at most 1.10 times the package's steps in the "
                                        f"mean, came {np.mean(ratios):.3f}")
