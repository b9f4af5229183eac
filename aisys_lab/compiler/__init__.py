"""The mini compiler: graph passes, fusion, loop text, generated Numba code."""

from aisys_lab.compiler import fusion, places  # noqa: F401  (add their rows)
from aisys_lab.compiler.codegen import BACKENDS, Compiled, compile, source_of
from aisys_lab.compiler.loops import LOOPS
from aisys_lab.compiler.passes import PASSES, optimize
from aisys_lab.ir import inline

__all__ = ["BACKENDS", "LOOPS", "PASSES", "Compiled", "compile", "inline", "optimize",
           "source_of"]
