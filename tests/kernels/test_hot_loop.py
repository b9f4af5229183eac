"""Hot loops: stored assembly of several machines read as by hand, and the loop of this one."""

import re
from pathlib import Path

import numpy as np
import pytest

from aisys_lab import kernels
from aisys_lab.core import LabError
from aisys_lab.kernels.assembly import ARM, X86, Loop, hottest, ir_like, ir_loops, loops
from aisys_lab.kernels.hotloop import HotLoop, hot_loop
from aisys_lab.kernels.isa import host
from aisys_lab.kernels.jit import entry

STORED = Path(__file__).parent / "assembly"
# machine, bits, multiply-adds, accumulators, loads: of the packed product's loop, by hand
BY_HAND = {"avx2": (X86, 256, 12, 12, 8), "avx512": (X86, 512, 28, 28, 16),
           "neon": (ARM, 128, 8, 8, 6), "neon_apple": (ARM, 128, 8, 8, 6)}


def stored(name):
    """An innermost loop inside an outer one, as LLVM printed it."""
    return (STORED / f"{name}.s").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(BY_HAND))
def test_stored_loops_as_by_hand(name, golden):
    loop, = loops(stored(name))
    assert (loop.machine, loop.bits, loop.fmas, loop.accumulators, loop.loads) == BY_HAND[name]
    assert (loop.stores, loop.stack, loop.arithmetic) == (0, 0, loop.fmas)
    golden(f"hot_loop_{name}", str(HotLoop("packed.blocks", loop)))


def one(*lines, machine=X86):
    return Loop(machine, ".L", lines)


@pytest.mark.parametrize(("line", "what"), [
    ("vmovups (%rax), %ymm0", "load"), ("vmovups %ymm0, (%rax)", "store"),
    ("vmovups %ymm0, %ymm1", ""), ("vaddps (%rax), %ymm1, %ymm2", "load arithmetic"),
    ("vfmadd213ps 32(%rax,%rcx,4), %ymm1, %ymm2", "load arithmetic fma"),
    ("vfnmadd231sd %xmm0, %xmm1, %xmm2", "arithmetic fma"), ("movq -8(%rsp), %rcx", "stack"),
    ("vmovups 64(%rsp), %ymm3", "load stack"), ("addss (%rax), %xmm1", "load arithmetic"),
    ("mulps %xmm1, %xmm2", "arithmetic"), ("leaq (%rax,%rcx), %rdx", ""),
    ("prefetcht0 128(%rax)", ""), ("vbroadcastss (%rax), %zmm3 {%k1} {z}", "load"),
    ("vmovups %zmm3, (%rax) {%k1}", "store"), ("vpdpbusd (%rax), %zmm1, %zmm2", "load arithmetic "
                                                                              "fma"),
    ("vpmaddwd %ymm1, %ymm2, %ymm3", "arithmetic fma"), ("vpaddd %ymm1, %ymm2, %ymm3",
                                                         "arithmetic"),
    ("vextractf128 $1, %ymm0, 16(%rax)", "store"), ("cmpq %rax, %rcx", ""), ("addq $8, %rax", "")])
def test_kinds_of_instructions_of_x86(line, what):
    loop = one(line)
    assert {kind for kind in ("load", "store", "stack", "arithmetic", "fma")
            if loop.all(kind)} == set(what.split())


@pytest.mark.parametrize(("line", "loads", "stores", "fmas"), [
    ("ldp q16, q17, [x18, #-16]", 2, 0, 0), ("ldr s18, [x1, x25, lsl #2]", 1, 0, 0),
    ("ld1 { v0.4s, v1.4s, v2.4s }, [x0]", 3, 0, 0), ("ld1r { v18.4s }, [x0], x11", 1, 0, 0),
    ("ld1.4s { v0, v1 }, [x0]", 2, 0, 0), ("str q0, [x0]", 0, 1, 0), ("stp q0, q1, [x0]", 0, 2, 0),
    ("ldp x1, x2, [sp, #16]", 0, 0, 0), ("fmla v0.2d, v1.2d, v2.d[0]", 0, 0, 1),
    ("fmls.4s v0, v1, v2", 0, 0, 1), ("fmadd d0, d1, d2, d3", 0, 0, 1), ("fadd s0, s1, s2", 0, 0,
                                                                         0),
    ("st1 { v0.4s }, [x0], #16", 0, 1, 0), ("b.ne .L", 0, 0, 0)])
def test_kinds_of_instructions_of_arm(line, loads, stores, fmas):
    loop = one(line, machine=ARM)
    assert (loop.loads, loop.stores, loop.fmas) == (loads, stores, fmas)


