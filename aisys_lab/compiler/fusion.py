"""Fusion: neighbouring elementwise nodes of one shape become one loop, never making a cycle."""

import heapq

from aisys_lab.compiler.loops import LOOPS
from aisys_lab.compiler.passes import PASSES, rebuild
from aisys_lab.ir import Graph, Node


def fusible(node):
    """Elementwise with a loop form; broadcast_to too, which reads with a stride of zero."""
    return node.op in LOOPS and not node.after


class Groups:
    """Which group each node is in, and which groups each group reads from."""

    def __init__(self, graph):
        self.graph = graph
        self.maker = {out: i for i, node in enumerate(graph.nodes) for out in node.outs}
        self.group = list(range(len(graph.nodes)))
        self.members = {i: [i] for i in self.group}
        self.reads = {i: {self.maker[n] for n in (*node.inputs, *node.after) if n in self.maker}
                      for i, node in enumerate(graph.nodes)}

    def find(self, i):
        """The group of node ``i`` (a merged group answers to its first member)."""
        while self.group[i] != i:
            i = self.group[i]
        return i

    def sources(self, i):
        return {self.find(j) for j in self.reads[i]} - {i}

    def reachable(self, start, goal):
        """Whether ``start`` depends on ``goal`` through other groups."""
        stack, seen = [start], set()
        while stack:
            here = stack.pop()
            if here == goal:
                return True
            if here not in seen:
                seen.add(here)
                stack += self.sources(here)
        return False

    def between(self, a, b):
        """Whether a third group stands on a path from ``a`` to ``b``."""
        return any(self.reachable(s, a) for s in self.sources(b) - {a})

    def merge(self, a, b):
        """Puts two groups together, unless that would make a cycle through a third."""
        if a == b or self.between(a, b) or self.between(b, a):
            return
        first, second = sorted((a, b))
        self.group[second] = first
        self.members[first] += self.members.pop(second)
        self.reads[first] |= self.reads.pop(second)


@PASSES.row("fuse")
def fuse(graph):
    """Elementwise nodes that read each other at one shape share a loop: fewer trips to memory."""
    groups = Groups(graph)
    for i, node in enumerate(graph.nodes):
        for name in node.inputs if fusible(node) else ():
            j = groups.maker.get(name)
            if j is not None and fusible(graph.nodes[j]) and _shape(graph, j) == _shape(graph, i):
                groups.merge(groups.find(j), groups.find(i))
    nodes = [graph.nodes[i] if len(groups.members[i]) == 1 else
             _fused(graph, [graph.nodes[j] for j in sorted(groups.members[i])])
             for i in _order(groups)]
    return rebuild(graph, [node for node in nodes if node.outs], {})  # else nobody reads them


def _shape(graph, i):
    return graph.specs[graph.nodes[i].outs[0]].shape


def _order(groups):
    """Groups in an order in which each comes after those it reads; first made, first listed."""
    waiting = {i: groups.sources(i) for i in groups.members}
    users = {i: [] for i in waiting}
    for i, sources in waiting.items():
        for j in sources:
            users[j].append(i)
    ready = [i for i, sources in waiting.items() if not sources]
    heapq.heapify(ready)
    while ready:
        i = heapq.heappop(ready)
        yield i
        for user in users[i]:
            waiting[user].discard(i)
            if not waiting[user]:
                heapq.heappush(ready, user)


def _fused(graph, nodes):
    """One node around a body; constants of one element move inside."""
    made = {out for node in nodes for out in node.outs}
    inner = set(map(id, nodes))
    read = dict.fromkeys(name for node in nodes for name in node.inputs if name not in made)
    single = {name: graph.constants[name] for name in read
              if name in graph.constants and graph.constants[name].size == 1}
    inputs = tuple(name for name in read if name not in single)
    outside = {name for node in graph.nodes if id(node) not in inner
               for name in (*node.inputs, *node.after)}
    outs = tuple(out for node in nodes for out in node.outs
                 if out in outside or out in graph.outputs)
    names = {*inputs, *single, *made}
    body = Graph("body", inputs, outs, tuple(nodes),
                 {name: graph.specs[name] for name in graph.specs if name in names}, single)
    return Node(outs, "fused", inputs, {"body": body})
