"""Every row of VJP and JVP against central differences, to second order: a new row is tested
by standing in the table, for it must have a case here."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.ir import OPS, bind
from autodiff.ways import four_ways


def away(x):
    """Entries moved off 0, where abs has a corner and log an edge."""
    return x + 0.3 * np.sign(x)


def positive(x):
    return anp.exp(0.3 * x)


def inside(x):
    """Entries between -1 and 1."""
    return 0.9 * anp.sin(x)


PLACES = (np.array([[0, 1, 0], [2, 2, -3]]), np.array([0, 1, 0]))  # some of them twice
AT = {"start": (3, 0), "stop": (0, 3), "step": (-2, 1)}
CASES = {  # op: (function of arrays, their shapes)
    "neg": (anp.negative, (2, 3)), "exp": (anp.exp, (2, 3)), "sin": (anp.sin, (2, 3)),
    "cos": (anp.cos, (2, 3)), "tanh": (anp.tanh, (2, 3)), "abs": (anp.abs, (2, 3)),
    "log": (lambda x: anp.log(positive(x)), (3,)),
    "sqrt": (lambda x: anp.sqrt(positive(x)), (3,)),
    "add": (anp.add, (2, 1, 3), (4, 1)), "sub": (anp.subtract, (3,), (2, 3)),
    "mul": (anp.multiply, (2, 1), (1, 3)), "div": (lambda x, y: x / positive(y), (2, 3), (3,)),
    "pow": (lambda x, y: positive(x) ** y, (2, 3), (2, 1)),
    "expm1": (anp.expm1, (2, 3)), "exp2": (anp.exp2, (2, 3)),
    "log1p": (lambda x: anp.log1p(positive(x)), (3,)),
    "log2": (lambda x: anp.log2(positive(x)), (3,)),
    "log10": (lambda x: anp.log10(positive(x)), (3,)),
    "cbrt": (anp.cbrt, (2, 3)), "tan": (lambda x: anp.tan(inside(x)), (3,)),
    "arcsin": (lambda x: anp.arcsin(inside(x)), (3,)),
    "arccos": (lambda x: anp.arccos(inside(x)), (3,)), "arctan": (anp.arctan, (3,)),
    "sinh": (anp.sinh, (3,)), "cosh": (anp.cosh, (3,)), "arcsinh": (anp.arcsinh, (3,)),
    "arccosh": (lambda x: anp.arccosh(1 + positive(x)), (3,)),
    "arctanh": (lambda x: anp.arctanh(inside(x)), (3,)), "erf": (anp.erf, (2, 3)),
    "sigmoid": (anp.sigmoid, (2, 3)), "hypot": (anp.hypot, (2, 3), (3,)),
    "arctan2": (anp.arctan2, (2, 1), (3,)), "logaddexp": (anp.logaddexp, (2, 3), (2, 1)),
    "mod": (lambda x, y: anp.remainder(x * 3, positive(y)), (2, 3), (3,)),
    "maximum": (anp.maximum, (4, 3), (3,)), "minimum": (anp.minimum, (4, 1), (4, 3)),
    "where": (lambda x, y: anp.where(np.arange(3) > 0, x, y), (2, 3), (1, 3)),
    "cast": (lambda x: anp.astype(x * x, np.float64), (3,)),
    "sum": (lambda x: anp.sum(x * x, (0, 2)), (2, 3, 2)),
    "max": (lambda x: anp.max(x * x, 1, keepdims=True), (3, 4)),
    "min": (lambda x: anp.min(x * x, (0, 1)), (3, 4)),
    "matmul": (anp.matmul, (2, 1, 3, 4), (5, 4, 2)),
    "reshape": (lambda x: anp.reshape(x * x, (3, 2)), (2, 3)),
    "transpose": (lambda x: anp.transpose(x * x, (2, 0, 1)), (2, 3, 4)),
    "broadcast_to": (lambda x: anp.broadcast_to(x * x, (2, 4, 3)), (4, 1)),
    "concatenate": (lambda x, y: anp.concatenate([x, y, x * y], 1), (2, 3), (2, 3)),
    "slice": (lambda x: bind("slice", x * x, **AT), (4, 3)),
    "prod": (lambda x: anp.prod(x * x, (0, 2)), (2, 3, 2)),
    "cumsum": (lambda x: bind("cumsum", x * x, axis=1, reverse=True), (2, 3)),
    "cumprod": (lambda x: anp.cumprod(x * x, 1), (2, 5)),
    "gather": (lambda x: bind("gather", x * x, *PLACES), (3, 2, 4)),
    "scatter_add": (lambda x: bind("scatter_add", x * x, *PLACES, shape=(3, 2, 4)), (2, 3, 4)),
    "unslice": (lambda x: bind("unslice", x * x, shape=(4, 3), **AT), (2, 3)),
}
FLAT = {op for op in lab.VJP if lab.VJP[op] is None}
HERE = {f"aisys_lab.ir.{name}" for name in ("ops", "scans", "gather", "special")}
OURS = {op for op in lab.VJP if OPS[op].infer.__module__ in HERE}  # others have their own tests
CURVED = sorted(set(CASES) - FLAT)
STEPS = sorted(FLAT & {name for name, op in OPS.items() if isinstance(op.eval, np.ufunc)})


def arguments(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [away(rng.standard_normal(shape)) for shape in shapes]


@pytest.mark.parametrize("op", CURVED)
@pytest.mark.parametrize("seed", [0, 1])
def test_rules_agree_with_central_differences(op, seed):
    f, *shapes = CASES[op]
    lab.check_grads(f, order=2)(*arguments(shapes, seed))


@pytest.mark.parametrize("op", CURVED)
def test_modes_agree_in_second_order_in_all_four_ways(op):
    f, *shapes = CASES[op]
    found = four_ways(f, *arguments(shapes))
    np.testing.assert_allclose(found, found[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("op, rest, attrs", [
    *((op, (0.5,) * (OPS[op].eval.nin - 1), {}) for op in STEPS),
    ("argmax", (), {"axis": 0}), ("argmin", (), {"axis": 0}), ("argsort", (), {"axis": 0}),
    ("size", (), {"axis": (0,), "dtype": "f64"})])
def test_steps_have_no_slope(op, rest, attrs):
    x = np.array([0.3, -1.2, 2.0])

    def f(x):
        return anp.sum(anp.astype(bind(op, x, *rest, **attrs), np.float64) * 2) + anp.sum(x)

    assert lab.grad(f)(x).tolist() == [1, 1, 1]
    assert lab.jvp(f, (x,), (np.ones(3),))[1] == 3


def test_all_ops_have_rules_or_say_which_do():
    assert set(lab.VJP) == set(lab.JVP) and set(CASES) == OURS - FLAT
    without = [op for op in OPS if op not in lab.VJP and not OPS[op].multi]
    for op in without:
        with pytest.raises(LabError, match=f"no vjp rule {op!r} in VJP"):
            lab.VJP[op]


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3))
def test_broadcasting_sums_down_also_over_axes_of_size_one_and_none(shapes):
    x, y = arguments(shapes.input_shapes)
    u = np.ones(shapes.result_shape)
    for f, gx, gy in ((anp.add, u, u), (anp.multiply, u * y, u * x), (anp.subtract, u, -u)):
        _, pull = lab.vjp(f, x, y)
        for got, wide, arg in zip(pull(u), (gx, gy), (x, y), strict=True):
            assert got.shape == arg.shape
            extra = tuple(range(u.ndim - arg.ndim))
            want = wide.sum(extra)
            ones = tuple(i for i, n in enumerate(arg.shape) if n == 1)
            np.testing.assert_allclose(got, want.sum(ones, keepdims=True))


@pytest.mark.parametrize("a, b", [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2)),
    ((2, 3), (4, 3, 2)), ((1, 2, 3), (4, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3))])
def test_matmul_of_every_rank(a, b):
    lab.check_grads(anp.matmul, order=2)(*arguments([a, b]))


@pytest.mark.parametrize("index", [0, -1, slice(1, None), slice(None, None, -1), (1, slice(0, 2)),
                                   (Ellipsis, 0), (slice(None), -2), slice(-9, None, -1),
                                   slice(5, 1), (slice(None, None, 2), slice(2, None, -2)), ()])
def test_indices(index):
    x = arguments([(3, 4)])[0]
    np.testing.assert_array_equal(anp.getitem(x, index), x[index])
    lab.check_grads(lambda x: anp.getitem(x * x, index))(x)
    graph = lab.trace(lambda x: x[index], x)
    np.testing.assert_array_equal(lab.interpret(graph, x)[0], x[index])


def test_ties_share_and_a_corner_has_slope_zero():
    x = np.array([1.0, 3.0, 3.0])
    assert lab.grad(anp.max)(x).tolist() == [0, 0.5, 0.5]
    assert lab.grad(lambda x: anp.sum(anp.maximum(x, 3.0)))(x).tolist() == [0, 0.5, 0.5]
    assert lab.grad(anp.relu)(0.0) == 0 and lab.grad(anp.abs)(0.0) == 0


def test_powers_at_zero():
    powers = [lab.grad(lambda x, n=n: x ** n)(0.0) for n in (0, 1, 2, 3.0)]
    assert powers == [0, 1, 0, 0]
    third = lab.grad(lab.grad(lab.grad(lambda x: x ** 2)))
    assert third(0.0) == 0
    x, n = np.zeros(3), np.array([0.0, 1.0, 2.0])
    assert lab.grad(lambda x: anp.sum(anp.power(x, n)))(x).tolist() == [0, 1, 0]
    assert lab.grad(lambda n: anp.sum(anp.power(x, n)))(n).tolist() == [0, 0, 0]


def test_whole_numbers_carry_no_slope():
    def f(x):
        return anp.astype(anp.astype(x, np.int64), np.float64) * 3 + anp.astype(x, np.int64) * x

    assert lab.grad(f)(2.5) == 2 and lab.jvp(f, (2.5,), (5.0,))[1] == 10


@given(st.sampled_from([np.float16, np.float32, np.float64]))
def test_gradients_keep_the_dtype(dtype):
    x = np.linspace(0.5, 2, 6).reshape(2, 3).astype(dtype)

    def f(x):
        y = anp.gelu(anp.log_softmax(anp.layernorm(x, 2, 1))) ** 2 / 3 + anp.sqrt(x)
        return anp.mean(anp.maximum(y, 0.1)) + anp.max(x) * 0.5 + anp.sum(anp.softmax(x)[:, 1:])

    value, g = lab.value_and_grad(f)(x)
    assert value.dtype == g.dtype == dtype
    assert lab.jvp(f, (x,), (x,))[1].dtype == dtype
    graph = lab.trace(lab.value_and_grad(f), x)
    assert all(graph.specs[name].dtype == dtype for name in graph.outputs)
