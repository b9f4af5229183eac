"""Solutions of lab 5.3: a function for each exercise, named as its slot."""

import threading

import numpy as np

import aisys_lab as lab


def execute(graph, run, free, workers):
    nodes, changed = graph.nodes, threading.Condition()
    maker = {out: i for i, node in enumerate(nodes) for out in node.outs}
    waits = [{maker[name] for name in (*node.inputs, *node.after) if name in maker}
             for node in nodes]
    readers = {name: {i for i, node in enumerate(nodes) if name in node.inputs} for name in maker}
    ready, busy, errors = [i for i, row in enumerate(waits) if not row], set(), []

    def finish(i):
        for name in {*nodes[i].inputs, *nodes[i].outs} & maker.keys():
            readers[name].discard(i)
            if not readers[name] and name not in graph.outputs:
                free(name)
        for j, row in enumerate(waits):
            if i in row:
                row.remove(i)
                if not row:
                    ready.append(j)

    def work():
        while True:
            with changed:
                changed.wait_for(lambda: ready or not busy or errors)
                if errors or not ready:
                    return
                i = ready.pop(0)
                busy.add(i)
            try:
                run(i)
            except Exception as error:
                errors.append(error)
            with changed:
                busy.discard(i)
                if not errors:
                    finish(i)
                changed.notify_all()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def backward(graph, wrt):
    growth, moving = lab.autodiff.Growth(graph), set(wrt)
    for node in graph.nodes:
        if moving.intersection(node.inputs):
            moving.update(node.outs)
    grads = {graph.outputs[0]: growth.constant(np.ones(()))}
    for node in reversed(graph.nodes):
        g, (out,) = grads.get(node.outs[0]), node.outs
        if g is not None and out in moving:
            wanted = [name if name in moving else None for name in node.inputs]
            parts = lab.autodiff.pull_back(node.op, g, growth[out], [
                growth[name] for name in node.inputs], node.attrs, wanted)
            for name, part in zip(node.inputs, parts, strict=True):
                if part is not None:
                    grads[name] = grads[name] + part if name in grads else part
    gradients = [grads.get(name, np.zeros(graph.specs[name].shape)) for name in wrt]
    return growth.finish([*(growth[name] for name in graph.outputs), *gradients])


def while_grad(test, body, back, outer, init, seeds):
    carried, stack = init, []
    while lab.interpret(test, *outer, *carried)[0]:
        stack.append(carried)
        carried = lab.interpret(body, *outer, *carried)
    sums, n = [np.zeros_like(x) for x in outer], len(outer)
    for start in reversed(stack):
        grads = lab.interpret(back, *outer, *start, *seeds)
        sums, seeds = [a + b for a, b in zip(sums, grads[:n], strict=True)], grads[n:]
    return sums, list(seeds)


def schedule(costs, edges, workers, delay):
    before = {task: [a for a, b in edges if b == task] for task in costs}
    rank = dict(costs)
    for _ in costs:  # longest ways, one more edge in every round
        for a, b in edges:
            rank[a] = max(rank[a], costs[a] + delay + rank[b])
    placed, free = {}, [0] * workers

    def start(task, worker):
        return max([free[worker], *(placed[a][1] + costs[a] + delay * (placed[a][0] != worker)
                                    for a in before[task])])

    while len(placed) < len(costs):
        ready = [task for task in costs if task not in placed
                 and all(a in placed for a in before[task])]
        at, _, task, worker = min((start(task, worker), -rank[task], task, worker)
                                  for task in ready for worker in range(workers))
        placed[task], free[worker] = (worker, at), at + costs[task]
    return placed
