"""The guard itself: a step too far really ends a process, so that the other tests can fail."""

import subprocess
import sys

import pytest

CODE = """
import numpy as np
from kernels.guard import guarded
from aisys_lab.kernels.jit import entry
from aisys_lab.kernels.vector import load, pointer, total
first = entry(lambda x, i: total(load(pointer(x), i)))
x = guarded(np.ones(64, np.float32), end={end})
print(first(x, {good}))
first(x, {bad})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
@pytest.mark.parametrize(("end", "good", "bad"), [(True, 48, 63), (False, 0, -1)])
def test_reading_past_either_end_is_noticed(end, good, bad):
    text = CODE.format(end=end, good=good, bad=bad)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True,
                          cwd="tests", check=False)
    assert done.stdout.strip() in ("4.0", "8.0", "16.0"), done.stderr
    assert done.returncode < 0
