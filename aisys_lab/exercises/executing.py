"""What lab V.3 asks of an executor: order, lifetimes, workers, errors; all counted by the judge."""

import time

from aisys_lab.core import LabError
from aisys_lab.exercises.declare import AnswerError, Case, edits, exercise
from aisys_lab.ir import parse
from aisys_lab.ir.order import sources

POOL = '''
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

def execute(graph, run, free, workers):
    nodes = graph.nodes
    maker = {out: i for i, node in enumerate(nodes) for out in node.outs}
    waits = [{maker[name] for name in (*node.inputs, *node.after) if name in maker}
             for node in nodes]
    readers = {name: {i for i, node in enumerate(nodes) if name in node.inputs}
               for name in maker}
    for name in graph.outputs:
        readers.setdefault(name, set()).add("caller")
    ready, running = [i for i, w in enumerate(waits) if not w], {}
    with ThreadPoolExecutor(workers) as pool:
        while ready or running:
            while ready and len(running) < workers:
                i = ready.pop(0)
                running[pool.submit(run, i)] = i
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                i = running.pop(future)
                future.result()
                for name in (*nodes[i].outs, *nodes[i].inputs):
                    if name in readers:
                        readers[name].discard(i)
                        if not readers[name]:
                            free(name)
                            del readers[name]
                for j, w in enumerate(waits):
                    if i in w:
                        w.remove(i)
                        if not w:
                            ready.append(j)
'''
QUEUE = '''
import queue
import threading
from collections import Counter

def execute(graph, run, free, workers):
    nodes = graph.nodes
    maker = {out: i for i, node in enumerate(nodes) for out in node.outs}
    edges = [{maker[n] for n in node.inputs + node.after if n in maker} for node in nodes]
    waiting = [len(e) for e in edges]
    readers = Counter(name for node in nodes for name in set(node.inputs))
    readers.update(graph.outputs)
    todo, lock = queue.LifoQueue(), threading.Lock()
    left, errors = [len(nodes)], []
    for i, count in enumerate(waiting):
        if count == 0:
            todo.put(i)

    def stop():
        for _ in range(workers):
            todo.put(None)

    def finish(i):
        node = nodes[i]
        readers.subtract(set(node.inputs))
        for name in set(node.inputs) | set(node.outs):
            if name in maker and readers[name] == 0:
                free(name)
        for j, e in enumerate(edges):
            if i in e:
                waiting[j] -= 1
                if waiting[j] == 0:
                    todo.put(j)
        left[0] -= 1
        if left[0] == 0:
            stop()

    def work():
        while (i := todo.get()) is not None and not errors:
            try:
                run(i)
                with lock:
                    finish(i)
            except Exception as error:
                errors.append(error)
                stop()

    if not nodes:
        return
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
'''
WRONG = edits(POOL, {
    "frees a shared value after its first reader": ("readers[name].discard(i)",
                                                    "readers[name] = set() if 'caller' not in "
                                                    "readers[name] else {1}"),
    "counts a double edge once": (
        "waits = [{maker[name] for name in (*node.inputs, *node.after) if name in maker}\n"
        "             for node in nodes]",
        "waits = [[maker[name] for name in (*node.inputs, *node.after) if name in maker]\n"
        "             for node in nodes]"),
    "ignores control edges": ("(*node.inputs, *node.after) if name in maker}",
                              "node.inputs if name in maker}"),
    "never frees": ("free(name)\n", "pass\n"),
    "frees the outputs": ('add("caller")', 'add(len(nodes) - 1)'),
    "frees what is read, not what nobody reads": ("(*nodes[i].outs, *nodes[i].inputs)",
                                                  "nodes[i].inputs"),
    "loses the error of a worker": ("                future.result()\n", ""),
    "runs one node at a time": ("len(running) < workers", "not running"),
    "starts more nodes than it has workers": ("ThreadPoolExecutor(workers)",
                                              "ThreadPoolExecutor(workers + 1)",
                                              "len(running) < workers", "True"),
    "waits for all before it goes on": ("FIRST_COMPLETED).done", "'ALL_COMPLETED').done"),
    "runs the nodes as they are listed": ("ready, running = [i for i, w in enumerate(waits) if "
                                          "not w], {}", "ready, running = [*range(len(waits))], {}",
                                          "                        if not w:\n"
                                          "                            ready.append(j)\n", ""),
}) | edits(QUEUE, {
    "hangs when a worker fails": ("                errors.append(error)\n                stop()",
                                  "                errors.append(error)"),
    "frees twice": ("readers[name] == 0:\n                free(name)",
                    "readers[name] == 0:\n                free(name)\n                free(name)"),
})


