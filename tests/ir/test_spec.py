"""Specs: shape and dtype, and NumPy's broadcasting of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisys_lab.core import LabError
from aisys_lab.ir import Spec, broadcast, parse_spec, spec_of
from aisys_lab.ir.spec import DTYPES

AXES = st.integers(0, 9) | st.sampled_from(["N", "seq", "batch_1"])
SPECS = st.builds(Spec, st.lists(AXES, max_size=4), st.sampled_from(sorted(DTYPES)))


@given(SPECS)
def test_a_spec_reads_back(spec):
    assert parse_spec(str(spec)) == spec and repr(spec) == str(spec)


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0))
def test_broadcast_is_numpys(shapes):
    assert broadcast(*shapes.input_shapes) == shapes.result_shape


@given(st.lists(st.integers(0, 3), max_size=3), st.lists(st.integers(0, 3), max_size=3))
def test_broadcast_refuses_what_numpy_refuses(a, b):
    try:
        wanted = np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        with pytest.raises(LabError, match="do not broadcast"):
            broadcast(a, b)
    else:
        assert broadcast(a, b) == wanted


def test_named_axes():
    spec = Spec(("N", 3), "f32")
    assert str(spec) == "f32[N,3]" and spec.at(N=4) == Spec((4, 3), np.float32)
    assert spec.at(N=4).nbytes == 48 and spec.at(M=4) == spec
    assert spec.fits(np.zeros((7, 3), np.float32)) and not spec.fits(np.zeros((7, 3)))
    assert not spec.fits(np.zeros((7, 4), np.float32)) and not spec.fits(np.float32(1))
    assert broadcast(("N", 3), (3,), (1, 3)) == ("N", 3)
    with pytest.raises(LabError, match=r"f32\[N,3\] has no size yet: give axis N a number"):
        _ = spec.size
    with pytest.raises(LabError, match="N against|against N"):
        broadcast(("N",), (4,))


def test_sizes_given_as_numpy_integers_are_ints():
    assert Spec((np.int64(3),), np.float32) == Spec((3,), "f32")
    assert type(Spec((np.int64(3),), "f32").shape[0]) is int


def test_spec_of_numbers():
    assert spec_of(1.0) == Spec((), "f64") and spec_of(True) == Spec((), "bool")
    assert spec_of([[1, 2]]) == Spec((1, 2), "i64")


@pytest.mark.parametrize("text", ["f32", "f32[", "f32[2;3]", "q8[2]", "[2]", ""])
def test_what_is_no_spec_is_a_sentence(text):
    with pytest.raises(LabError, match="is not a spec|no dtype"):
        parse_spec(text)


def test_an_unsupported_dtype_is_a_sentence():
    with pytest.raises(LabError, match="complex128 is not supported; the dtypes are: f64"):
        str(spec_of(1j))
