"""Schedules: which worker does which task when, if values take time to travel between workers.

A row of SCHEDULERS is a function ``(costs, edges, workers, delay) -> {task: (worker, start)}``:
``costs`` are steps by task, ``edges`` pairs (before, after), ``delay`` the steps that a value
takes to another worker. Finding the shortest schedule is NP-hard; these are heuristics.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aisys_lab.core import LabError, Table, slot, whole
from aisys_lab.ir.gantt import Bar, gantt
from aisys_lab.ir.graph import Graph, work_flops
from aisys_lab.ir.order import cycle, in_order, sources

SCHEDULERS = Table("SCHEDULERS", "(costs, edges, workers, delay) -> {task: (worker, start)}",
                   noun="scheduler")


@dataclass(frozen=True)
class Schedule:
    """Tasks placed on workers; times in steps. ``placed`` is {task: (worker, start)}."""

    name: str
    costs: dict
    edges: tuple
    workers: int
    delay: float
    placed: dict
    is_leaf = True

    def end(self, task):
        """When a task ends."""
        return self.placed[task][1] + self.costs[task]

    @property
    def makespan(self):
        """Steps until the last task ends."""
        return max(map(self.end, self.placed), default=0)

    @property
    def critical_path(self):
        """Tasks of the longest chain: it would take as long on any number of workers."""
        rank, after = upward_ranks(self.costs, self.edges), readers(self.costs, self.edges)
        path, ready = [], list(self.costs)
        while ready:
            path.append(max(ready, key=rank.get))
            ready = after[path[-1]]
        return path

    @property
    def lower_bound(self):
        """No schedule is shorter than the critical path, nor than all work shared evenly."""
        work = sum(self.costs.values())
        return max(sum(self.costs[task] for task in self.critical_path), work / self.workers)

    @property
    def graham(self):
        """Without delay, no schedule that leaves no worker idle needlessly is longer than this:
        (2 - 1/p) times the best one, which is no shorter than ``lower_bound`` (Graham 1966)."""
        return (2 - 1 / self.workers) * self.lower_bound

    def __str__(self):
        path = self.critical_path
        head = (f"{self.name} on {self.workers} worker{'s' * (self.workers != 1)}, delay "
                f"{self.delay:g}: {self.makespan:g} steps, at least {self.lower_bound:g} "
                f"(critical path {sum(self.costs[t] for t in path):g}, work "
                f"{sum(self.costs.values()):g})")
        bars = [Bar(task, *at, self.end(task)) for task, at in self.placed.items()]
        return "\n".join([head, *gantt(bars, self.workers), f"critical: {' -> '.join(path)}"])

    __repr__ = __str__


# ---- what a scheduler looks at

def readers(costs, edges):
    """For each task those that wait for it."""
    table = {task: [] for task in costs}
    for before, after in edges:
        table[before].append(after)
    return table


def upward_ranks(costs, edges, delay=0):
    """Steps from the start of each task to the end of all, along the longest way, with a delay
    at every edge. (HEFT's upward rank: Topcuoglu, Hariri and Wu 2002.)"""
    after, rank = readers(costs, edges), {}
    for task in reversed(listed(costs, edges)):
        rank[task] = costs[task] + max((delay + rank[t] for t in after[task]), default=0)
    return rank


def listed(costs, edges):
    """Tasks, each after those it waits for; a sentence if they wait in a ring."""
    names = list(costs)
    number = {task: i for i, task in enumerate(names)}
    rows = [set() for _ in names]
    for before, after in edges:
        rows[number[after]].add(number[before])
    ring = cycle(rows)
    if ring:
        raise LabError(f"schedule: tasks wait for each other in a cycle, "
                       f"{' -> '.join(str(names[i]) for i in ring)}.")
    return [names[i] for i in in_order(rows)]


class Board:
    """A schedule in the making: what is placed, and when a task could start where."""

    def __init__(self, costs, edges, workers, delay):
        self.costs, self.delay, self.placed = costs, delay, {}
        self.before = {task: [] for task in costs}
        for before, after in edges:
            self.before[after].append(before)
        self.lines = [[] for _ in range(workers)]  # (start, end) of each worker's tasks, sorted

    def ready(self):
        """Tasks not placed whose sources are."""
        return [task for task, sources in self.before.items() if task not in self.placed
                and all(source in self.placed for source in sources)]

    def arrival(self, task, worker):
        """When all that a task reads has come to a worker."""
        return max((at + self.costs[source] + (self.delay if where != worker else 0)
                    for source in self.before[task]
                    for where, at in [self.placed[source]]), default=0)

    def append(self, task, worker):
        """The earliest start behind all that the worker does already."""
        return max([self.arrival(task, worker), *(end for _, end in self.lines[worker][-1:])])

    def insert(self, task, worker):
        """The earliest start, gaps between tasks of the worker included."""
        start = self.arrival(task, worker)
        for begin, end in self.lines[worker]:
            if start + self.costs[task] <= begin:
                break
            start = max(start, end)
        return start

    def place(self, task, worker, start):
        self.placed[task] = worker, start
        self.lines[worker].append((start, start + self.costs[task]))
        self.lines[worker].sort()


# ---- schedulers

@slot("graph.schedule")
def earliest_first(costs, edges, workers, delay):
    """Of all ready tasks and workers the pair that can start first; of equals the task with the
    longest way to the end. No worker waits while a task could run: for ``delay=0`` this is
    Graham's list scheduling. (ETF: Hwang, Chow, Anger and Lee 1989.)"""
    board, rank = Board(costs, edges, workers, delay), upward_ranks(costs, edges, delay)
    while ready := board.ready():
        start, _, task, worker = min((board.append(task, w), -rank[task], task, w)
                                     for task in ready for w in range(workers))
        board.place(task, worker, start)
    return board.placed


SCHEDULERS.define("list", earliest_first)


@SCHEDULERS.row("heft")
def heft(costs, edges, workers, delay):
    """Tasks by falling upward rank, each where it ends first, in gaps too. (Topcuoglu et al.
    2002, on workers of one speed.)"""
    board, rank = Board(costs, edges, workers, delay), upward_ranks(costs, edges, delay)
    for task in sorted(listed(costs, edges), key=rank.get, reverse=True):
        start, worker = min((board.insert(task, w), w) for w in range(workers))
        board.place(task, worker, start)
    return board.placed


@SCHEDULERS.row("fifo")
def fifo(costs, edges, workers, delay):
    """Tasks as they are listed, each where it can start first."""
    board = Board(costs, edges, workers, delay)
    for task in listed(costs, edges):
        start, worker = min((board.append(task, w), w) for w in range(workers))
        board.place(task, worker, start)
    return board.placed


# ---- verbs

def schedule(tasks, edges=(), workers=2, delay=0, scheduler="list") -> Schedule:
    """A Schedule of a graph's nodes (a step is an operation), or of ``{task: steps}`` and edges.

    Raises LabError for tasks that wait in a cycle, edges to tasks that are none, negative costs,
    and a scheduler whose schedule is not legal.
    """
    workers = whole("schedule", "workers", workers, 1)
    name, costs, edges = _tasks(tasks, edges)
    listed(costs, edges)
    if not _number(delay):
        raise LabError(f"schedule: delay={delay!r}; it is a number of steps, 0 or more.")
    placed = SCHEDULERS[scheduler](dict(costs), list(edges), workers, delay)
    return verify_schedule(Schedule(name, costs, tuple(edges), workers, delay, placed))


def _number(x):
    return isinstance(x, int | float) and not isinstance(x, bool) and 0 <= x < float("inf")


def _tasks(tasks, edges):
    """``(name, costs, edges)`` of a graph or of plain tasks."""
    if isinstance(tasks, Graph):
        names = [node.outs[0] for node in tasks.nodes]
        rows = sources(tasks)
        return tasks.name, {name: max(1, work_flops(tasks, node)) for name, node in zip(
            names, tasks.nodes, strict=True)}, [(names[j], names[i]) for i, row in enumerate(rows)
                                                for j in sorted(row)]
    if not isinstance(tasks, Mapping) or not all(map(_number, tasks.values())):
        raise LabError(f"schedule takes a graph or {{task: steps}}, with steps of 0 or more, got "
                       f"{tasks!r:.80}.")
    unknown = [name for edge in edges for name in edge if name not in tasks]
    if unknown:
        raise LabError(f"schedule: an edge names {unknown[0]!r}; the tasks are: "
                       f"{', '.join(map(str, tasks))}.")
    return "tasks", dict(tasks), list(dict.fromkeys(map(tuple, edges)))


def verify_schedule(schedule):
    """The schedule itself if it is legal; else a sentence that names the first fault."""
    placed, costs = schedule.placed, schedule.costs
    if not isinstance(placed, dict) or placed.keys() != costs.keys():
        wrong = sorted(map(str, costs.keys() ^ set(placed)))
        raise LabError(f"a schedule places every task once; not so: {', '.join(wrong)}.")
    for task, place in placed.items():
        _verify_place(schedule, task, place)
    for before, after in schedule.edges:
        late = schedule.delay if placed[before][0] != placed[after][0] else 0
        if schedule.end(before) + late > placed[after][1]:
            raise LabError(f"{after} starts at {placed[after][1]:g}, but {before} ends at "
                           f"{schedule.end(before):g}" + (f" on another worker, {late:g} steps "
                                                          f"away." if late else "."))
    _verify_workers(schedule)
    return schedule


def _verify_place(schedule, task, place):
    sound = isinstance(place, tuple | list) and len(place) == 2 and _number(place[1])
    if not sound or place[0] not in range(schedule.workers):
        raise LabError(f"{task} is placed at {place!r}; a place is (worker, start), workers are "
                       f"0 to {schedule.workers - 1}, starts 0 or more.")


def _verify_workers(schedule):
    """Nobody does two things at once."""
    for worker in range(schedule.workers):
        mine = sorted((schedule.placed[task][1], schedule.end(task), task)
                      for task in schedule.placed if schedule.placed[task][0] == worker)
        for (_, end, first), (start, _, second) in zip(mine, mine[1:], strict=False):
            if start < end:
                raise LabError(f"worker {worker} does {first} and {second} at once: {second} "
                               f"starts at {start:g}, {first} ends at {end:g}.")