class Stage:
    """The judge's side of a run: which nodes are under way, what is alive, the first fault.

    Nodes under way end in random order, but none before as many are under way as could be.
    """

    def __init__(self, graph, workers, rng, fails=None):
        self.graph, self.workers, self.rng, self.fails = graph, workers, rng, fails
        self.waits, self.ended, self.under_way = sources(graph), set(), []
        self.alive, self.gone, self.peak, self.fault = set(), set(), 0, None
        self.moved, self.chosen = time.monotonic(), None
        self.failed, self.after = False, 0  # whether a node has failed; how many started since

    def blame(self, what):
        self.fault = self.fault or what
        raise LabError(what)

    def begin(self, i):
        node = self.node(i)
        done = {out for j in self.ended for out in self.graph.nodes[j].outs}
        for name in (*node.inputs, *node.after):
            if name in self.gone and name in node.inputs:
                self.blame(f"run({i}), {node.label}: expected {name} to be there, but it was freed")
            if name not in {*done, *self.graph.inputs, *self.graph.constants}:
                self.blame(f"run({i}), {node.label}: expected {name} to be made before")
        if len(self.under_way) == self.workers:
            self.blame(f"run({i}): expected at most {self.workers} nodes under way, came one more")
        late = [name for name in self.alive - set(self.graph.outputs) if not self.readers(name)]
        if late and self.workers == 1:
            self.blame(f"run({i}), {node.label}: expected {late[0]}, which nobody reads any more, "
                       f"to be freed before")
        self._started(i, node)

    def _started(self, i, node):
        self.moved = time.monotonic()
        self.after += self.failed
        if self.after >= self.workers:
            self.blame(f"run({i}): expected nothing more to start after a node failed")
        if i == self.fails:
            self.failed = True
            raise LabError(f"{node.label} has failed on purpose")
        self.under_way.append(i)
        self.alive.update(node.outs)
        self.peak = max(self.peak, sum(self.graph.specs[name].nbytes for name in self.alive))

    def node(self, i):
        if type(i) is not int or not 0 <= i < len(self.graph):
            self.blame(f"run({i!r:.40}): expected the number of a node, 0 to {len(self.graph) - 1}")
        if i in self.ended or i in self.under_way:
            self.blame(f"run({i}): expected every node to run once, but it ran before")
        return self.graph.nodes[i]

    def readers(self, name):
        """Nodes that have yet to end and read a value."""
        return [j for j, node in enumerate(self.graph.nodes)
                if name in node.inputs and j not in self.ended]

    def may_end(self, i):
        """Whether node ``i`` is the one that ends now."""
        ready = [j for j, row in enumerate(self.waits) if row <= self.ended
                 and j not in self.ended and j not in self.under_way]
        idle = ready and len(self.under_way) < self.workers
        if idle and self.fault is None and self.fails is None:
            if time.monotonic() > self.moved + 2.0:
                self.fault = (f"{self.workers} workers: expected node {ready[0]}, which waits for "
                              f"nothing more, to run beside {self.under_way}, but a worker stood "
                              f"idle")
            return False
        if self.chosen not in self.under_way:
            self.chosen = self.under_way[int(self.rng.integers(len(self.under_way)))]
        if i == self.chosen:
            self.under_way.remove(i)
            self.ended.add(i)
            self.moved = time.monotonic()
        return i in self.ended

    def free(self, name):
        if name in self.graph.inputs or name in self.graph.constants:
            return
        if name in self.graph.outputs:
            self.blame(f"free({name!r}): expected an output of the graph to stay")
        if name not in self.alive:
            self.blame(f"free({name!r:.40}): expected the name of a value that is alive")
        readers = self.readers(name)
        if readers:
            self.blame(f"free({name!r}): expected it to stay for "
                       f"{self.graph.nodes[readers[0]].label}")
        self.alive.discard(name)
        self.gone.add(name)


@exercise("graph.execute", code="V.3-A", points=12, mutants=WRONG, driver="executor",
          slot=("EXECUTORS", "threaded"), seconds=60.0,
          different={"with a pool": POOL, "with a queue": QUEUE},
          hides=("ir.executors:Pending", "ir.executors:in_turn", "ir.executors:counting",
                 "ir.executors:shuffled", "ir.executors:threaded", "ir.executors:Pool"))
