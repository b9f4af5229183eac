"""The verb: train a model on several ranks and prove it equal to training on one."""

import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from aisys_lab.autodiff.optim import Adam
from aisys_lab.core import LabError, whole
from aisys_lab.core.text import count, listing, table
from aisys_lab.core.tree import flatten
from aisys_lab.distributed.collectives import COLLECTIVES, chunks
from aisys_lab.distributed.job import Job, in_precision, read_params, write_job
from aisys_lab.distributed.launch import launch
from aisys_lab.distributed.plans import PLANS
from aisys_lab.models import fit
from aisys_lab.models.train import trainable

EQUAL = 1e-10  # what rounding may cost in float64; a wrong average costs some 1e-3


@dataclass(frozen=True)
class Report:
    """A parallel run: the trained model, the loss curve, what each rank sent, and the proof."""

    plan: str
    collective: str
    dtype: str
    ranks: int
    batch: int
    model: object
    losses: tuple = field(repr=False)
    sent: tuple       # bytes, by rank, counted
    messages: tuple   # by rank, counted
    parameters: int
    difference: float  # largest, of any parameter, to training on one rank in this process

    @property
    def steps(self):
        return len(self.losses)

    @property
    def formula(self):
        """Bytes per rank that theory gives the ring: 2 (p - 1) / p of the gradients a step."""
        size = self.parameters * np.dtype(self.dtype).itemsize
        return 2 * (self.ranks - 1) / self.ranks * size * self.steps

    @property
    def equal(self):
        return self.difference <= EQUAL

    def __str__(self):
        bounds = chunks(self.batch, self.ranks)
        shards = listing(b - a for a, b in zip(bounds, bounds[1:], strict=False))
        exact = "below 1e-10" if self.equal else f"{self.difference:.2g}"
        rows = [("plan", f"{self.plan}, {_ranks(self.ranks)}, {self.collective} all-reduce, "
                         f"{self.dtype}"),
                ("steps", f"{self.steps} of {self.batch} examples, shards of {shards}"),
                ("loss", f"{self.losses[0]:.3f} -> {self.losses[-1]:.3f}"),
                ("parameters", f"{count(self.parameters)}, the same bits on every rank"),
                ("sent per rank", self._sent()),
                ("2(p-1)/p n", f"{count(round(self.formula))} bytes"),
                ("difference to 1 rank", exact)]
        return table(rows, align="ll")

    __repr__ = __str__

    def _sent(self):
        if not any(self.messages) and self.ranks > 1:
            return "not counted: the MPI library sends by itself"
        sizes = " to ".join(count(n) for n in sorted({min(self.sent), max(self.sent)}))
        return f"{sizes} bytes in {count(max(self.messages))} messages"


def _ranks(n):
    return f"{n} rank{'s' * (n > 1)}"


def parallelize(model, data, ranks=2, plan="data", *, collective="ring", epochs=1, batch=64,
                seed=0, optimizer=None, dtype="float64", timeout=120):
    """Trains ``model`` further on ``ranks`` MPI processes; returns a ``Report`` with the result.

    The run is in float64, whatever the model is, and repeated in this process by ``fit``, so that
    equality can be told from luck: then only the order of additions differs, which is about
    1e-16 a step. ``report.model`` is in the precision of the model that was given.
    """
    trainable("parallelize", model, data)
    ranks, epochs, batch, seed = (whole("parallelize", name, value) for name, value in {
        "ranks": ranks, "epochs": epochs, "batch": batch, "seed": seed}.items())
    _check(data, ranks, plan, collective, epochs, batch)
    wide = in_precision(model, dtype)
    x = data.x.astype(dtype) if data.x.dtype.kind == "f" else data.x
    job = Job(plan, collective, wide, optimizer or Adam(), x, data.y, seed, epochs, batch)
    with tempfile.TemporaryDirectory(prefix="aisys-ranks-") as folder:
        params, results = _run(job, ranks, folder, timeout)
    alone = fit(wide, replace(data, x=x), seed, epochs, batch, job.optimizer)
    return _report(job, model, replace(wide, params=params), alone, results, dtype)


def _check(data, ranks, plan, collective, epochs, batch):
    for rows, key in ((PLANS, plan), (COLLECTIVES, collective)):
        rows[key]  # an unknown name raises a sentence with the names
        if key in rows.mine():
            raise LabError(f"parallelize: {rows.name}[{key!r}] is a row of this notebook, and "
                           f"ranks are processes of their own that have only the package's rows; "
                           f"del {rows.name}[{key!r}] brings that one back.")
    if not 1 <= batch <= len(data):
        raise LabError(f"parallelize: a batch of {batch} does not fit {len(data)} examples; take "
                       f"a batch from 1 to {len(data)}.")
    if not 1 <= ranks <= batch:
        raise LabError(f"parallelize: {ranks} ranks cannot share a batch of {batch} examples, "
                       f"each needs at least one; take from 1 to {batch} ranks.")
    if epochs < 1:
        raise LabError(f"parallelize: epochs is {epochs}; train for at least one epoch.")


def _run(job, ranks, folder, timeout):
    """``(params, one dict a rank)`` of the job on so many processes."""
    write_job(folder, job)
    code, text = launch(["-m", "aisys_lab.distributed.worker", folder], ranks, timeout)
    if code != 0:
        raise LabError(_fault(Path(folder), ranks, code, text, timeout))
    results = [json.loads(Path(folder, f"rank{k}.json").read_text()) for k in range(ranks)]
    if len({result["digest"] for result in results}) > 1:
        raise LabError(f"the ranks hold different parameters after training with "
                       f"{job.collective!r}; a collective must give every rank the same bits.")
    return read_params(Path(folder, "trained.npz"), job.model.params)[0], results


def _fault(folder, ranks, code, text, timeout):
    """What ended a job, as a sentence with the cure."""
    for k in range(ranks):
        path = folder / f"rank{k}.error"
        if path.exists():
            return (f"rank {k} of {ranks} failed, which ended the job: {path.read_text()}\n"
                    f"Nothing is changed; ranks=1 shows whether the split is at fault.")
    if code is None:
        return (f"{_ranks(ranks)} did not finish in {timeout:g} s and were ended: either they wait "
                f"for one another for ever, or they need more, as timeout={2 * timeout:g} gives.")
    last = text.strip().splitlines()[-1:] or ["no message"]
    return (f"a rank was ended from outside (exit code {code}), which ended the job; the usual "
            f"cause is too little memory, so try fewer ranks. The last line was: {last[0]}")


def _report(job, model, trained, alone, results, dtype):
    pairs = zip(flatten(trained.params)[0], flatten(alone.params)[0], strict=True)
    losses = np.sum([result["losses"] for result in results], axis=0)
    kept = flatten(model.params)[0][0].dtype
    return Report(job.plan, job.collective, np.dtype(dtype).name, len(results), job.batch,
                  in_precision(trained, kept), tuple(losses.tolist()),
                  tuple(result["sent"] for result in results),
                  tuple(result["messages"] for result in results),
                  sum(leaf.size for leaf in flatten(model.params)[0]),
                  max(float(np.max(np.abs(a - b), initial=0)) for a, b in pairs))
