"""The wide namespace: one text, run with NumPy and with ours, eager, traced and differentiated."""

import warnings

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError

X = np.random.default_rng(0).standard_normal((2, 3, 4))
M = X[0]  # [3, 4]
POSITIVE = np.abs(M) + 0.2
AT, J = np.array([[0, 2], [1, 0]]), np.array([1, -1])

FUNCTIONS = [  # (function of a namespace and arrays, arrays); differentiated by all of them
    *((lambda n, x, name=name: getattr(n, name)(x), M) for name in (
        "negative", "abs", "exp", "expm1", "exp2", "cbrt", "sin", "cos", "arctan", "sinh", "cosh",
        "tanh", "arcsinh", "square", "positive", "sinc", "deg2rad", "rad2deg", "sum", "prod",
        "max", "min", "mean", "var", "std", "ptp", "cumsum", "cumprod", "nansum", "nanmean",
        "nanmax", "nanmin", "ravel", "transpose", "sort", "median", "flip", "fliplr", "flipud",
        "rot90", "tril", "triu", "diag", "diagonal", "diagflat", "trace", "diff", "atleast_3d",
        "trapezoid", "nan_to_num", "average", "matrix_transpose", "copy")),
    *((lambda n, x, name=name: getattr(n, name)(x), POSITIVE) for name in (
        "log", "log2", "log10", "log1p", "sqrt", "reciprocal")),
    *((lambda n, x, name=name: getattr(n, name)(n.sin(x) * 0.9), M) for name in (
        "arcsin", "arccos", "arctanh", "tan")),
    (lambda n, x: n.arccosh(x + 1), POSITIVE),
    *((lambda n, x, y, name=name: getattr(n, name)(x, y), M, POSITIVE[0]) for name in (
        "add", "subtract", "multiply", "divide", "maximum", "minimum", "arctan2", "hypot",
        "logaddexp", "logaddexp2", "remainder", "fmod", "fmax", "fmin", "copysign")),
    (lambda n, x, y: n.power(x, y), POSITIVE, M[0]), (lambda n, x: n.float_power(x, 3), M),
    (lambda n, x: n.ldexp(x, np.arange(4)), M), (lambda n, x: n.clip(x, -0.5, 0.7), M),
    (lambda n, x: n.clip(x, None, 0.7), M), (lambda n, x: x // 0.3 + x % 0.3 - 7 % x, M),
    (lambda n, x: divmod(x, 0.3)[1] + 2 // x, M), (lambda n, x: abs(-(+x)) ** 2, M),
    (lambda n, x, y: n.where(x > y, x, y), M, M[:, ::-1]),
    (lambda n, x: n.select([x > 1, x > 0], [x, 2 * x], 3.0), M),
    # reductions
    *((lambda n, x, name=name, at=at: getattr(n, name)(x, **at), X)
      for name, at in [
          ("sum", {"axis": (0, 2)}), ("prod", {"axis": 1, "keepdims": True}),
          ("max", {"axis": (1, -1), "keepdims": True}), ("min", {"axis": 0}), ("ptp", {"axis": 2}),
          ("mean", {"axis": -1, "keepdims": True}), ("var", {"axis": (0, 1)}),
          ("std", {"keepdims": True}), ("median", {"axis": 1, "keepdims": True})]),
    (lambda n, x: n.var(x, axis=1, ddof=1) + n.std(x, axis=1, ddof=2), X),
    (lambda n, x: n.average(x, axis=1, weights=np.arange(1.0, 4)[:, None] * np.ones((2, 3, 4))), X),
    (lambda n, x: n.cumsum(x, axis=1) * n.cumprod(x, axis=-1), X),
    (lambda n, x: n.prod(x * np.array([0, 1.0, 1, 0]), axis=1), M),
    # shapes
    (lambda n, x: n.reshape(x, (4, -1)), X), (lambda n, x: n.moveaxis(x, 0, -1), X),
    (lambda n, x: n.moveaxis(x, (0, 2), (1, 0)), X), (lambda n, x: n.swapaxes(x, 0, -1), X),
    (lambda n, x: n.expand_dims(x, (0, -1)), X), (lambda n, x: n.squeeze(x[:, :1], 1), X),
    (lambda n, x: n.broadcast_to(x, (5, 3, 4)), M), (lambda n, x: n.tile(x, (2, 1, 3)), M),
    (lambda n, x: n.repeat(x, 3, 1), M), (lambda n, x: n.repeat(x, [1, 0, 2], 0), M),
    (lambda n, x: n.repeat(x, 2), M), (lambda n, x: n.roll(x, 2, 1), M),
    (lambda n, x: n.roll(x, -5), M), (lambda n, x: n.roll(x, (1, 2), (0, 1)), M),
    (lambda n, x: n.flip(x, (0, 2)), X), (lambda n, x: n.rot90(x, 3, (1, 2)), X),
    (lambda n, x: n.rot90(x, 2), X), (lambda n, x: n.diff(x, 2, 0), X),
    (lambda n, x: n.diff(x, prepend=0.0, append=x[:, :2]), M),
    *((lambda n, x, mode=mode: n.pad(x, ((1, 2), (0, 3)), mode), M)
      for mode in ("constant", "reflect", "edge", "symmetric", "wrap")),
    (lambda n, x: n.pad(x, 2, constant_values=1.5), M), (lambda n, x: n.tril(x, -1), X),
    (lambda n, x: n.triu(x, 2), X), (lambda n, x: n.diagonal(x, 1, 2, 0), X),
    (lambda n, x: n.diagonal(x, -1), M), (lambda n, x: n.diag(x[0], -2), M),
    (lambda n, x: n.trace(x, 1, 1, 2), X), (lambda n, x: n.trapezoid(x, M[0] ** 2, axis=1), M),
    (lambda n, x, y: n.concatenate([x, y, x], axis=-1), M, M),
    (lambda n, x, y: n.concatenate([x, y], axis=None), M, X), (lambda n, x: n.append(x, x), M),
    (lambda n, x, y: n.stack([x, y], axis=-1), M, M), (lambda n, x: n.vstack([x, x[0]]), M),
    (lambda n, x: n.hstack([x, x]) + n.hstack([x[0], x[1]]), M),
    (lambda n, x: n.dstack([x, x]), M), (lambda n, x: n.column_stack([x[:, 0], x]), M),
    (lambda n, x: n.array_split(x, 3, axis=1)[1], M), (lambda n, x: n.split(x, [1, 3], 1)[1], M),
    (lambda n, x: n.hsplit(x, 2)[1] * n.vsplit(x, 3)[0][0, :2], M),
    (lambda n, x: n.meshgrid(x[0], x[:, 0])[0] * n.meshgrid(x[0], x[:, 0])[1], M),
    (lambda n, x: n.meshgrid(x[0], x[:, 0], indexing="ij")[1], M),
    (lambda n, x, y: n.atleast_2d(x[0, 0]) + n.atleast_1d(y[0, 0]), M, M),
    (lambda n, x: x.T.reshape(2, 6).transpose(1, 0).ravel().reshape((3, 4)).swapaxes(0, 1), M),
    (lambda n, x: x.mean(0) + x.var(0) + x.std() + x.prod(1)[:, None] + x.min() + x.squeeze(), M),
    (lambda n, x: x.take(AT, axis=1) + x.cumsum(1)[:, :2, None] + x.clip(0, 1).repeat(1).sum(), M),
    (lambda n, x: x.flatten().dot(x.ravel()) * x.trace() + x.diagonal().sum() + x.round(1).max(),
    M),
    # indices
    *((lambda n, x, i=i: x[i] * 2.0, X) for i in (
        0, -1, slice(1, None), (slice(None), None, 1), (Ellipsis, slice(None, None, -2)), (None,),
        AT % 2, (slice(None), AT), (Ellipsis, AT), (AT % 2, slice(None), J), (slice(None), AT, 0),
        (0, slice(None), AT), (AT % 2, J), (slice(None), J, None, J),
        (slice(1), slice(None), [0, 3]),
        X > 0, (slice(None), M[:, 0] > 0), X[:, :, 0] > 0, (0, M > 0), (Ellipsis, M[0] > 0),
        ([1, 0], Ellipsis, [0, 1]), np.array(1), (slice(None), np.int64(2)), [],
        (slice(None), slice(2, None, -1), J), (J, J, J))),
    (lambda n, x: n.take(x, AT, axis=1), X), (lambda n, x: n.take(x, AT), X),
    (lambda n, x: n.take_along_axis(x, n.argsort(x, axis=1), axis=1), X),
    (lambda n, x: n.take_along_axis(x, np.array([[[0], [2]], [[1], [1]]]), axis=-1), X[:, :2]),
    (lambda n, x: n.sort(x, axis=0) + n.sort(x, axis=None).reshape(2, 3, 4), X),
    # products
    *((lambda n, x, y, name=name: getattr(n, name)(x, y), a, b) for name, a, b in [
        ("matmul", X, M.T), ("dot", M, M.T), ("dot", X, M.T), ("dot", M[0], M[1]), ("vdot", M, M),
        ("dot", X, M[0]), ("inner", X, M), ("outer", M[0], M), ("kron", M, X[1, :2]),
        ("kron", M[0], X), ("cross", M[:, :3], X[1, :, :3]), ("tensordot", M, M),
        ("tensordot", X, X.transpose(1, 2, 0))]),
    (lambda n, x, y: n.tensordot(x, y, ([0, 2], [1, 0])), X, X.transpose(2, 0, 1)),
    (lambda n, x, y: n.tensordot(x, y, 0), M[0], M),
    (lambda n, x, y: n.cross(x, y, axis=0), M, M * M),
]


def differentiable(f, *args):
    return lambda *xs: f(anp, *xs)


@pytest.mark.parametrize("f, args", [(f, args) for f, *args in FUNCTIONS])
def test_values_shapes_dtypes_traces_and_slopes(f, *, args):
    for dtype in (np.float64, np.float32):
        xs = [x.astype(dtype) for x in args]
        want, got = f(np, *xs), f(anp, *xs)
        assert np.shape(got) == want.shape and got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == np.float32 else 1e-12,
                                   atol=1e-6 if dtype == np.float32 else 1e-14)
        graph = lab.trace(differentiable(f), *xs)
        assert lab.parse(str(graph), graph.constants) == graph
        np.testing.assert_array_equal(lab.interpret(graph, *xs)[0], got)
    lab.check_grads(differentiable(f), order=2, tolerance=1e-5)(*args)


@pytest.mark.parametrize("f", [
    lambda n, x: n.sum(x, axis=1), lambda n, x: n.prod(x, axis=0), lambda n, x: n.mean(x),
    lambda n, x: n.var(x, axis=0), lambda n, x: n.max(x), lambda n, x: n.argmax(x),
    lambda n, x: n.argmin(x, axis=1, keepdims=True), lambda n, x: n.cumsum(x, axis=0),
    lambda n, x: n.all(x, axis=0), lambda n, x: n.any(x - 2), lambda n, x: n.sqrt(x),
    lambda n, x: x // 2, lambda n, x: x % 3, lambda n, x: n.floor_divide(7, x + 1),
    lambda n, x: n.clip(x, 1, 3), lambda n, x: n.where(x > 2, x, 0), lambda n, x: n.sort(x, axis=0),
    lambda n, x: n.argsort(x, axis=1, stable=True) if n is np else n.argsort(x, axis=1),
    lambda n, x: n.arange(3) @ x, lambda n, x: n.isfinite(x), lambda n, x: n.isnan(x),
    lambda n, x: n.count_nonzero(x, axis=0), lambda n, x: n.logical_xor(x, 1),
    lambda n, x: n.power(x, 2), lambda n, x: n.sign(x), lambda n, x: n.exp(x), lambda n, x: x / 2,
    lambda n, x: n.median(x), lambda n, x: n.tril(x), lambda n, x: n.einsum("ij,ik->jk", x, x),
    lambda n, x: n.ceil(x), lambda n, x: n.trunc(x), lambda n, x: n.rint(x), lambda n, x: n.diag(x),
    lambda n, x: n.isclose(x, 2), lambda n, x: n.astype(x, n.float32), lambda n, x: x + 0.5,
    lambda n, x: n.array(x, n.float64), lambda n, x: n.full_like(x, 7), lambda n, x: n.pad(x, 1),
    lambda n, x: n.heaviside(x - 2.0, 0.5), lambda n, x: n.maximum(x, 2), lambda n, x: n.round(x)])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, bool, np.float32])
