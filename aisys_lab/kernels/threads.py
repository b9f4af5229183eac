"""How many threads a kernel takes: one for small work, and one wherever more would not be safe.

Numba's threads come from OpenMP or TBB. Its third layer, workqueue, must not be entered from two
threads at a time (the process ends), and a child that was forked after OpenMP began must not start
threads at all. (Numba manual: The threading layers.)
"""

import importlib.util
import os
import sys
from functools import cache

import numba
from numba.core import config

ENOUGH = 4_000_000  # operations for which a second thread is worth its launch
LAYERS = {"tbb": "tbbpool", "omp": "omppool"}
FORKED = []  # not empty in a child of os.fork


@cache
def layer():
    """``'tbb'``, ``'omp'`` or '' where neither is there; then a hint is printed, once."""
    asked = str(config.THREADING_LAYER)
    names = [asked] if asked in LAYERS else [] if asked == "workqueue" else LAYERS
    for name in names:
        if importlib.util.find_spec(f"numba.np.ufunc.{LAYERS[name]}") and _loads(name):
            return name
    print("kernels run on one thread: Numba finds neither OpenMP nor TBB here; pip install tbb "
          "brings the latter.", file=sys.stderr)
    return ""


def _loads(name):
    """Whether the library that a layer stands on is installed."""
    try:
        importlib.import_module(f"numba.np.ufunc.{LAYERS[name]}")
    except ImportError:
        return False
    return True


def threads(work):
    """Threads for so many operations; never more than numba.set_num_threads or the environment
    (NUMBA_NUM_THREADS) allow."""
    if work < ENOUGH or config.NUMBA_NUM_THREADS == 1 or FORKED or not layer():
        return 1
    return numba.get_num_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: FORKED.append(True))
