"""Dynamic batching: examples that arrive close together share one run of the model."""

import asyncio

import numpy as np

from aisys_lab.core import LabError


class Batcher:
    """Joins waiting examples into runs of at most ``max_batch``.

    The first example of a run waits at most ``max_wait`` seconds for company; whatever came in
    while the model was busy goes at once. (Triton calls this the dynamic batcher.)
    """

    def __init__(self, run, max_batch, max_wait):
        self.run, self.max_batch, self.max_wait = run, max_batch, max_wait
        self.queue = asyncio.Queue()  # of (example, future of its output)
        self.batches = self.examples = 0

    def submit(self, example):
        """The future of one example's output."""
        future = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((example, future))
        return future

    async def collect(self):
        """The next run: waits for one example, then for more until full or until time is up."""
        batch = [await self.queue.get()]
        deadline = asyncio.get_running_loop().time() + self.max_wait
        try:
            async with asyncio.timeout_at(deadline):
                while len(batch) < self.max_batch:
                    batch.append(await self.queue.get())
        except TimeoutError:
            pass
        return batch

    async def work(self):
        """Collect, run in a thread so that the loop can take in more, hand out; for ever."""
        while True:
            examples, futures = zip(*await self.collect(), strict=True)
            self.batches, self.examples = self.batches + 1, self.examples + len(examples)
            try:
                outputs = await asyncio.to_thread(self.run, np.stack(examples))
            except Exception as error:
                sentence = LabError(f"the model failed: {type(error).__name__}: {error}")
                _settle(futures, "set_exception", [sentence] * len(futures))
            else:
                _settle(futures, "set_result", outputs)


def _settle(futures, how, values):
    """Gives each caller that still waits its own answer."""
    for future, value in zip(futures, values, strict=True):
        if not future.done():
            getattr(future, how)(value)
