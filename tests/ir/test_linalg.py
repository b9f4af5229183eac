"""The rows of linear algebra: NumPy's results, the specs they have, what they cost and refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, parse, spec_of

X = np.random.default_rng(0).standard_normal((2, 4, 3))
SPD = X.swapaxes(1, 2) @ X + 0.1 * np.eye(3)
ROWS = {
    "inv": np.linalg.inv, "cholesky": np.linalg.cholesky, "det": np.linalg.det,
    "slogdet": np.linalg.slogdet, "eigh": np.linalg.eigh, "qr": np.linalg.qr,
    "svd": lambda a: np.linalg.svd(a, full_matrices=False), "pinv": np.linalg.pinv,
    "cofactor": lambda a: np.linalg.det(a)[..., None, None] * np.linalg.inv(a).swapaxes(-1, -2),
}


def agree(op, *inputs, **attrs):
    """The result, of which infer says what it is."""
    out = bind(op, *inputs, **attrs)
    said = OPS[op].infer(*map(spec_of, inputs), **attrs)
    if OPS[op].multi:
        assert type(out) is tuple
        assert said == tuple(map(spec_of, out)) == bind(op, *map(spec_of, inputs), **attrs)
    else:
        assert said == spec_of(out)
    return out


@pytest.mark.parametrize("op", ROWS)
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "bool"])
@pytest.mark.parametrize("batch", [(), (2,), (2, 2)])
def test_numpys_results(op, dtype, batch):
    a = SPD[0] if not batch else np.broadcast_to(SPD, (*batch, 3, 3))
    a = np.round(a * 3) + 5 * np.eye(3) if dtype in ("i64", "bool") else a
    a = (np.eye(3) + np.zeros(a.shape) if dtype == "bool" else a).astype(Spec((), dtype).dtype)
    out, want = agree(op, a), ROWS[op](a)
    for x, y in zip(out if OPS[op].multi else (out,), want if OPS[op].multi else (want,),
                    strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3 if dtype == "f32" else 1e-9, atol=1e-6)


@pytest.mark.parametrize("op", ["svd", "pinv"])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 5), (4, 1), (0, 3), (2, 0, 0)])
def test_matrices_that_are_not_square(op, shape):
    agree(op, np.random.default_rng(1).standard_normal(shape))


def test_qr_takes_as_many_rows_as_columns_or_more():
    q, r = agree("qr", X)
    np.testing.assert_allclose(q @ r, X, atol=1e-12)
    for call in (bind, lambda op, a: bind(op, spec_of(a))):
        with pytest.raises(LabError, match=r"qr: f64\[2,3,4\] has fewer rows than columns"):
            call("qr", X.swapaxes(1, 2))


@given(st.data())
def test_solve(data):
    n, k = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
    batches = data.draw(st.sampled_from([((), ()), ((2,), ()), ((), (2,)), ((2, 1), (3,))]))
    rng = np.random.default_rng(0)
    a = rng.standard_normal((*batches[0], n, n)) + 3 * np.eye(n)
    x = agree("solve", a, rng.standard_normal((*batches[1], n, k)).astype(np.float32))
    np.testing.assert_allclose(a @ x, np.broadcast_to(a @ x, x.shape))


def test_cofactors_of_singular_matrices():
    a = np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])  # of rank two
    minors = [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a, i, 0), j, 1))
               for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(bind("cofactor", a), minors, atol=1e-12)


@pytest.mark.parametrize("op", ["inv", "cholesky", "det", "slogdet", "eigh", "cofactor"])
def test_matrices_should_be_square(op):
    for a in (X, spec_of(X), np.ones(3), Spec((3,), "f64")):
        with pytest.raises(LabError, match=rf"{op}: takes square matrices \[..., N, N\], got f64"):
            bind(op, a)
    with pytest.raises(LabError, match="half precision, in which LAPACK does not compute"):
        bind(op, np.eye(3, dtype=np.float16))


def test_what_lapack_refuses_is_a_sentence():
    with pytest.raises(LabError, match=r"inv of f64\[2,2\]: Singular matrix\."):
        bind("inv", np.zeros((2, 2)))
    with pytest.raises(LabError, match=r"solve of f64\[2,2\] and f64\[2,1\]: Singular matrix\."):
        bind("solve", np.zeros((2, 2)), np.ones((2, 1)))
    with pytest.raises(LabError, match=r"cholesky of f64\[2,2\]: Matrix is not positive definite"):
        bind("cholesky", -np.eye(2))
    for b in (np.ones((2, 1)), np.ones(3)):
        with pytest.raises(LabError, match="solve"):
            bind("solve", np.eye(3), b)
    with pytest.raises(LabError, match="svd: .* needs rows and columns of known number"):
        bind("svd", Spec((3, "N"), "f64"))


def test_what_they_cost():
    a, long = Spec((2, 10, 10), "f64"), Spec((20, 10), "f64")
    assert OPS["inv"].flops(a) == 2 * 2 * 1000 and OPS["cholesky"].flops(a) == 2000 // 3
    assert OPS["solve"].flops(a, Spec((10, 3), "f64")) == 4000 // 3 + 2 * 2 * 10 * 10 * 3
    assert OPS["svd"].flops(long) == 6 * 20 * 100 + 20 * 1000 == OPS["svd"].flops(long.at()) \
        == OPS["svd"].flops(Spec((10, 20), "f64"))
    assert OPS["qr"].flops(long) == 4 * 20 * 100 - 4000 // 3


def test_several_results_in_a_text():
    text = """graph decompose
  input a    : f64[2,4,3]
  u, s, vt   : f64[2,4,3], f64[2,3], f64[2,3,3] = svd(a)
  p          : f64[2,3,4] = pinv(a, rtol=None)
  output u, s, vt, p"""
    graph = parse(text)
    assert parse(str(graph)) == graph
    with pytest.raises(LabError, match="makes"):
        parse(text.replace("f64[2,3], f64[2,3,3]", "f64[2,3], f64[2,3,4]"))
