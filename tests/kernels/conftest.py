"""``AISYS_ISA=avx512`` lets kernels take the shapes of that row of ISAS, whatever the host has.

LLVM splits vectors that are too wide, so wide code is tested on any machine; the one instruction
that has no such form (VPDPBUSD) is written out. ``make test-isas`` uses it.
"""

import os
from dataclasses import replace

import pytest

if os.environ.get("AISYS_ISA"):
    if not os.environ.get("NUMBA_CACHE_DIR"):
        raise pytest.UsageError("AISYS_ISA makes code that this processor's cache must not hold; "
                                "set NUMBA_CACHE_DIR to a folder of its own.")
    from aisys_lab.kernels import isa

    CHOSEN = replace(isa.ISAS[os.environ["AISYS_ISA"]], dot="written out")
    isa.host = lambda: CHOSEN
