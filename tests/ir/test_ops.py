"""Every op: what it infers of specs is what it makes of arrays."""

import math
import warnings

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, spec_of

ELEMENTWISE = sorted(name for name, op in OPS.items()
                     if isinstance(op.eval, np.ufunc) and op.kind == "elementwise")
DTYPE = st.sampled_from(["f64", "f32", "f16", "i64", "i32", "i8", "u8", "bool"])


def draw_array(data, shape, dtype=None):
    dtype = np.dtype(Spec((), dtype or data.draw(DTYPE)).dtype)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    return np.asarray(rng.integers(0, 2 if dtype.kind == "b" else 5, shape)).astype(dtype)


def agree(op, *inputs, **attrs):
    """Infer says what eval does, or both refuse."""
    specs = [spec_of(x) for x in inputs]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a division by zero, an overflow of i8
            out = bind(op, *inputs, **attrs)
    except LabError:
        with pytest.raises(LabError):
            OPS[op].infer(*specs, **attrs)
        return None
    assert spec_of(out) == OPS[op].infer(*specs, **attrs)
    assert spec_of(out) == bind(op, *specs, **attrs)  # the same door, on specs
    return out


@pytest.mark.parametrize("op", ELEMENTWISE)
@given(data=st.data())
def test_elementwise(op, data):
    ufunc = OPS[op].eval
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=ufunc.nin, min_side=0,
                                                         max_dims=3, max_side=4))
    inputs = [draw_array(data, shape) for shape in shapes.input_shapes]
    if op == "pow" and np.result_type(*inputs).kind in "iu":
        inputs[0] = inputs[0].astype(np.float64)  # NumPy refuses whole numbers to negative powers
    agree(op, *inputs)


@given(data=st.data())
def test_where_and_cast(data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_dims=3))
    condition, x, y = (draw_array(data, shape) for shape in shapes.input_shapes)
    agree("where", condition.astype(bool), x, y)
    agree("cast", x, dtype=data.draw(DTYPE))


@pytest.mark.parametrize("op", ["sum", "prod", "max", "min", "argmax", "argmin"])
@given(data=st.data())
def test_reductions(op, data):
    x = draw_array(data, data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    if op.startswith("arg"):
        agree(op, x, axis=data.draw(st.integers(0, x.ndim - 1)))
    else:
        axes = data.draw(st.sets(st.integers(0, x.ndim - 1)))
        agree(op, x, axis=tuple(sorted(axes)), keepdims=data.draw(st.booleans()))


@pytest.mark.parametrize("op", ["cumsum", "cumprod", "argsort", "size"])
@given(data=st.data())
def test_scans(op, data):
    x = draw_array(data, data.draw(hnp.array_shapes(min_dims=1, min_side=0, max_dims=3)))
    axis, back = data.draw(st.integers(0, x.ndim - 1)), data.draw(st.booleans())
    if op == "size":
        assert agree(op, x, axis=(axis,), dtype="f32") == x.shape[axis]
    elif op == "argsort":
        places = agree(op, x, axis=axis, descending=back)
        found = np.take_along_axis(x, places, axis).astype(float)
        assert (np.diff(-found if back else found, axis=axis) >= 0).all()
    else:
        out = agree(op, x, axis=axis, reverse=back)
        wanted = getattr(np, op)(np.flip(x, axis) if back else x, axis=axis)
        np.testing.assert_array_equal(out, np.flip(wanted, axis) if back else wanted)


@given(data=st.data())
def test_gather_and_its_transpose(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=9))
    x = draw_array(data, shape, "f64")
    k = data.draw(st.integers(1, len(shape)))
    wide = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=k, max_dims=2, max_side=9))
    rng = np.random.default_rng(0)
    places = [rng.integers(-n, n, s) for n, s in zip(shape, wide.input_shapes, strict=False)]
    out = agree("gather", x, *places)
    np.testing.assert_array_equal(out, x[tuple(places)])
    g = rng.standard_normal(out.shape)
    back = agree("scatter_add", g, *places, shape=shape)
    assert np.sum(g * out) == pytest.approx(np.sum(back * x))


