"""One rank: ``python -m mpi4py -m aisys_lab.distributed.worker FOLDER`` under mpiexec."""

import json
import os
import sys
import threading
from pathlib import Path

from aisys_lab.core import write_atomic
from aisys_lab.distributed.collectives import Wire
from aisys_lab.distributed.job import digest, read_job, write_params
from aisys_lab.distributed.plans import PLANS


def run(folder, wire):
    """Does this rank's part of the job and leaves ``rank<k>.json``; rank 0 leaves parameters."""
    job = read_job(folder)
    params, losses = PLANS[job.plan](wire, job.model, job.batches(), job.optimizer, job.collective)
    result = {"losses": losses, "sent": wire.sent, "messages": wire.messages,
              "digest": digest(params)}
    if wire.rank == 0:
        write_params(Path(folder, "trained.npz"), params)
    write_atomic(Path(folder, f"rank{wire.rank}.json"), json.dumps(result))


def watch():
    """Ends the job when the process that started it is gone: then our input ends."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def main(folder):
    """An exception is left as a sentence and ends the whole job (mpi4py aborts it)."""
    from mpi4py import MPI
    wire = Wire(MPI.COMM_WORLD)
    if wire.rank == 0:  # mpiexec passes its input to rank 0
        threading.Thread(target=watch, daemon=True).start()
    try:
        run(folder, wire)
    except BaseException as error:
        write_atomic(Path(folder, f"rank{wire.rank}.error"), f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    main(sys.argv[1])
