"""A thin launcher over MPI: starts ranks, waits, and leaves no process behind."""

import importlib.util
import math
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from aisys_lab.core import LabError

# One thread a rank: p ranks with a thread for every core each would fight for the cores.
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
         "VECLIB_MAXIMUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
         # Open MPI, where a cluster has it, asks for leave to run as root and to share cores
         "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
         "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
         "OMPI_MCA_rmaps_base_oversubscribe": "1"}


def mpiexec():
    """Path of mpiexec: beside this Python, else on PATH; a sentence if there is none."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), sysconfig.get_path("scripts")])
    found = shutil.which("mpiexec", path=beside) or shutil.which("mpiexec")
    if not found or not importlib.util.find_spec("mpi4py"):
        raise LabError("parallelize needs MPI, and finds no "
                       f"{'mpi4py' if found else 'mpiexec'}; install it with: "
                       "python -m pip install mpi4py mpich  (on Windows: mpi4py impi-rt), or load "
                       "your cluster's MPI module.")
    return found


def environment(timeout):
    """What ranks see: our import path, one thread each, and MPI's own deadline as a last resort."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("PMI", "OMPI_COMM"))}  # we may run inside a rank ourselves
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return kept | QUIET | {"PYTHONPATH": path, "MPIEXEC_TIMEOUT": str(math.ceil(timeout) + 5)}


def launch(arguments, ranks, timeout=120):
    """Runs ``python -m mpi4py *arguments`` on so many ranks; returns ``(exit code, error text)``.

    The exit code is None where the deadline came first. All ranks have ended on return, also
    after an interrupt.
    """
    command = [mpiexec(), "-n", str(ranks), sys.executable, "-m", "mpi4py", *map(str, arguments)]
    theirs, ours = os.pipe()  # closes with this process; rank 0 watches it, see the worker
    process = subprocess.Popen(command, env=environment(timeout), stdin=theirs,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=os.name != "nt")
    os.close(theirs)
    try:
        text = process.communicate(timeout=timeout)[1]
        return process.returncode, text
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        end(process)
        os.close(ours)


def end(process, patience=5):
    """Ends mpiexec, which ends its ranks: first asks, then insists."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stderr.close()
