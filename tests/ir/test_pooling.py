"""Pooling against its definition by loops, and each op against its transpose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, count_layer, layer, spec_of


def by_loops(x, kernel, stride, padding, reduce, fill):
    x = np.pad(x, [(0, 0), (0, 0), *padding], constant_values=fill)
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    out = np.zeros((*x.shape[:2], *places), x.dtype)
    for place in np.ndindex(*places):
        window = tuple(slice(p * s, p * s + k)
                       for p, s, k in zip(place, stride, kernel, strict=True))
        out[:, :, *place] = reduce(x[:, :, *window], axis=tuple(range(2, x.ndim)))
    return out


@st.composite
def problems(draw):
    """``(x, attrs)``; entries are few whole numbers, so that windows have ties."""
    rank = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    padding = [tuple(draw(st.integers(0, k - 1)) for _ in range(2)) for k in kernel]
    size = [draw(st.integers(max(1, k - sum(pads)), 6))
            for k, pads in zip(kernel, padding, strict=True)]
    x = np.random.default_rng(0).integers(-3, 3, (2, draw(st.integers(0, 3)), *size)).astype(float)
    return x, {"kernel": tuple(kernel), "padding": tuple(padding),
               "stride": tuple(draw(st.integers(1, 4)) for _ in range(rank))}


@given(problems())
def test_the_definitions(problem):
    x, at = problem
    for op, reduce, fill in (("sum_pool", np.sum, 0), ("max_pool", np.max, -np.inf)):
        out = bind(op, x, **at)
        np.testing.assert_array_equal(out, by_loops(x, **at, reduce=reduce, fill=fill))
        assert bind(op, spec_of(x), **at) == spec_of(out)


@given(problems())
def test_transposes(problem):
    x, at = problem
    rng, out = np.random.default_rng(1), bind("max_pool", x, **at)
    t, g = rng.standard_normal(x.shape), rng.standard_normal(out.shape)
    laid = bind("sum_pool_input", g, size=x.shape[2:], **at)
    np.testing.assert_allclose(np.sum(g * bind("sum_pool", t, **at)), np.sum(laid * t), atol=1e-9)
    picked, back = bind("max_pool_pick", t, x, **at), bind("max_pool_input", g, x, **at)
    np.testing.assert_allclose(np.sum(g * picked), np.sum(back * t), atol=1e-9)
    np.testing.assert_array_equal(bind("max_pool_pick", x, x, **at), out)
    assert spec_of(back) == OPS["max_pool_input"].infer(spec_of(g), spec_of(x), **at) == spec_of(x)
    assert spec_of(picked) == OPS["max_pool_pick"].infer(spec_of(t), spec_of(x), **at)
    assert spec_of(laid) == OPS["sum_pool_input"].infer(spec_of(g), size=x.shape[2:], **at)


def test_the_first_of_equal_entries_wins():
    at = {"kernel": (2, 2), "stride": (1, 1), "padding": ((0, 0), (0, 0))}
    back = bind("max_pool_input", np.ones((1, 1, 2, 2)), np.zeros((1, 1, 3, 3)), **at)
    assert back[0, 0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", ["f4", "f2", "i1", "u1", "?"])
def test_pads_never_win(dtype):
    x = (-np.ones((1, 1, 2, 2))).astype(dtype) if dtype not in ("u1", "?") else np.zeros(
        (1, 1, 2, 2), dtype)
    at = {"kernel": (3, 3), "stride": (1, 1), "padding": ((1, 1), (1, 1))}
    out = bind("max_pool", x, **at)
    assert spec_of(out) == spec_of(x) and np.array_equal(out, x)


def test_counts_are_those_of_the_layer_tables():
    pool = layer("pool", "p", (2, 8, 9, 9), kernel=3, stride=2, padding=1)
    at = {"kernel": (3, 3), "stride": (2, 2), "padding": ((1, 1), (1, 1))}
    x, g = Spec(pool.shape, "f32"), Spec((2, 8, 5, 5), "f32")
    work = [OPS["max_pool"].flops(x, **at), OPS["sum_pool"].flops(x, **at),
            OPS["sum_pool_input"].flops(g, size=(9, 9), **at),
            OPS["max_pool_pick"].flops(x, x, **at), OPS["max_pool_input"].flops(g, x, **at)]
    assert work == [count_layer(pool).flops] * 5


@pytest.mark.parametrize("call, sentence", [
    (lambda x, at: bind("max_pool", x[0], **at), r"max_pool: an image is \[N, C, \*size\]"),
    (lambda x, at: bind("max_pool", x, **at | {"kernel": (5, 2)}), "a kernel of 5 .* fit 4"),
    (lambda x, at: bind("sum_pool", x, **at | {"padding": ((2, 0), (0, 0))}),
     "as wide as the window"),
    (lambda x, at: bind("sum_pool_input", x, size=(4, 4), **at), "is no result of"),
    (lambda x, at: bind("max_pool_input", x, x, **at), "is no result of"),
    (lambda x, at: bind("max_pool_pick", x[:, :, 1:], x, **at), "should have one shape"),
])
def test_what_does_not_fit(call, sentence):
    at = {"kernel": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
    for x in (np.ones((1, 2, 4, 4)),):
        with pytest.raises(LabError, match=sentence):
            call(x, at)