@pytest.mark.parametrize(("line", "machine", "bits"), [
    ("vaddps %zmm0, %zmm1, %zmm2", X86, 512), ("vaddpd %ymm0, %ymm1, %ymm2", X86, 256),
    ("addps %xmm0, %xmm1", X86, 128), ("addsd %xmm0, %xmm1", X86, 64), ("vmulss %xmm0, %xmm1, "
                                                                       "%xmm2", X86, 32),
    ("vpaddd %xmm0, %xmm1, %xmm2", X86, 128), ("movq %rax, %rcx", X86, 0),
    ("fmla v0.4s, v1.4s, v2.4s", ARM, 128), ("fmul v0.2s, v1.2s, v2.2s", ARM, 64),
    ("fmadd s0, s1, s2, s3", ARM, 32), ("fadd d0, d1, d2", ARM, 64)])
def test_widths(line, machine, bits):
    assert one(line, machine=machine).bits == bits


def test_comments_directives_and_loops_that_hold_others_are_left_out():
    text = """
    .p2align 4
first:                                  # outer
    addq $1, %rax                       # a comment, jne first
.Linner:
    vaddps (%rax), %ymm0, %ymm0
    jne .Linner
    jmp .Lskip
.Lskip:
    jne first
"""
    loop, = loops(text)
    assert loop.label == ".Linner"
    assert loop.lines == ("vaddps (%rax), %ymm0, %ymm0", "jne .Linner")
    assert loops("nothing: ret") == []


def test_the_hottest_loop():
    """The widest with multiply-adds, then the most for a load, then the least beside them."""
    fma, load = "vfmadd231ps %ymm0, %ymm1, %ymm2", "vmovups (%rax), %ymm0"
    scalar = one(*["vfmadd231ss %xmm0, %xmm1, %xmm2"] * 8)
    edge, main = one(load, *[fma] * 2, *[load] * 2), one(load, *[fma] * 2, "addq $1, %rax")
    storing = one(load, *[fma] * 2, "addq $1, %rax", "vmovups %ymm2, (%rax)")
    sums = one("vaddps %zmm0, %zmm1, %zmm2")
    assert hottest([scalar, edge, storing, main, sums]) is main
    assert hottest([one("addq $1, %rax"), sums]) is sums
    assert hottest([]) is None


def test_ir_of_a_loop():
    text = '''
define i32 @f(ptr %a) {
entry:
  br label %outer
outer:
  br label %"inner.1", !dbg !3
"inner.1":
  %x = load <8 x float>, ptr %a, align 4, !noalias !32
  %y = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %x, <8 x float> %x, <8 x float> %x)
  br i1 %c, label %"inner.1", label %next
next:
  br i1 %d, label %outer, label %scalar
scalar:
  %z = fmul contract float %p, %q ; a comment
  br i1 %e, label %scalar, label %end
end:
  ret i32 0
}
'''
    inner, scalar = ir_loops(text)
    assert inner[0] == "  %x = load <8 x float>, ptr %a, align 4"
    assert ir_like(text, one("vfmadd231ps %ymm0, %ymm1, %ymm2")) == "\n".join(inner)
    assert ir_like(text, one("vmulss %xmm0, %xmm1, %xmm2", "vaddss %xmm0, %xmm1, %xmm2")) == \
        "\n".join(scalar)


# ---- on this machine

A = np.ones((16, 16), np.float32)


@pytest.mark.skipif(host().name == "portable", reason="without multiply-adds of registers")
def test_the_packed_product_here():
    """Each iteration adds to rows · vectors registers, the host's width, and keeps them there."""
    hot = hot_loop(kernels.KERNELS["matmul"]["packed"], A, A)
    assert hot.name == "packed.blocks"
    assert hot.loop.bits == 8 * host().width
    assert hot.loop.accumulators == host().rows * host().vectors
    assert hot.loop.fmas % (host().rows * host().vectors) == 0
    assert hot.loop.fmas_per_load >= host().rows * host().vectors / (host().rows + host().vectors)
    assert hot.loop.stores == 0
    assert len(re.findall(r"@llvm\.fm| = fmul ", hot.ir)) == hot.loop.fmas


def test_plain_loops_and_routines_here():
    naive, blocked = (hot_loop(kernels.KERNELS["matmul"][name], A, A)
                      for name in ("naive", "blocked"))
    assert naive.loop.bits == 32  # sums stay in their order
    assert blocked.loop.bits >= 128
    assert "float" in blocked.ir and "load" in blocked.ir
    from aisys_lab.kernels.moves import gather
    moved = hot_loop(gather, A, 16, 1, 16, 16, A, 16)
    assert moved.name == "moves.gather" and moved.loop.arithmetic == 0


@entry
def no_loop(x):
    return x + 1


@pytest.mark.parametrize(("kernel", "words"), [
    (no_loop, "has no loop over data"), (print, "'print' is not compiled by Numba"),
    ("matmul", "'matmul' is not compiled")])
def test_what_has_no_hot_loop_is_a_sentence(kernel, words):
    with pytest.raises(LabError, match=words):
        hot_loop(kernel, 1)