def test_dtypes_are_those_of_numpy(f, dtype):
    x = np.array([[1, 0, 3, 2], [4, 4, 1, 0], [2, 5, 5, 1]]).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            want = f(np, x)
        except TypeError:
            with pytest.raises(LabError):
                f(anp, x)
            return
        got = f(anp, x)
        traced = lab.interpret(lab.trace(lambda x: f(anp, x), x), x)[0]
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(traced, want)
    assert got.dtype == want.dtype == np.asarray(traced).dtype


EINSUMS = ["ij,jk->ik", "ij,jk", "ij->ji", "ij->", "ii->i", "ii", "ij,ij->i", "ij,kj->ikj", "ij,ji",
           "...j,jk->...k", "i...,j...->ij...", "ij,jk,kl->il", "ij,ik,il->jkl", "ij,kl->",
           "bij,bjk->bik",
           "bhqd,bhkd->bhqk", "i,j->ij", "i,i", "iij->j", "iij,jk->ik", "ij , jk -> ki",
           "a...b->b...a",
           "...", "...,...", "ijk,jil->kl", "ij,j", ",ij->ij"]


@pytest.mark.parametrize("text", EINSUMS)
def test_einsum(text):
    rng = np.random.default_rng(0)
    sizes = {"i": 3, "j": 3, "k": 4, "l": 2, "b": 2, "h": 2, "q": 3, "d": 2, "a": 3}
    args = []
    for term in text.replace(" ", "").split("->")[0].split(","):
        shape = [n for c in term.replace("...", ".") for n in ([5, 1] if c == "." else [sizes[c]])]
        args.append(rng.standard_normal(shape))
    want, got = np.einsum(text, *args), anp.einsum(text, *args)
    assert np.shape(got) == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)
    lab.check_grads(lambda *xs: anp.einsum(text, *xs), order=2, tolerance=1e-5)(*args)
    graph = lab.trace(lambda *xs: anp.einsum(text, *xs), *args)
    np.testing.assert_array_equal(lab.interpret(graph, *args)[0], got)


