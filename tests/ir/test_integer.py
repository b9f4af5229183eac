"""The integer ops against Python's own whole numbers and fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aisys_lab.core import LabError
from aisys_lab.ir import Spec, bind
from aisys_lab.ir.integer import levels

floats = st.floats(-1e6, 1e6, width=32)
steps = st.floats(2**-10, 1e3, width=32)


def exact_quantize(x, scale, zero, low, high):
    """round(x / scale) + zero in exact arithmetic, ties to even, clipped."""
    ratio = Fraction(float(np.float32(x) / np.float32(scale)))  # the quotient is a float32
    return min(max(round(ratio) + zero, low), high)


@given(arrays.arrays(np.float32, 7, elements=floats), steps, st.integers(2, 8), st.data())
def test_quantize(x, scale, bits, data):
    dtype = data.draw(st.sampled_from([np.uint8, np.int8]))
    low, high = levels(dtype, bits)
    zero = data.draw(st.integers(low, high))
    got = bind("quantize_linear", x, np.float32(scale), dtype(zero), bits=bits)
    assert got.dtype == dtype
    assert got.tolist() == [exact_quantize(v, scale, zero, low, high) for v in x]


@given(arrays.arrays(np.uint8, 9), steps, st.integers(0, 255))
def test_dequantize_then_quantize_is_the_identity(q, scale, zero):
    scale, zero = np.float32(scale), np.uint8(zero)
    x = bind("dequantize_linear", q, scale, zero)
    assert x.tolist() == [float(np.float32(int(n) - int(zero)) * scale) for n in q]
    np.testing.assert_array_equal(bind("quantize_linear", x, scale, zero), q)


@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 5), st.integers(0, 255), st.data())
def test_matmul_int(m, k, n, zero, data):
    a = data.draw(arrays.arrays(np.uint8, (m, k)))
    b = data.draw(arrays.arrays(np.int8, (k, n)))
    got = bind("matmul_int", a, b, np.uint8(zero))
    want = [[sum((int(a[i, p]) - zero) * int(b[p, j]) for p in range(k)) for j in range(n)]
            for i in range(m)]
    assert got.dtype == np.int32
    assert got.tolist() == want


def test_the_worst_sums_are_exact():
    """Every product at its largest, beyond what 16 bits or a float32 can hold."""
    a, b = np.full((1, 60000), 255, np.uint8), np.full((60000, 1), -127, np.int8)
    assert bind("matmul_int", a, b, np.uint8(0)).item() == -255 * 127 * 60000


def test_infinities_clip_and_nan_is_zero():
    x = np.array([np.inf, -np.inf, np.nan], np.float32)
    got = bind("quantize_linear", x, np.float32(0.1), np.uint8(3))
    assert got.tolist() == [255, 0, 3]


F, U, S = Spec((2, 3), "f32"), Spec((2, 3), "u8"), Spec((), "f32")
Z = Spec((), "u8")


@pytest.mark.parametrize(("op", "inputs", "attrs", "words"), [
    ("quantize_linear", (U, S, Z), {}, "should be a float"),
    ("quantize_linear", (F, S, Z), {"bits": 9}, "9 bits in uint8"),
    ("quantize_linear", (F, Spec((2,), "f32"), Z), {}, "do not broadcast"),
    ("quantize_linear", (F, Spec((2, 1, 3), "f32"), Z), {}, "do not fit"),
    ("dequantize_linear", (U, S, Spec((), "i8")), {}, "one dtype"),
    ("matmul_int", (U, Spec((4, 2), "i8"), Z), {}, "inner sizes differ"),
    ("matmul_int", (F, Spec((3, 2), "i8"), S), {}, "takes i8 or u8"),
    ("matmul_int", (U, Spec((3, 2), "i8"), Spec((2,), "u8")), {}, "zero point like the left"),
])
def test_misfits_are_sentences(op, inputs, attrs, words):
    with pytest.raises(LabError, match=words):
        bind(op, *inputs, **attrs)
