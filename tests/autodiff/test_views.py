"""Strided views against NumPy's: elements, cells, and who shares memory with whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff.views import Strided, dense, tensor_views


def step(draw, array):
    """One random view op as ``(on NumPy, on Strided)``."""
    kind = draw(st.sampled_from(["permute", "slice", "expand", "reshape", "pick"]))
    if kind == "permute":
        axes = draw(st.permutations(range(array.ndim)))
        return array.transpose(axes), lambda v: v.permute(*axes)
    if kind in ("slice", "pick") and array.ndim:
        axis, n = draw(st.integers(0, array.ndim - 1)), array.shape
        part = draw(st.slices(n[axis])) if kind == "slice" or not n[axis] else draw(
            st.integers(-n[axis], n[axis] - 1))
        at = (*[slice(None)] * axis, part)
        return array[(*at, ...)], lambda v: v[at]
    if kind == "expand":
        shape = [draw(st.sampled_from([1, 2, 3])) if n == 1 else n for n in array.shape]
        shape = [*draw(st.lists(st.integers(1, 2), max_size=1)), *shape]
        return np.broadcast_to(array, shape), lambda v: v.expand(*shape)
    shape = draw(st.permutations(factors(draw, array.size)))
    return array.reshape(shape), lambda v: v.reshape(*shape)


def factors(draw, size):
    """Lengths of axes that ``size`` elements fill."""
    found, rest = [], size
    for n in (2, 3, 2, 5):
        if rest and rest % n == 0 and draw(st.booleans()):
            found.append(n)
            rest //= n
    return [*found, rest]


@given(st.data())
def test_chains_of_ops_as_numpy(data):
    base = np.arange(24).reshape(data.draw(st.sampled_from([(24,), (4, 6), (2, 3, 4), (1, 24, 1)])))
    array, view = base, Strided.of(base)
    start = view
    for _ in range(data.draw(st.integers(1, 5))):
        array, op = step(data.draw, array)
        view = op(view)
        np.testing.assert_array_equal(view.numpy(), array)
        assert view.shape == array.shape
        if array.size:
            assert (view.storage is start.storage) == np.shares_memory(array, base)
            assert view.cells().min() >= 0 and view.cells().max() < len(view.storage)


@given(st.data())
def test_writes_reach_exactly_the_elements_of_a_view(data):
    base = np.arange(24).reshape(2, 3, 4)
    array, start = base, Strided.of(base)
    view = start
    for _ in range(data.draw(st.integers(1, 4))):
        array, op = step(data.draw, array)
        view = op(view)
    overlap = len(set(view.cells().ravel().tolist())) < view.size
    if overlap:
        with pytest.raises(lab.LabError, match="elements share cells, and would change together"):
            view[()] = -1
        return
    view[()] = -1
    if array.size and array.flags.writeable:
        array[...] = -1
        np.testing.assert_array_equal(start.numpy(), base)


def test_of_copies():
    array = np.ones((2, 2))
    view = Strided.of(array)
    view[0] = 5.0
    assert array.max() == 1 and view.numpy().tolist() == [[5, 5], [1, 1]]


def test_contiguous_copies_only_what_is_not():
    view = Strided.of(np.arange(6).reshape(2, 3))
    assert view.contiguous() is view and view[1].contiguous().offset == 3
    copy = view.T.contiguous()
    assert copy.storage is not view.storage and copy.storage.tolist() == [0, 3, 1, 4, 2, 5]
    assert view.expand(1, 2, 3).contiguous().storage is view.storage


def test_reshape_takes_one_open_length():
    view = Strided.of(np.arange(12))
    assert view.reshape(3, -1).shape == (3, 4)
    assert view.reshape(3, -1).reshape(-1).strides == (1,)


def test_dtypes_stay():
    for dtype in ("float32", "int8", "bool"):
        assert Strided.of(np.ones((2, 3), dtype)).T.reshape(6).dtype == dtype


def test_golden(golden):
    x = Strided.of(np.arange(6.0).reshape(2, 3))
    golden("strided", "\n\n".join(map(str, [
        x, x.T, x[:, ::-2], x[1].expand(2, 3), x.T.reshape(6),
        Strided.of(np.arange(20)).reshape(4, 5)[1:3, 3]])))


def test_the_methods_go_through_the_slot():
    with lab.attempt():
        class upside(tensor_views):
            @staticmethod
            def permute(view, axes):
                return tensor_views.permute(view, tuple(reversed(axes)))
        lab.SLOTS["autodiff.tensor_views"] = upside
        assert Strided.of(np.ones((2, 3))).T.shape == (2, 3)
    assert Strided.of(np.ones((2, 3))).T.shape == (3, 2)


@pytest.mark.parametrize(("work", "sentence"), [
    (lambda x: x.permute(0, 0), r"permute of f64\[2,3\] takes each axis once, got \[0, 0\]"),
    (lambda x: x.expand(2, 4), r"expand: f64\[2,3\] does not broadcast to \[2, 4\]"),
    (lambda x: x.expand(3), r"expand: f64\[2,3\] does not broadcast to \[3\]"),
    (lambda x: x.reshape(4, 2), r"reshape: f64\[2,3\] has 6 elements, \[4, 2\] has 8"),
    (lambda x: x.reshape(4, -1), r"reshape: f64\[2,3\] has 6 elements, \[4, 1\] has 4"),
    (lambda x: x[2], r"f64\[2,3\]: 2 is no place on axis 0, of length 2"),
    (lambda x: x[0, "a"], r"f64\[3\]: 'a' is no place on axis 0, of length 3"),
    (lambda x: x[0, 0, 0], r"f64\[2,3\] has 2 axes; got more in its brackets"),
    (lambda x: x[::0], "a step other than 0"), (lambda x: x.reshape(-1, -1), "one may be -1"),
    (lambda x: x.reshape(-2, 3), "lengths are 0 or more"),
    (lambda x: x.__setitem__(0, [1, 2]), "one number is written"),
    (lambda x: Strided.of([[1, 2], [3]]), "rows of one length")])
def test_sentences(work, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        work(Strided.of(np.ones((2, 3))))


def test_dense_strides():
    assert dense((2, 3, 4)) == (12, 4, 1) and dense(()) == ()
