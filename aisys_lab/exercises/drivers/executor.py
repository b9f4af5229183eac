"""Drives an executor: nodes begin and end as the judge says, and standing still is noticed."""

import threading
import time

from aisys_lab.exercises.drivers import DRIVERS, function

STILL = 3.0  # seconds without a step after which an executor hangs


@DRIVERS.row("executor")
def executor(names, name):
    """The answer is a function of (graph, run, free, workers)."""
    answer = function(names, name)

    def call(graph, begin, may_end, free, workers):
        gate = Gate(begin, may_end, free)
        thread = threading.Thread(target=gate.watch, args=(answer, graph, workers), daemon=True)
        thread.start()
        while thread.is_alive() and time.monotonic() < gate.moved + STILL:
            thread.join(0.05)
        gate.shut = True
        if gate.error is not None:
            raise gate.error
        return "hangs" if thread.is_alive() else "ends"
    return call


class Gate:
    """The judge's callables, asked by one thread at a time; a node runs until it may end."""

    def __init__(self, begin, may_end, free):
        self.asked = {"begin": begin, "may_end": may_end, "free": free}
        self.lock, self.moved = threading.Lock(), time.monotonic()
        self.error, self.shut = None, False

    def ask(self, what, value):
        with self.lock:
            if self.shut:
                raise RuntimeError("the executor had ended, or hung.")
            answer = self.asked[what](value)
            if what != "may_end" or answer:
                self.moved = time.monotonic()
            return answer

    def run(self, i):
        self.ask("begin", i)
        while not self.ask("may_end", i):
            time.sleep(0.0005)

    def free(self, name):
        self.ask("free", name)

    def watch(self, answer, graph, workers):
        """Runs the answer in a thread of its own."""
        try:
            answer(graph, self.run, self.free, workers)
        except BaseException as error:
            self.error = error
