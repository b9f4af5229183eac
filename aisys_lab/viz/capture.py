"""Captures the machine's loops for the stack lens: ``python -m aisys_lab.viz.capture``."""

import json
import os
import subprocess
import sys
import tempfile

from aisys_lab.kernels.assembly import loops

TARGET = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse4.2,+bmi,+bmi2"}
NAMED = "x86-64 with AVX2 and FMA"


def main():
    """Compiles for the fixed target, in a fresh process without cached code, and stores it."""
    from aisys_lab.viz.lens import CAPTURED
    CAPTURED.write_text(json.dumps(fresh(), indent=1) + "\n", encoding="utf-8")


def fresh():
    """What a fresh process captures."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | TARGET | {"AISYS_CACHE": folder, "NUMBA_CACHE_DIR": folder}
        made = subprocess.run([sys.executable, "-m", "aisys_lab.viz.capture", "here"], env=env,
                              check=True, capture_output=True, text=True)
    return json.loads(made.stdout)


def here():
    """Every layer of the lens, compiled in this process."""
    from importlib.metadata import version

    from aisys_lab.viz.lens import LENS, digest
    layers = {name: {"loops": digest(row), "lines": hot(assembly(row), row.mark)}
              for name, row in LENS.items()}
    return {"target": NAMED, "numba": version("numba"), "layers": layers}


def assembly(row):
    """The machine code of a row's generated function, compiled without a cache."""
    import numpy as np

    from aisys_lab.compiler import optimize, source_of
    from aisys_lab.viz.lens import graph_of
    space = {}
    exec(source_of(optimize(graph_of(row)))[0].replace("cache=True, ", ""), space)
    function = space[row.function.__name__]
    function(*(np.zeros(shape, "float32") for shape in row.shapes))
    return next(iter(function.inspect_asm().values()))


def hot(asm, mark):
    """The first innermost loop on wide registers that holds the marked instruction."""
    loop = next(loop for loop in loops(asm)
                if any(line.startswith(mark) and "%ymm" in line for line in loop.lines))
    return [f"{name:<13}{rest}" for name, _, rest in (line.partition(" ") for line in loop.lines)]


if __name__ == "__main__":
    print(json.dumps(here())) if sys.argv[1:] == ["here"] else main()
