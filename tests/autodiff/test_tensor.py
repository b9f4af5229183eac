"""Tensors as Python values, and what a run leaves behind: locks, levels, memory."""

import gc
import weakref

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import jvp, no_grad, vjp
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError

X = np.arange(1.0, 5.0)


# ---- as Python values

@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_beside_a_tensor_counts_as_an_array(kind):
    rows, x = kind([[1.0, 2.0], [3.0, 4.0]]), np.full((2, 2), 2.0)
    for f in (lambda a, b: a @ b, lambda a, b: a ** b, lambda a, b: a / b, lambda a, b: a - b):
        for ours in (lambda x, f=f: anp.sum(f(x, rows)), lambda x, f=f: anp.sum(f(rows, x))):
            lab.check_grads(ours)(x)


def test_a_list_beside_a_tensor_may_hold_tensors():
    assert lab.grad(lambda x: anp.sum(x * [x, 1.0]))(3.0) == 7


def test_a_tensor_without_axes_has_no_length():
    for f in (len, list, sum):
        with pytest.raises(LabError, match=r"Tensor\(f64\[\], reverse mode\) has no length"):
            lab.grad(lambda x, f=f: x * f(x))(2.0)
    with pytest.raises(LabError, match="first axis is still open"):
        lab.trace(lambda x: x * len(x), X, dims={"x": {0: "N"}})


def test_a_tensor_prints_like_its_number_where_a_form_is_given():
    seen = []
    lab.grad(lambda x: (seen.extend([f"{x:.3f}", f"{x}"]), x * x)[1])(2.0)
    assert seen == ["2.000", "Tensor(f64[], reverse mode)"]


# ---- no_grad

def test_a_derivative_that_begins_inside_no_grad_is_taken():
    with no_grad():
        assert lab.grad(lambda x: x * x)(3.0) == 6
        assert jvp(lambda x: x * x, (3.0,), (1.0,))[1] == 6
        assert vjp(lambda x: x * x, 3.0)[1](1.0)[0] == 6


def test_inside_no_grad_a_derivative_is_a_constant_to_the_one_around():
    def f(x):
        with no_grad():
            slope = lab.grad(lambda y: x * y * y)(x)  # 2 x x
        return slope * x

    assert lab.grad(f)(3.0) == 18
    assert jvp(f, (3.0,), (1.0,))[1] == 18


# ---- locks and memory

def test_a_view_is_given_back_while_its_owner_stays_locked():
    owner = X.copy()
    view = owner[:2]

    def f(x):
        out = anp.sum(x * owner) * anp.sum(lab.grad(lambda z: anp.sum(z * view))(np.ones(2)))
        with pytest.raises(ValueError, match="read-only"):
            owner[0] = 7.0
        view[0] += 0.0  # it is open
        return out

    assert lab.grad(f)(np.ones(4)).tolist() == (3 * X).tolist()
    assert owner.flags.writeable and view.flags.writeable


@pytest.mark.parametrize("run", [
    lambda f, x: vjp(f, x)[1](1.0), lambda f, x: lab.grad(f)(x),
    lambda f, x: lab.grad(lambda x: lab.autodiff.checkpoint(f)(x))(x)])
def test_a_tape_goes_with_its_last_user(run):
    """Reference counts free it: no cycle waits for Python's collector."""
    class Rows(np.ndarray):
        """An array that can be watched."""

    x, watched = X.copy(), []

    def f(x):
        rows = np.ones(4).view(Rows)
        watched.append(weakref.ref(rows))
        return anp.sum(anp.exp(x * rows))

    gc.collect()
    gc.disable()
    try:
        run(f, x)
        assert all(ref() is None for ref in watched)
    finally:
        gc.enable()
