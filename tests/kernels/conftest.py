"""``AISYS_ISA=avx512`` lets kernels take the shapes of that row of ISAS, whatever the host has.

LLVM splits vectors that are too wide, so wide code is tested on any machine; the one instruction
that has no such form (VPDPBUSD) is written out. ``make test-isas`` uses it.
"""

import os
from dataclasses import replace

if os.environ.get("AISYS_ISA"):
    from aisys_lab.kernels import isa

    CHOSEN = replace(isa.ISAS[os.environ["AISYS_ISA"]], dot="written out")
    isa.host = lambda: CHOSEN
