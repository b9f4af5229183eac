"""What a derivative does to the memory of its inputs and results: nothing that can be seen."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab import kernels
from aisys_lab.autodiff import numpy as anp

X = np.arange(1.0, 7.0)


def square(x):
    return anp.sum(x * x)


LAYOUTS = {
    "a view": X[1:4], "every second": X[::2], "backwards": X[::-1], "columns": X.reshape(2, 3).T,
    "one value, spread": np.broadcast_to(2.0, (2, 3)), "lent memory": np.frombuffer(bytearray(24)),
    "a field": np.zeros(3, [("a", "f4"), ("b", "f8")])["b"],
    "empty": X[:0], "a matrix of Fortran": np.asfortranarray(X.reshape(2, 3)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_differentiated_and_left_as_it_was(name):
    x = LAYOUTS[name]
    before, writeable = x.copy(), x.flags.writeable
    np.testing.assert_array_equal(lab.grad(square)(x), 2 * before)
    np.testing.assert_array_equal(lab.hessian_vector_product(square)(x, before), 2 * before)
    np.testing.assert_array_equal(x, before)
    assert x.flags.writeable == writeable


def test_an_array_and_its_views_are_all_given_back():
    x = X.copy()

    def f(y):  # first a view, then its owner, then another view
        return anp.sum(y * 1.0) + anp.sum(anp.multiply(x, y[0])) + anp.sum(y * x[1:])

    assert lab.grad(f)(x[1:]).tolist() == [1 + 21 + 2, 4, 5, 6, 7]
    assert x.flags.writeable and x[1:].flags.writeable


def test_arrays_are_given_back_where_the_function_fails():
    x = X.copy()
    with pytest.raises(ZeroDivisionError):
        lab.grad(lambda y: square(y * x) / (1 // 0))(x)
    with pytest.raises(lab.LabError):
        lab.jvp(lambda y: y @ np.ones((5, 5)), (x,), (x,))
    assert x.flags.writeable


def test_nested_derivatives_lock_and_free_the_same_array():
    x = X.copy()
    g = lab.grad(lambda a: anp.sum(lab.grad(lambda b: anp.sum(b * b * x * a))(x)))(x)
    assert g.tolist() == (2 * X * X).tolist() and x.flags.writeable


def test_gradients_share_no_memory():
    u, tree = np.ones(6), {"a": X, "b": [X + 1, X]}
    _, pull = lab.vjp(lambda p: p["a"] + p["b"][0] - p["b"][1], tree)
    g, = pull(u)
    parts = [g["a"], *g["b"]]
    assert all(part.flags.writeable for part in parts)
    g["a"] *= 0
    assert u.all() and parts[1].all() and pull(u)[0]["a"].all()
    swapped = lab.vjp(lambda x: anp.transpose(x), X.reshape(2, 3))[1](u2 := np.ones((3, 2)))[0]
    swapped *= 0
    assert u2.all()


@pytest.mark.parametrize("keep", [lambda x: x, lambda x: x[:]], ids=["itself", "a view"])
def test_a_large_result_of_a_kernel_is_the_gradient_unless_a_view_of_it_is_kept(keep, monkeypatch):
    made, matmul = [], kernels.matmul

    def product(*args):
        out = matmul(*args)
        made.append(keep(out))
        return out

    monkeypatch.setattr(kernels, "matmul", product)
    grads = lab.vjp(anp.matmul, np.ones((90, 300)), np.ones((300, 200)))[1](np.ones((90, 200)))
    shared = [np.shares_memory(g, kept) for g, kept in zip(grads, made[1:], strict=True)]
    assert shared == [keep(grads[0]) is grads[0]] * 2


def test_the_same_array_as_two_arguments_has_two_gradients():
    first, second = lab.vjp(lambda a, b: a * b * b, X, X)[1](np.ones(6))
    assert first.tolist() == (X * X).tolist() and second.tolist() == (2 * X * X).tolist()
    both = lab.grad(lambda p: anp.sum(p[0] * p[1] * p[1]))([X, X])
    assert both[0].tolist() == first.tolist() and both[1].tolist() == second.tolist()
    assert lab.grad(lambda a: anp.sum(a * a * a))(X).tolist() == (3 * X * X).tolist()


def test_a_write_through_the_owner_of_a_saved_view_is_seen():
    buffer = np.ones((2, 3))

    def f(w):
        out = w * buffer[0]
        buffer[0] += 1
        return anp.sum(out)

    with pytest.raises(lab.LabError, match="changes an array in place"):
        lab.grad(f)(np.ones(3))
    buffer[0] += 1
    assert buffer[0, 0] == 2