def test_einsum_broadcasts_axes_of_length_one():
    x, y = np.ones((1, 3)), X[:, :, 0]
    np.testing.assert_allclose(anp.einsum("ij,ij->i", x, y), np.einsum("ij,ij->i", x, y))
    np.testing.assert_allclose(anp.einsum("...i,...i", X, X[0]), np.einsum("...i,...i", X, X[0]))


def test_updates_return_new_arrays():
    def same(f, g):
        want = X.copy()
        g(want)
        np.testing.assert_allclose(f(X), want)
        lab.check_grads(f, order=2)(X)

    def add_at(a):
        np.add.at(a, (J, AT[0]), 1.5)

    def set_part(a):
        a[:, 1:, ::2] = 7

    same(lambda x: anp.index_add(x, (J, AT[0]), 1.5), add_at)
    same(lambda x: anp.index_set(x, (slice(None), slice(1, None), slice(None, None, 2)), 7.0),
    set_part)
    graph = lab.trace(lambda x, i, v: anp.index_add(x, i, v), X, np.array([1, 1]), X)
    np.testing.assert_allclose(lab.interpret(graph, X, np.array([1, 1]), X)[0][1], X[1] + X.sum(0))
    with pytest.raises(LabError, match="names one place twice"):
        anp.index_set(X, np.array([0, 0]), 1.0)


