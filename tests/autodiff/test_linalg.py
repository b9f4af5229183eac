"""Linear algebra of the namespace: NumPy's values, both modes to second order, conventions."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from autodiff.ways import agree_in_second_order, agree_when_traced

linalg = anp.linalg
INF = np.inf


def symmetric(x):
    return x + anp.swapaxes(x, -1, -2)


def positive(x):
    """Positive definite matrices."""
    return anp.matmul(x, anp.swapaxes(x, -1, -2)) + 0.5 * np.eye(anp.shape(x)[-2])


def thin(x):
    return linalg.svd(x, full_matrices=False)


CASES = {  # name: (function of arrays, their shapes)
    "inv": (linalg.inv, (2, 3, 3)), "solve": (linalg.solve, (3, 3), (2, 3, 2)),
    "solve of vectors": (linalg.solve, (2, 3, 3), (3,)), "det": (linalg.det, (2, 3, 3)),
    "slogdet": (lambda a: linalg.slogdet(a).logabsdet, (2, 3, 3)),
    "cholesky": (lambda x: linalg.cholesky(positive(x)), (2, 3, 3)),
    "cholesky upper": (lambda x: linalg.cholesky(positive(x), upper=True), (3, 3)),
    "eigvalsh": (lambda x: linalg.eigvalsh(symmetric(x)), (2, 3, 3)),
    "eigh": (lambda x: linalg.eigh(symmetric(x), "U").eigenvectors ** 2, (2, 3, 3)),
    "svdvals": (linalg.svdvals, (2, 4, 3)),
    "svd U": (lambda x: thin(x).U ** 2, (2, 4, 3)), "svd V": (lambda x: thin(x).Vh ** 2, (2, 4, 3)),
    "wide svd U": (lambda x: thin(x).U ** 2, (2, 2, 3)),
    "wide svd V": (lambda x: thin(x).Vh ** 2, (2, 2, 3)),
    "svd": (lambda x: (lambda u, s, v: (u * s[..., None, :] ** 2) @ v)(*thin(x)), (3, 3)),
    "qr": (lambda x: (lambda q, r: q @ r ** 2 + q)(*linalg.qr(x)), (2, 4, 3)),
    "wide qr": (lambda x: linalg.qr(x).Q, (2, 3, 5)), "qr r": (lambda x: linalg.qr(x, "r"), (3, 5)),
    "pinv": (linalg.pinv, (2, 4, 3)), "wide pinv": (linalg.pinv, (2, 2, 3)),
    "matrix_power": (lambda x: linalg.matrix_power(x, 5), (2, 3, 3)),
    "negative power": (lambda x: linalg.matrix_power(x, -2), (3, 3)),
    "multi_dot": (lambda *xs: linalg.multi_dot(xs), (3,), (3, 4), (4, 2), (2,)),
    "diagonal": (lambda x: linalg.diagonal(x * x, 1), (2, 3, 4)),
    "trace": (lambda x: linalg.trace(x * x, -1), (2, 3, 4)),
    "cond": (linalg.cond, (3, 3)), "cond 1": (lambda x: linalg.cond(x, 1), (3, 3)),
    "outer": (linalg.outer, (3,), (4,)),
    **{f"matrix norm {o}": (lambda x, o=o: linalg.norm(x, o, (0, 2)), (3, 2, 4))
       for o in (None, "fro", "nuc", 2, -2, 1, -1, INF, -INF)},
    **{f"norm {o}": (lambda x, o=o: linalg.norm(x, o, 1, True), (3, 4))
       for o in (None, 1, 2, 3, -1, 0.5, INF, -INF)},
}


def arguments(name):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in CASES[name][1:]]


@pytest.mark.parametrize("name", CASES)
def test_rules_agree_with_central_differences(name):
    lab.check_grads(CASES[name][0], order=2, tolerance=1e-5)(*arguments(name))


@pytest.mark.parametrize("name", CASES)
def test_modes_agree_in_second_order_in_all_four_ways(name):
    agree_in_second_order(CASES[name][0], arguments(name), 1e-7)


@pytest.mark.parametrize("name", CASES)
def test_traced_gradients_are_the_eager_ones(name):
    agree_when_traced(CASES[name][0], arguments(name))


A = np.random.default_rng(1).standard_normal((2, 3, 3))
TALL = np.random.default_rng(2).standard_normal((2, 4, 3))
NORMS = [(o, axis) for axis in ((0, 1), (-1, 0)) for o in (
    None, "fro", "nuc", 2, -2, 1, -1, INF, -INF)] + [
    (o, axis) for axis in (0, -1, (1,)) for o in (None, 0, 1, 2, 3, -1, -2, 0.5, INF, -INF)]


@pytest.mark.parametrize("o, axis", NORMS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_are_numpys(o, axis, keepdims):
    got = linalg.norm(TALL, o, axis, keepdims)
    want = np.linalg.norm(TALL, o, axis, keepdims)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("call", [
    lambda m, x: m.norm(x), lambda m, x: m.norm(x[0, 0]),
    lambda m, x: m.norm(x[0], 1), lambda m, x: m.norm(x[0, 0], 1),
    lambda m, x: m.norm(x, keepdims=True), lambda m, x: m.norm([3, 4]),
    lambda m, x: m.vector_norm(x), lambda m, x: m.vector_norm(x, axis=(0, 1), ord=3),
    lambda m, x: m.matrix_norm(x, ord=1), lambda m, x: m.matrix_norm(x),
    lambda m, x: m.det([[1, 2], [3, 5]]), lambda m, x: m.inv([[2, 0], [0, 4]]),
    lambda m, x: m.slogdet(A).sign, lambda m, x: m.slogdet(A).logabsdet,
    lambda m, x: m.eigh(A).eigenvalues, lambda m, x: m.eigvalsh(A, "U"),
    lambda m, x: m.svd(A).S, lambda m, x: m.svd(x, compute_uv=False),
    lambda m, x: m.svdvals(x), lambda m, x: m.matrix_power(A, 0),
    lambda m, x: m.matrix_power(A, 1), lambda m, x: m.matrix_power(A, 7),
    lambda m, x: m.matrix_power(A, -3), lambda m, x: m.diagonal(x, offset=-2),
    lambda m, x: m.diagonal(x, offset=5), lambda m, x: m.trace(x, offset=1),
    lambda m, x: m.cond(A), lambda m, x: m.cond(A, -2),
    lambda m, x: m.cond(A, "fro"), lambda m, x: m.matrix_transpose(x),
    lambda m, x: m.outer(x[0, 0], x[0, :, 0]),
    lambda m, x: m.multi_dot([x[0], A[0], x[1].T]),
    lambda m, x: m.multi_dot([x[0, 0], A[0]]),
    lambda m, x: m.pinv(x, 0.5),
    lambda m, x: m.solve(A, x[0, 0]), lambda m, x: m.solve(A, A[0]),
])
def test_values_are_numpys(call):
    got, want = call(linalg, TALL), call(np.linalg, TALL)
    assert np.shape(got) == np.shape(want) and np.result_type(got) == np.result_type(want)
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_parts_fit_together():
    u, s, vt = linalg.svd(TALL, full_matrices=False)
    np.testing.assert_allclose(u * s[..., None, :] @ vt, TALL, atol=1e-12)
    for a in (TALL, TALL.swapaxes(1, 2)):
        q, r = linalg.qr(a)
        np.testing.assert_allclose(q @ r, a, atol=1e-12)
        np.testing.assert_allclose(np.tril(r, -1), 0, atol=1e-12)


def test_multi_dot_takes_the_cheapest_order():
    graph = lab.trace(lambda *xs: linalg.multi_dot(xs), *map(
        np.ones, ((10, 100), (100, 5), (5, 50), (50, 1))))
    cost = sum(row.flops for row in lab.ir.work(graph)) // 2
    assert cost == 5 * 50 * 1 + 100 * 5 * 1 + 10 * 100 * 1


def test_gradients_of_symmetric_matrices_are_symmetric():
    a = positive(A)
    for f in (lambda a: anp.sum(linalg.cholesky(a) ** 3),
              lambda a: anp.sum(linalg.eigvalsh(a) ** 3),
              lambda a: anp.sum(linalg.eigh(a).eigenvectors[..., 0] ** 4)):
        g, t = lab.grad(f)(a), np.random.default_rng(0).standard_normal(a.shape)
        np.testing.assert_allclose(g, g.swapaxes(1, 2), atol=1e-12)
        by_jvp = [lab.jvp(f, (a,), (d,))[1] for d in (t, t.swapaxes(1, 2))]
        np.testing.assert_allclose(by_jvp, np.sum(g * t), rtol=1e-9)


def test_repeated_eigenvalues_keep_their_gradients():
    np.testing.assert_allclose(lab.grad(lambda a: anp.sum(linalg.eigvalsh(a) ** 2))(np.eye(3)),
                               2 * np.eye(3))
    np.testing.assert_allclose(lab.grad(lambda a: anp.sum(linalg.svdvals(a) ** 2))(np.eye(3)),
                               2 * np.eye(3), atol=1e-12)
    low = np.outer([1.0, 2], [3.0, 4])  # of rank one: a singular value is 0
    assert np.isfinite(lab.grad(lambda a: linalg.norm(a, "nuc"))(low)).all()
    lab.check_grads(linalg.pinv, order=1)(np.eye(3))


def test_gradients_at_the_edge():
    a = np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])  # singular, of rank two
    lab.check_grads(linalg.det, order=1)(a)
    for f in (linalg.slogdet, lambda a: lab.grad(linalg.det)(a)):
        with pytest.raises(LabError, match=r"inv of f64\[2,2\]: Singular matrix"):
            lab.grad(lambda a, f=f: anp.sum(f(a)[-1]))(np.zeros((2, 2)))
    for o in (None, 2, 3):
        assert lab.grad(lambda x, o=o: linalg.norm(x, o, 0))(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("call, sentence", [
    (lambda: linalg.svd(TALL), r"svd of f64\[2,4,3\]: the full matrices .* full_matrices=False"),
    (lambda: linalg.qr(A, "complete"), "qr: mode='complete'; it is one of 'reduced', 'r'"),
    (lambda: linalg.qr(np.ones(3)), "qr: takes matrices"),
    (lambda: linalg.eigh(A, "x"), "eigh: UPLO='x'; it is one of 'L', 'U'"),
    (lambda: linalg.matrix_power(A, 0.5), "matrix_power: n=0.5; it is a whole number"),
    (lambda: linalg.matrix_power(TALL, 2), r"matrix_power: takes square .*, got f64\[2,4,3\]"),
    (lambda: linalg.multi_dot([A, A]), r"multi_dot: .* got f64\[2,3,3\], f64\[2,3,3\]"),
    (lambda: linalg.multi_dot([A[0]]), "multi_dot: takes two matrices or more"),
    (lambda: linalg.norm(A, "nuc"), "norm: ord='nuc' .* one axis .* or two"),
    (lambda: linalg.norm(A, 3, (0, 1)), "norm of matrices: ord=3; it is one of"),
    (lambda: linalg.norm(A, "fro", 0), "vector_norm: ord='fro'"),
    (lambda: linalg.norm(A, 2, (0, 0)), r"norm of f64\[2,3,3\]: axis 0 is named twice"),
    (lambda: linalg.norm(A, 2, 5), "axis 5"), (lambda: linalg.trace(np.ones(3)), "trace|diagonal"),
    (lambda: linalg.det(TALL), "det: takes square matrices"),
    (lambda: linalg.inv(np.ones((2, 2))), r"inv of f64\[2,2\]: Singular matrix"),
    (lambda: linalg.solve(A, np.ones(4)), "solve: .* has 3 rows, the right side .* has 4"),
    (lambda: linalg.eig(A), "no 'eig'"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()


def test_dtypes():
    x = (A @ A.swapaxes(1, 2) + np.eye(3)).astype(np.float32)
    for f in (linalg.inv, linalg.det, linalg.cholesky, linalg.eigvalsh, linalg.pinv, linalg.cond,
              lambda a: linalg.qr(a).R, lambda a: linalg.norm(a, "nuc", (1, 2)), linalg.norm,
              lambda a: linalg.slogdet(a)[1], lambda a: linalg.svd(a).U, linalg.trace):
        value, pull = lab.vjp(f, x)
        assert value.dtype == pull(value)[0].dtype == lab.jvp(f, (x,), (x,))[1].dtype == np.float32
