"""Executors: who decides which node runs next, on which worker, and when a value is let go.

A row of EXECUTORS is a function ``(graph, run, free, workers)``. It calls ``run(i)`` once for
every node, when all that the node waits for is made, and may call ``free(name)`` for a value that
nobody reads any more; inputs, constants and outputs of the graph stay in any case. Values, checks
and counts are the harness's (`aisys_lab.ir.execute`).
"""

import contextvars
import heapq
import threading
from collections import Counter

import numpy as np

from aisys_lab.core import Table
from aisys_lab.ir.graph import work_flops
from aisys_lab.ir.order import in_order, sources, users

EXECUTORS = Table("EXECUTORS", "(graph, run, free, workers): runs every node once",
                  noun="executor")


class Pending:
    """An executor's book: what each node still waits for, how many still read each value."""

    def __init__(self, graph):
        rows = sources(graph)
        self.graph, self.left = graph, len(rows)
        self.waiting, self.users = [len(row) for row in rows], users(rows)
        self.readers = Counter(name for node in graph.nodes for name in set(node.inputs))
        self.readers.update(graph.outputs)  # the caller reads them, at the end

    def first(self):
        """The nodes that wait for nothing."""
        return [i for i, count in enumerate(self.waiting) if not count]

    def done(self, i):
        """``(ready, dead)``: nodes that waited for node ``i`` last, values without a reader."""
        node, self.left = self.graph.nodes[i], self.left - 1
        for j in self.users[i]:
            self.waiting[j] -= 1
        read = set(node.inputs)
        self.readers.subtract(read)
        return ([j for j in self.users[i] if not self.waiting[j]],
                [name for name in sorted(read.union(node.outs)) if not self.readers[name]])


@EXECUTORS.row("sequential")
def sequential(graph, run, free, workers):
    """Nodes as they are listed; nothing is let go."""
    for i in range(len(graph.nodes)):
        run(i)


@EXECUTORS.row("counting")
def counting(graph, run, free, workers):
    """Counts dependencies down to zero, and readers too: a value goes after its last one."""
    in_turn(graph, run, free, lambda ready: 0)


def shuffled(seed):
    """An executor that takes any ready node, at random: every valid order may come."""
    rng = np.random.default_rng(seed)
    return lambda graph, run, free, workers: in_turn(
        graph, run, free, lambda ready: rng.integers(len(ready)))


EXECUTORS.define("shuffled", lambda *args: shuffled(0)(*args))


def in_turn(graph, run, free, pick):
    """One node after another; ``pick`` says which of the ready ones."""
    pending = Pending(graph)
    ready = pending.first()
    while ready:
        i = ready.pop(pick(ready))
        run(i)
        new, dead = pending.done(i)
        ready += new
        for name in dead:
            free(name)


@EXECUTORS.row("threaded")
def threaded(graph, run, free, workers):
    """A pool of threads that share one book; of the ready nodes the longest way to the end first.

    The first error of a worker stops the others, and is raised here.
    """
    pool = Pool(graph, run, free)
    threads = [threading.Thread(target=contextvars.copy_context().run, args=(pool.work,),
                                daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException as error:  # Ctrl-C: no worker takes another node
        pool.stop(error)
        raise
    if pool.error is not None:
        raise pool.error


class Pool:
    """What the threads share, behind one lock: the book, the queue, the first error."""

    def __init__(self, graph, run, free):
        self.run, self.free = run, free
        self.pending, self.rank = Pending(graph), ranks(graph)
        self.queue, self.busy, self.error = [], 0, None
        self.changed = threading.Condition()
        self._push(self.pending.first())

    def work(self):
        """One thread: takes ready nodes until there are no more to come."""
        while (i := self.take()) is not None:
            try:
                self.run(i)
            except BaseException as error:
                return self.stop(error)
            with self.changed:
                self.busy -= 1
                new, dead = self.pending.done(i)
                for name in dead:
                    self.free(name)
                self._push(new)
                self.changed.notify_all()
        return None

    def take(self):
        """The next node; None when nothing is ready and nothing runs that could make it so."""
        with self.changed:
            self.changed.wait_for(lambda: self.queue or not self.busy or self.error)
            if self.error is not None or not self.queue:
                return None
            self.busy += 1
            return heapq.heappop(self.queue)[1]

    def stop(self, error):
        """Keeps the first error, and wakes those that wait."""
        with self.changed:
            self.busy -= 1
            self.error = self.error or error
            self.changed.notify_all()

    def _push(self, nodes):
        for i in nodes:
            heapq.heappush(self.queue, (-self.rank[i], i))


def ranks(graph):
    """Operations from each node to the end of the longest way on, its own included."""
    rows, rank = sources(graph), {}
    readers = users(rows)
    for i in reversed(list(in_order(rows))):
        rank[i] = work_flops(graph, graph.nodes[i]) + max(map(rank.get, readers[i]), default=0)
    return rank
