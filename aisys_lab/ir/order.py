"""Order: what must come before what, cycles, and one after another."""

import heapq

from aisys_lab.core import LabError


def sources(graph):
    """For each node the numbers of the nodes that it waits for, by values and control edges.

    Raises LabError for a name that no node makes and that is neither input nor constant.
    """
    maker = {out: i for i, node in enumerate(graph.nodes) for out in node.outs}
    given = {*graph.inputs, *graph.constants}
    rows = []
    for node in graph.nodes:
        for name in (*node.inputs, *node.after):
            if name not in maker and name not in given:
                raise LabError(f"{node.label}: nothing makes {name}, and it is no input of "
                               f"{graph.name} ({', '.join(graph.inputs)}).")
        rows.append({maker[name] for name in (*node.inputs, *node.after) if name in maker})
    return rows


def users(rows):
    """The other way round: for each number the numbers that wait for it."""
    table = [[] for _ in rows]
    for i, row in enumerate(rows):
        for j in sorted(row):
            table[j].append(i)
    return table


def in_order(rows):
    """Numbers in an order in which each comes after those that it waits for, lowest first.

    Numbers on a cycle, or behind one, are left out. (Kahn 1962, topological sorting.)
    """
    waiting, readers = [len(row) for row in rows], users(rows)
    ready = [i for i, count in enumerate(waiting) if not count]  # sorted, and so a heap
    while ready:
        i = heapq.heappop(ready)
        yield i
        for j in readers[i]:
            waiting[j] -= 1
            if not waiting[j]:
                heapq.heappush(ready, j)


def cycle(rows):
    """Numbers that wait for each other in a ring, the first again at the end; None if none do."""
    left = set(range(len(rows))).difference(in_order(rows))
    if not left:
        return None
    walk = [min(left)]
    while walk.count(walk[-1]) < 2:  # every number that is left waits for another that is
        walk.append(min(rows[walk[-1]] & left))
    return walk[walk.index(walk[-1]):][::-1]


def named_cycle(graph):
    """The names along a cycle of a graph, in the order of the arrows; None if there is none."""
    made = {out for node in graph.nodes for out in node.outs}
    missing = {name for node in graph.nodes for name in (*node.inputs, *node.after)} - made
    known = {*graph.inputs, *graph.constants}
    ring = None if missing - known else cycle(sources(graph))
    return ring and [graph.nodes[i].outs[0] for i in ring]
