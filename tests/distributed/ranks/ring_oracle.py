"""Run on every rank: our ring against MPI's Allreduce, for sizes that do and do not divide."""

import json
import sys

import numpy as np
from mpi4py import MPI

from aisys_lab.distributed import COLLECTIVES, Wire, ring_bytes

comm = MPI.COMM_WORLD
rng = np.random.default_rng(comm.rank)
lines = []
for size in (0, 1, 2, 3, 5, 7, 64, 1000, 4097):
    for dtype in (np.float64, np.float32, np.int64):
        wire = Wire(comm)
        x = (100 * rng.standard_normal(size)).astype(dtype)
        ours = COLLECTIVES["ring"](x, wire)
        theirs = COLLECTIVES["native"](x, Wire(comm))
        everyone = comm.allgather(ours.tobytes())
        lines.append({"close": bool(np.allclose(ours, theirs, rtol=1e-5, atol=1e-4)),
                      "same": len(set(everyone)) == 1, "dtype": ours.dtype == dtype,
                      "bytes": wire.sent == ring_bytes(size, comm.size, comm.rank, x.itemsize),
                      "messages": wire.messages == 2 * (comm.size - 1)})
with open(f"{sys.argv[1]}/{comm.rank}.json", "w") as file:
    json.dump(lines, file)
