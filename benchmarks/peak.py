"""The most that a core of this machine does: multiply-adds in registers, and nothing else.

A row above that is a measuring error. What the loop is made of is read from its machine code, so
that a peak which the compiler has thinned out is not believed.
"""

import re

import numpy as np

PASSES = 20_000
PEAKS = {"f32": np.float32, "f64": np.float64}  # unit -> dtype
ARITHMETIC = re.compile(r"\tv?(fn?madd\d*p[sd]|fmla|mulp[sd])\t")


def meter(unit):
    """A call that does ``call.work`` operations of a unit, and whether its loop is as counted."""
    from numba import njit

    from aisys_lab.kernels import meter
    from aisys_lab.kernels.isa import host

    x = np.full(1, 0.5, PEAKS[unit])
    spin = njit(meter.spin.py_func)  # compiled here and now, so that there is a text to read
    if spin(x, PASSES) != 1:
        raise SystemExit("the peak meter computed a wrong result; nothing is measured.")
    call = lambda: spin(x, PASSES)  # noqa: E731
    loops = [count for text in spin.inspect_asm().values() for count in multiply_adds(text)]
    call.extra = {"work": 2 * PASSES * meter.SPINS * host().lanes(x.dtype), "loops": loops,
                  "verified": any(n and n % meter.SPINS == 0 for n in loops)}
    return call


def multiply_adds(text):
    """How many multiply-adds each innermost loop of an assembly text has: what lies between a
    label and the first jump back to it."""
    lines, labels = text.splitlines(), {}
    for i, line in enumerate(lines):
        if label := re.match(r"([.\w]+):", line):
            labels[label[1]] = i
        jump = re.match(r"\t(?:j\w+|b\S*|cbn?z)\t.*?([.\w]+)$", line)
        if jump and jump[1] in labels:
            body = lines[labels.pop(jump[1]):i]
            yield sum(bool(ARITHMETIC.search(part)) for part in body)
