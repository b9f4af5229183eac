"""Distributed training: a thin launcher over MPI, collectives and plans as rows."""

from aisys_lab.distributed.collectives import COLLECTIVES, Wire, chunks, ring_bytes
from aisys_lab.distributed.launch import launch, mpiexec
from aisys_lab.distributed.parallel import Report, parallelize
from aisys_lab.distributed.plans import PLANS

__all__ = ["COLLECTIVES", "PLANS", "Report", "Wire", "chunks", "launch", "mpiexec",
           "parallelize", "ring_bytes"]