@pytest.mark.parametrize("wide", [1, 7, 8, 100])
def test_scatter_add_sums_what_meets(wide):
    rng = np.random.default_rng(0)
    places, x = rng.integers(-5, 5, 200), rng.standard_normal((200, wide))
    wanted = np.zeros((5, wide))
    np.add.at(wanted, places, x)
    np.testing.assert_allclose(bind("scatter_add", x, places, shape=(5, wide)), wanted, atol=1e-12)


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-15), (np.float32, 3e-7)])
def test_erf(dtype, tolerance):
    x = np.concatenate([np.linspace(-7, 7, 5001), np.logspace(-30, 1, 200)]).astype(dtype)
    wanted = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(bind("erf", x), wanted, rtol=tolerance)
    assert bind("erf", np.array([-0.0, np.inf, -np.inf])).tolist() == [0, 1, -1]
    assert np.isnan(bind("erf", np.nan)) and bind("erf", np.int8(1)).dtype == np.float16


def test_sigmoid_keeps_its_digits_at_both_ends():
    x = np.linspace(-700, 700, 1401)
    np.testing.assert_allclose(bind("sigmoid", x), scipy.special.expit(x), rtol=1e-15)
    assert bind("sigmoid", np.array([-1e3, 1e3])).tolist() == [0, 1]


@given(data=st.data())
def test_matmul(data):
    m, k, n = (data.draw(st.integers(0, 3)) for _ in range(3))
    batch = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3))
    a, b = ((*batch.input_shapes[0], m, k), (*batch.input_shapes[1], k, n))
    if data.draw(st.booleans()):
        a = (k,)
    if data.draw(st.booleans()):
        b = (k,)
    x, y = (draw_array(data, shape, data.draw(st.sampled_from(["f64", "f32"]))) for shape in (a, b))
    out = agree("matmul", x, y)
    assert OPS["matmul"].flops(spec_of(x), spec_of(y)) == 2 * np.size(out) * k


@given(data=st.data())
def test_shapes(data):
    x = draw_array(data, data.draw(hnp.array_shapes(min_side=0, max_dims=3, max_side=4)))
    agree("reshape", x, shape=(x.size,))
    agree("transpose", x, axes=tuple(data.draw(st.permutations(range(x.ndim)))))
    agree("broadcast_to", x, shape=(data.draw(st.integers(0, 3)), *x.shape))
    axis = data.draw(st.integers(0, x.ndim - 1))
    agree("concatenate", x, draw_array(data, x.shape), x, axis=axis)
    index = [data.draw(st.slices(n)).indices(n) for n in x.shape]
    at = dict(zip(("start", "stop", "step"), map(tuple, zip(*index, strict=True)), strict=True))
    if all(len(range(*i)) for i in index):
        piece = agree("slice", x, **at)
        whole = agree("unslice", piece, shape=x.shape, **at)
        assert whole[tuple(np.ix_(*(list(range(*i)) for i in index)))].tolist() == piece.tolist()


@pytest.mark.parametrize("op, inputs, attrs, sentence", [
    ("matmul", [(8, 4), (5, 2)], {}, r"matmul: inner sizes differ, f64\[8,4\] and f64\[5,2\]"),
    ("matmul", [(), (5, 2)], {}, "needs at least one axis on both sides"),
    ("add", [(2, 3), (4,)], {}, r"add: shapes \[2, 3\] and \[4\] do not broadcast: 3 against 4"),
    ("where", [(2,), (3,), ()], {}, "where: shapes"),
    ("reshape", [(2, 3)], {"shape": (4,)}, r"f64\[2,3\] has 6 elements, \[4\] has 4"),
    ("broadcast_to", [(2,)], {"shape": (3,)}, "broadcast"),
    ("transpose", [(2, 3)], {"axes": (0, 0)}, "takes each axis from 0 to 1 once"),
    ("sum", [(2,)], {"axis": (1,)}, r"different axes from 0 to 0, got \[1\]"),
    ("max", [(0, 3)], {"axis": (0,)}, "max of f64"),
    ("gather", [(2, 3), (2,)], {}, "places are whole numbers, got f64"),
    ("scatter_add", [(2,), (2,)], {"shape": (3,)}, "places are whole numbers"),
    ("cumsum", [(2,)], {"axis": 1}, r"cumsum: axis 1 of f64\[2\]; its axes are 0 to 0"),
    ("concatenate", [(2, 3), (2, 4)], {"axis": 0}, "differ off axis 0"),
])
def test_what_does_not_fit_is_a_sentence(op, inputs, attrs, sentence):
    with pytest.raises(LabError, match=sentence):
        bind(op, *(np.ones(shape) for shape in inputs), **attrs)


def test_an_unknown_op_is_a_sentence():
    with pytest.raises(LabError, match="no op 'ad' in OPS; did you mean: add"):
        bind("ad", 1, 2)
    with pytest.raises(LabError, match="out of bounds for int8"):
        bind("add", np.int8(1), 300)
