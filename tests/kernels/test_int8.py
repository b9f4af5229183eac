"""Products of bytes are exact, whatever the shape, sign, layout and zero point."""

import os
import platform
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels.isa import ISAS
from kernels.guard import guarded
from kernels.test_matmul import layouts

sides = st.one_of(st.integers(0, 40), st.sampled_from([63, 64, 65, 515]))
RANGES = {np.uint8: (0, 256), np.int8: (-128, 128)}


def integers(rng, dtype, *shape):
    return rng.integers(*RANGES[dtype], shape).astype(dtype)


@pytest.mark.parametrize("dtype", RANGES)
@pytest.mark.parametrize("rung", kernels.KERNELS["matmul_int8"])
@given(m=sides, k=sides, n=sides, seed=st.integers(0, 99))
@settings(max_examples=30)
def test_exact_in_every_layout(rung, dtype, m, k, n, seed):
    rng = np.random.default_rng(seed)
    a, b = integers(rng, dtype, m, k), integers(rng, np.int8, k, n)
    zero = int(rng.integers(-128, 256))
    came = kernels.matmul_int8(layouts(rng, a), layouts(rng, b), zero, kernel=rung)
    assert came.dtype == np.int32
    np.testing.assert_array_equal(came, (a.astype(np.int64) - zero) @ b.astype(np.int64))


@pytest.mark.parametrize(("dtype", "value"), [(np.uint8, 255), (np.int8, -128), (np.int8, 127)])
def test_extremes_do_not_saturate(dtype, value):
    a, b = np.full((9, 301), value, dtype), np.full((301, 33), -128, np.int8)
    assert (kernels.matmul_int8(a, b) == 301 * value * -128).all()


def test_large_products_by_several_threads():
    rng = np.random.default_rng(0)
    a, b = integers(rng, np.uint8, 601, 700), integers(rng, np.int8, 700, 130)
    np.testing.assert_array_equal(kernels.matmul_int8(a, kernels.pack(b), 3),
                                  (a.astype(int) - 3) @ b.astype(int))


@pytest.mark.parametrize(("args", "words"), [
    ((np.ones((2, 3)), np.ones((3, 2), np.int8)), "a of uint8 or int8 and b of int8"),
    ((np.ones((2, 3), np.int8), np.ones((3, 2), np.uint8)), "b of int8"),
    ((np.ones((2, 3), np.int8), np.ones((2, 2), np.int8)), "inner sizes differ"),
    ((np.ones(3, np.int8), np.ones((3, 2), np.int8)), "a has 2 axes"),
    ((np.ones((2, 3), np.int8), np.ones((3, 2), np.int8), 0.5), "zero=0.5; it is a whole"),
    ((np.ones((2, 3), np.int8), np.ones((3, 2), np.int8), 300), "zero=300")])
def test_bad_arguments_get_a_sentence(args, words):
    with pytest.raises(LabError, match=words):
        kernels.matmul_int8(*args)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(n=sides, k=sides, seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_row_times_bytes(dtype, n, k, seed):
    rng = np.random.default_rng(seed)
    x, scales = rng.uniform(-1, 1, k).astype(dtype), rng.random(n).astype(dtype)
    w = integers(rng, np.int8, n, k)
    want = scales * (w.astype(dtype) @ x)
    for rung in kernels.KERNELS["gemv_int8"]:
        came = kernels.gemv_int8(guarded(x), guarded(w, end=seed % 2), guarded(scales),
                                 kernel=rung)
        assert came.dtype == dtype
        np.testing.assert_allclose(came, want, rtol=1e-4, atol=np.finfo(dtype).eps * 256 * (k + 1))


def test_a_large_row_by_several_threads():
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-1, 1, 2000), integers(rng, np.int8, 1501, 2000)
    np.testing.assert_allclose(kernels.gemv_int8(x, w, np.ones(1501)), w @ x)


@pytest.mark.parametrize(("args", "words"), [
    ((np.ones(3), np.ones((2, 3)), np.ones(2)), "w holds int8"),
    ((np.ones(3), np.ones((2, 3), np.int8), np.ones(3)), "take w int8\\[3, 3\\]"),
    ((np.ones((1, 3)), np.ones((2, 3), np.int8), np.ones(2)), "x has 1 axes"),
    ((np.ones(3), np.ones((2, 3), np.int8), np.ones(2, "f")), "all of one dtype")])
def test_bad_rows_get_a_sentence(args, words):
    with pytest.raises(LabError, match=words):
        kernels.gemv_int8(*args)


VNNI = """
from dataclasses import replace
from aisys_lab.kernels import isa
assert isa.host().name == "avx512"
chosen = replace(isa.host(), dot="vpdpbusd")
isa.host = lambda: chosen
from numba.core import types
from aisys_lab.kernels import int8
u8, s8, i32, n = *map(types.CPointer, (types.uint8, types.int8, types.int32)), types.intp
kinds = n, n, n, u8, n, n, n, s8, i32, n, u8, i32
int8.blocks.routine.compile(kinds)
print(int8.blocks.routine.inspect_asm(kinds))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="LLVM makes x86 code")
def test_with_vnni_a_tile_is_one_instruction_a_register(tmp_path):
    """Compiled for such a processor, here, and not run."""
    features = "+avx512f,+avx512bw,+avx512vl,+avx512vnni,+avx2,+fma"
    run = subprocess.run([sys.executable, "-c", VNNI], capture_output=True, text=True, timeout=300,
                         env=os.environ | {"NUMBA_CPU_NAME": "icelake-server",
                                           "NUMBA_CPU_FEATURES": features,
                                           "NUMBA_CACHE_DIR": str(tmp_path)})
    assert run.returncode == 0, run.stderr
    tile = ISAS["avx512"]
    products = re.findall(r"vpdpbusd\s.*%zmm\d+$", run.stdout, re.MULTILINE)
    assert len(products) == tile.rows * tile.vectors