def execute(answer, rng):
    """execute(graph, run, free, workers) runs every node of graph.nodes once. run(i) computes node
    i and returns when it is done; call it when all that the node waits for is made: its inputs, and
    the names in its after (control edges). Use workers threads: as many nodes are under way at
    once as are ready, up to that number. free(name) lets go of a value that a node made; call it
    as soon as its last reader is done, before another node starts if there is one worker (a
    value that nobody reads goes when it is made); outputs of the graph stay. A node may read one
    value twice, or two values of one node. If run raises, start nothing more and raise that error.
    The judge lets nodes end in any order, and counts the bytes alive."""
    runs = [played(answer, rng, parse(text), workers, peak) for text, workers, peak in KNOWN]
    runs += [played(answer, rng, drawn(rng, 9), workers) for workers in (1, 2, 3)]
    runs += [failing(answer, rng, drawn(rng, 7), workers) for workers in (1, 2)]
    for run in runs:
        for case in run:
            yield case
            if not case.ok:
                return


KNOWN = [("""graph diamond
  input x : f64[4]
  a       : f64[4] = neg(x)
  b       : f64[4] = mul(a, a)
  c       : f64[4] = exp(a)
  d       : f64[4] = add(b, c)
  e       : f64[]  = sum(d, axis=(0,))
  output e""", 1, 96), ("""graph line
  input x : f64[8]
  const k : f64[] = 2.0
  a, z    : f64[8], f64[] = fused(x) where
      graph body
        input u : f64[8]
        v       : f64[8] = sin(u)
        w       : f64[]  = sum(v, axis=(0,))
        output v, w
  b       : f64[8] = mul(a, k) after z
  c       : f64[8] = sub(b, b)
  d       : f64[8] = exp(c) after b
  output c, d""", 1, 128), ("""graph two_lines
  input x : f64[2]
  a       : f64[2] = sin(x)
  b       : f64[2] = cos(x)
  c       : f64[2] = sin(a)
  d       : f64[2] = cos(b)
  e       : f64[2] = sin(c)
  f       : f64[2] = cos(d)
  g       : f64[2] = add(e, f)
  output g""", 2, None), ("""graph empty
  input x : f64[8]
  output x""", 2, 0)]


def drawn(rng, count):
    """A random graph: shared values, values read twice by a node, dead ones, control edges."""
    lines, names = [], ["x"]
    for i in range(count):
        a, b = (names[int(k)] for k in rng.integers(max(0, i - 4), len(names), 2))
        call = [f"mul({a}, {b})", f"add({a}, {a})", f"exp({a})"][int(rng.integers(3))]
        after = f" after n{int(rng.integers(i))}" if i and rng.random() < 0.4 else ""
        lines.append(f"  n{i} : f64[4] = {call}{after}")
        names.append(f"n{i}")
    outputs = {f"n{count - 1}", names[int(rng.integers(1, count))]}
    return parse("\n".join(["graph drawn", "  input x : f64[4]", *lines,
                            f"  output {', '.join(sorted(outputs))}"]))


def played(answer, rng, graph, workers, peak=None):
    """The cases of one run."""
    given = f"{graph.name} of {len(graph)} nodes on {workers} workers"
    stage = Stage(graph, workers, rng)
    try:
        state = answer(graph, stage.begin, stage.may_end, stage.free, workers)
    except AnswerError as error:
        if stage.fault is None:
            raise
        state = str(error)
    yield Case(stage.fault is None, f"{given}: {stage.fault}\n{graph}")
    yield Case(state == "ends", f"{given}: expected execute to come to its end, but it {state}")
    yield Case(len(stage.ended) == len(graph), f"{given}: expected every node to run, but "
                                               f"{len(graph) - len(stage.ended)} did not\n{graph}")
    left = sorted(stage.alive - set(graph.outputs))
    yield Case(not left, f"{given}: expected only outputs to be alive at the end, but "
                         f"{', '.join(left)} was not freed")
    if peak is not None:
        yield Case(stage.peak == peak, f"{given}: expected at most {peak} bytes alive, came "
                                       f"{stage.peak}")


def failing(answer, rng, graph, workers):
    """A node that fails: its error comes back, and what runs beside it comes to an end."""
    stage = Stage(graph, workers, rng, fails=int(rng.integers(len(graph))))
    given = f"node {stage.fails} of {len(graph)} fails, {workers} workers"
    try:
        came = f"it {answer(graph, stage.begin, stage.may_end, stage.free, workers)}"
    except AnswerError as error:
        came = str(error)
    yield Case("failed on purpose" in came and stage.fault is None,
               f"{given}: expected execute to raise the error of run, but {stage.fault or came}")