def test_topk():
    values, places = anp.topk(np.array([[1.0, 3, 3, 2], [0, 0, 5, 1]]), 2)
    assert values.tolist() == [[3, 3], [5, 1]] and places.tolist() == [[1, 2], [2, 3]]
    lab.check_grads(lambda x: anp.topk(x, 2, axis=1)[0], order=2)(X)


def test_arrays_of_traced_values():
    f = lambda x: anp.array([[x[0], 2.0], [x[1] * x[0], x[2]]])  # noqa: E731
    x = np.array([1.0, 2.0, 3.0])
    assert f(x).tolist() == [[1, 2], [2, 3]]
    lab.check_grads(f, order=2)(x)
    lab.check_grads(lambda x: anp.full((2, 3), x[0]) * anp.linspace(x[1], x[2], 3), order=2)(x)


@pytest.mark.parametrize("call, sentence", [
    (lambda: anp.fft, "has no 'fft'; there are no complex numbers here"),
    (lambda: anp.unique, "its shape depends on values"),
    (lambda: anp.polyfit, "NumPy has it, but there is no rule"),
    (lambda: anp.concatnate, "did you mean: concatenate"),
    (lambda: anp.einsum("ij,jk", M), "names 2 operands, got 1"),
    (lambda: anp.einsum("ij->ik", M), "names 'k' twice, or no operand has it"),
    (lambda: anp.einsum("i", M), "'i' of 'i' names the axes of an operand that has 2"),
    (lambda: anp.einsum("ij,jk", M, M), "axes of one letter have lengths 3 and 4"),
    (lambda: anp.einsum("i-j", M), "does not read"),
    (lambda: anp.tensordot(M, M, 1), "differ in length"),
    (lambda: anp.cross(M, M), "three elements"),
    (lambda: anp.split(M, 5), "does not fall into 5 equal parts"),
    (lambda: anp.pad(M, 1, "mean"), "no mode 'mean'; the modes are"),
    (lambda: anp.pad(M, (1, 2, 3)), "does not fit"),
    (lambda: anp.exp([[1.0], [1.0, 2.0]]), "is no array"),
    (lambda: anp.exp(["a"]), "is not supported; the dtypes are"),
    (lambda: anp.where(M > 0, M), "both x and y"),
    (lambda: anp.topk(M, 9), "9 elements along axis 1"),
    (lambda: M[0] @ anp.getitem(M, 9), "index 9 does not"),
    (lambda: anp.getitem(M, np.array([9])), "gather of .* out of bounds"),
    (lambda: anp.getitem(M, np.array([True, False])),
     "a mask of length 2 along an axis of length 3"),
    (lambda: lab.trace(lambda x: x[x > 0], M), "is not known while tracing"),
    (lambda: lab.trace(lambda x: x.item(), M), "needs the value"),
    (lambda: lab.grad(lambda x: anp.sum(x & x))(M), "for truth values, got"),
    (lambda: anp.squeeze(M, 0), "is not of length one"),
    (lambda: anp.moveaxis(M, (0, 0), (0, 1)), "moveaxis"),
    (lambda: anp.expand_dims(M, (0, 0)), "names one place twice"),
    (lambda: anp.diag(X), "diag takes"),
    (lambda: anp.meshgrid(M[0], indexing="yx"), "it is 'xy' or 'ij'"),
    (lambda: anp.gelu(M, "erf"), "it is 'tanh' or 'none'"), (lambda: anp.cumsum(M, 2), "axis 2"),
])
def test_faults_are_sentences(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()


def test_a_name_that_is_not_there_answers_hasattr():
    assert not hasattr(anp, "fft") and not hasattr(anp, "nonsense") and hasattr(anp, "sum")


# ---- as NumPy has it: weights, NaN, dtypes

def test_weights_go_along_the_axis_that_is_averaged():
    x = np.arange(9.0).reshape(3, 3)
    for axis in (0, 1, -1):
        for weights in ([1.0, 2.0, 5.0], x):
            np.testing.assert_allclose(anp.average(x, axis, weights),
                                       np.average(x, axis, weights))
            lab.check_grads(lambda x, a=axis, w=weights: anp.average(x, a, w))(x + 1)


def test_a_median_beside_nan_is_nan():
    x = np.array([[1.0, np.nan, -1.0], [2.0, 5.0, 3.0]])
    np.testing.assert_array_equal(anp.median(x, 1), [np.nan, 3.0])
    assert np.isnan(anp.median(x)) and anp.median(np.array([3, 1, 2])) == 2


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.bool_])
def test_whole_numbers_hold_no_nan(dtype):
    x = np.array([1, 0, 1]).astype(dtype)
    for name in ("nanmax", "nanmin", "nanmean", "nan_to_num"):
        ours, theirs = getattr(anp, name)(x), getattr(np, name)(x)
        np.testing.assert_array_equal(ours, theirs)
        assert np.asarray(ours).dtype == theirs.dtype


