"""Freed arrays are not given back to the system while others like them will be asked for."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
import aisys_lab.autodiff
def step():
    return [np.ones(300_000) for _ in range(8)]
step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_a_step_like_the_last_one_costs_no_page_faults():
    pages = 20 * 8 * 300_000 * 8 // 4096  # what twenty steps touch
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True,
                          check=True)
    assert int(done.stdout) < pages / 20
