"""What the processor can do, as far as kernels ask: how wide a vector is, and which tile fits.

LLVM says it: a probe is translated for the processor that Numba will translate for, with the
overrides NUMBA_CPU_NAME and NUMBA_CPU_FEATURES, and its assembly is read. Nothing of it is run.
"""

from dataclasses import dataclass, replace
from functools import cache

import llvmlite.binding as llvm
from numba.core import config

PROBE = """
declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)
define void @probe(ptr %a, ptr %b) {
  %x = load <16 x float>, ptr %a, align 4
  %y = load <16 x float>, ptr %b, align 4
  %z = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %x, <16 x float> %y, <16 x float> %y)
  store <16 x float> %z, ptr %a, align 4
  ret void
}
"""


@dataclass(frozen=True)
class Isa:
    """A vector unit: bytes of a register, the tile of accumulators that fits into all of them
    (``rows`` numbers times ``vectors`` registers), and the instruction that multiplies bytes and
    adds four products at a time to 32 bits (``dot``), if there is one."""

    name: str
    width: int
    rows: int
    vectors: int
    dot: str = ""

    def lanes(self, dtype):
        """How many numbers of a NumPy dtype a register holds."""
        return self.width // dtype.itemsize


ISAS = {isa.name: isa for isa in (
    Isa("avx512", 64, 14, 2),  # 28 of 32 registers accumulate
    Isa("avx2", 32, 6, 2),  # 12 of 16
    Isa("portable", 16, 4, 2))}  # 8 of 16 (SSE2); ARM's NEON has 32


@cache
def host():
    """The Isa of this process."""
    assembly = translate(config.CPU_NAME or llvm.get_host_cpu_name(), _features())
    isa = ISAS["avx512" if "zmm" in assembly else "avx2" if "vfmadd" in assembly else "portable"]
    return replace(isa, dot="vpdpbusd" if isa.name == "avx512" and _has("avx512vnni") else "")


def translate(cpu, features, text=PROBE):
    """Assembly of LLVM text for a processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    target = llvm.Target.from_triple(module.triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=3).emit_assembly(module)


def _features():
    """What a name stands for, or the features that were asked for; else what the host has."""
    if config.CPU_NAME or config.CPU_FEATURES is not None:
        return config.CPU_FEATURES or ""
    return llvm.get_host_cpu_features().flatten()


def _has(feature):
    """Whether the host has a feature, and no override leaves it out."""
    asked = not (config.CPU_NAME or config.CPU_FEATURES) or f"+{feature}" in _features()
    return asked and bool(llvm.get_host_cpu_features().get(feature))