def test_fmod_keeps_the_dtype_beside_a_number():
    for dtype in (np.float32, np.float16, np.int8):
        x = np.array([7, -7, 3]).astype(dtype)
        ours, theirs = anp.fmod(x, -2), np.fmod(x, -2)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_writing_into_floats_keeps_their_dtype():
    x = np.ones(3, np.float32)
    for f in (anp.index_set, anp.index_add):
        assert f(x, 0, 2.0).dtype == f(x, [0, 1], np.ones(2)).dtype == np.float32


def test_short_names_of_dtypes_do_everywhere():
    x = np.ones(2)
    for made in (anp.array(x, "f32"), anp.asarray(x, "f32"), anp.zeros_like(x, "f32"),
                 anp.full(2, 1, "f32"), anp.astype(x, "f32")):
        assert made.dtype == np.float32


def test_several_axes_are_rolled_like_numpy():
    x = np.arange(6.0).reshape(2, 3)
    for shift, axis in (((1, 2), 0), ((1, 2), (0, 1)), (1, (0, 1)), ((1, 2), None)):
        np.testing.assert_array_equal(anp.roll(x, shift, axis), np.roll(x, shift, axis))


@pytest.mark.parametrize(("run", "words"), [
    (lambda x: anp.average(x, 0, [1.0, 2.0]), r"weights f64\[2\] should have the shape of"),
    (lambda x: anp.average(x, None, [1.0, 2.0, 3.0]), r"weights f64\[3\] should have the shape"),
    (lambda x: anp.repeat(x, [1, 2], 0), "repeat: repeats=.1, 2. of f64.3,3. along axis 0"),
    (lambda x: anp.repeat(x, -1), "repeat: repeats=-1"),
    (lambda x: anp.roll(x, (1, 2, 3), (0, 1)), "roll of f64.3,3.: shifts .1, 2, 3. and axes"),
    (lambda x: anp.split(x, 0), "split: sections=0"),
    (lambda x: anp.array_split(x, 0), "array_split: sections=0"),
    (lambda x: anp.select([x > 0], [x, x]), "select: 1 conditions for 2 choices"),
    (lambda x: anp.pad(x[:0], 1, "edge"), "pad: f64.0,3. has no elements"),
    (lambda x: anp.linspace(0, 1, -5), "linspace: num=-5"),
    (lambda x: anp.concatenate(3), "concatenate: takes a list of arrays, got 3"),
    (lambda x: anp.transpose(x, 3), "transpose: axis 3"),
    (lambda x: anp.diff(x > 0), "sub is not defined for bool"),
    (lambda x: anp.trapezoid(x, np.ones((2, 2))), "mul: shapes .* do not broadcast"),
])
def test_more_bad_input_is_a_sentence(run, words):
    with pytest.raises(LabError, match=words):
        run(np.arange(9.0).reshape(3, 3))
