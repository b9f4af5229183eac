"""Solutions of lab 5.3: a function for each exercise, named as its slot."""

import threading


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
