"""Derivatives inside derivatives, in every mixture of modes, against what pen and paper give."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp


def forward(f):
    return lambda x: lab.jvp(f, (x,), (1.0,))[1]


def backward(f):
    return lambda x: lab.vjp(f, x)[1](1.0)[0]


MODES = {"grad": lab.grad, "jvp": forward, "vjp": backward}
PAIRS = list(itertools.product(MODES, repeat=2))
TRIPLES = list(itertools.product(MODES, repeat=3))


# ---- whose perturbation is it?

@pytest.mark.parametrize("outer, inner", PAIRS)
def test_an_inner_derivative_leaves_the_outer_variable_alone(outer, inner):
    outer, inner = MODES[outer], MODES[inner]
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1
    assert outer(lambda x: inner(lambda y: x * y)(x) * x)(3.0) == 6
    assert outer(lambda x: inner(lambda y: x)(1.0) + x)(2.0) == 1
    assert outer(lambda x: inner(lambda x: x * x)(x) * x)(3.0) == 12


@pytest.mark.parametrize("first, second, third", TRIPLES)
def test_three_levels_that_see_each_other(first, second, third):
    d1, d2, d3 = MODES[first], MODES[second], MODES[third]

    def f(x):  # d/dy (y d/dz (x y z**2 at z = x y) at y = x) = d/dy (2 x**2 y**3) = 6 x**4
        return d2(lambda y: y * d3(lambda z: x * y * z ** 2)(x * y))(x)

    assert np.isclose(f(1.5), 6 * 1.5 ** 4)
    assert np.isclose(d1(f)(1.5), 24 * 1.5 ** 3)
    third_of = d1(d2(d3(lambda x: anp.sin(2 * x) * x)))  # -8 x cos 2x - 12 sin 2x
    assert np.isclose(third_of(0.3), -8 * 0.3 * np.cos(0.6) - 12 * np.sin(0.6))


@pytest.mark.parametrize("outer, inner", PAIRS)
def test_a_closure_made_inside_sees_the_variable_of_its_maker(outer, inner):
    outer, inner = MODES[outer], MODES[inner]

    def f(x):
        shifted = [lambda y, k=k: anp.exp(k * x * y) for k in (1, 2)]
        return sum(inner(g)(0.5) for g in shifted)  # k x exp(k x / 2)

    x = 0.7
    want = sum(k * np.exp(k * x / 2) * (1 + k * x / 2) for k in (1, 2))
    assert np.isclose(outer(f)(x), want)


def test_a_pull_and_a_push_may_be_called_inside_another_derivative():
    x = np.array([0.3, -0.8])
    _, pull = lab.vjp(anp.sin, x)
    np.testing.assert_allclose(lab.jacobian(lambda u: pull(u)[0])(x), np.diag(np.cos(x)))

    def f(u):  # u -> J'(J u), quadratic form in u
        return anp.sum(u * lab.vjp(anp.sin, x)[1](lab.jvp(anp.sin, (x,), (u,))[1])[0])

    np.testing.assert_allclose(lab.grad(f)(x), 2 * np.cos(x) ** 2 * x)
    np.testing.assert_allclose(lab.hessian(f)(x), np.diag(2 * np.cos(x) ** 2))


# ---- products of Jacobians with vectors, mixed

A, B = np.random.default_rng(0).standard_normal((2, 3, 3))


def quartic(x):
    return anp.sum((A @ x) ** 2 * (B @ x) ** 2)


def hessian_of_quartic(x):
    a, b = A @ x, B @ x
    cross = A.T @ np.diag(4 * a * b) @ B
    return A.T @ np.diag(2 * b * b) @ A + B.T @ np.diag(2 * a * a) @ B + cross + cross.T


HVPS = {
    "jvp of vjp": lambda f, x, v: lab.jvp(lambda x: lab.vjp(f, x)[1](1.0)[0], (x,), (v,))[1],
    "vjp of jvp": lambda f, x, v: lab.vjp(lambda x: lab.jvp(f, (x,), (v,))[1], x)[1](1.0)[0],
    "vjp of vjp": lambda f, x, v: lab.vjp(lambda x: lab.vjp(f, x)[1](1.0)[0], x)[1](v)[0],
    "jvp of grad": lambda f, x, v: lab.jvp(lab.grad(f), (x,), (v,))[1],
    "grad of grad": lambda f, x, v: lab.grad(lambda x: anp.sum(lab.grad(f)(x) * v))(x),
    "hvp": lambda f, x, v: lab.hessian_vector_product(f)(x, v),
    "jvp of jvp": lambda f, x, v: np.array([
        lab.jvp(lambda x, e=e: lab.jvp(f, (x,), (e,))[1], (x,), (v,))[1] for e in np.eye(3)]),
}


@pytest.mark.parametrize("name", HVPS)
def test_hessian_vector_products_in_every_mixture(name):
    x, v = np.array([0.5, -1.0, 0.3]), np.array([1.0, 2.0, -0.5])
    want = hessian_of_quartic(x)
    np.testing.assert_allclose(HVPS[name](quartic, x, v), want @ v, rtol=1e-12)
    h = lab.hessian(quartic)(x)
    np.testing.assert_allclose(h, want, rtol=1e-12)
    np.testing.assert_allclose(h, h.T, rtol=1e-12)


def test_third_derivatives_are_symmetric_in_all_three_axes():
    t = lab.jacobian(lab.hessian(quartic))(np.array([0.5, -1.0, 0.3]))
    assert t.shape == (3, 3, 3)
    for axes in itertools.permutations(range(3)):
        np.testing.assert_allclose(t, t.transpose(axes), rtol=1e-10, atol=1e-10)


# ---- nothing, and zero

@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (2, 0, 3)])
def test_arrays_without_elements(shape):
    x = np.zeros(shape)
    assert lab.grad(lambda x: anp.sum(anp.sin(x) ** 2))(x).shape == shape
    assert lab.jvp(lambda x: anp.sum(x * x), (x,), (x,)) == (0, 0)
    assert lab.vjp(anp.exp, x)[1](x)[0].shape == shape
    assert lab.hessian(lambda x: anp.sum(x ** 3))(x).shape == shape + shape
    assert lab.jacobian(lambda x: anp.sum(x, 0))(x).shape == shape[1:] + shape
    assert lab.hessian_vector_product(lambda x: anp.sum(x ** 3))(x, x).shape == shape


# ---- trees

@dataclass
class Layer:
    w: object
    b: object
    steps: int = 3


class Pair(NamedTuple):
    left: object
    right: object


def norm(tree):
    return sum(anp.sum(x * x) for x in lab.core.tree.flatten(tree)[0])


TREES = {
    "list": [np.ones(2), 3.0], "tuple": (np.ones(2), np.ones((1, 2))), "empty": [],
    "dict": {"b": np.ones(2), "a": 2.0}, "named tuple": Pair(np.ones(2), np.float32(2)),
    "nested": {"layers": [Layer(np.ones((2, 2)), None, np.float64(1.0))],
               "more": (Pair(1.0, 2.0),)},
}


@pytest.mark.parametrize("name", TREES)
def test_gradients_come_in_the_tree_of_the_argument(name):
    tree = TREES[name]
    flatten = lab.core.tree.flatten
    for g in (lab.grad(norm)(tree), lab.vjp(norm, tree)[1](1.0)[0]) if flatten(tree)[0] else ():
        assert flatten(g)[1] == flatten(tree)[1]
        for x, y in zip(flatten(tree)[0], flatten(g)[0], strict=True):
            assert (np.asarray(y) == 2 * np.asarray(x)).all()
            assert np.asarray(y).dtype == np.asarray(x).dtype
    out, moved = lab.jvp(lambda t: t, (tree,), (tree,))
    assert flatten(out)[1] == flatten(moved)[1] == flatten(tree)[1]


def test_whole_numbers_and_truth_values_in_a_tree_get_zeros_of_their_kind():
    layer = Layer(np.ones(2), np.array([True, False]), 3)
    out, pull = lab.vjp(lambda p: anp.sum(anp.where(p.b, p.w, 0.0)) * p.steps, layer)
    g, = pull(1.0)
    assert out == 3 and g.w.tolist() == [3, 0]
    assert g.b.dtype == bool and not g.b.any() and g.steps == 0
    assert np.asarray(g.steps).dtype == np.int64
    with pytest.raises(lab.LabError, match="floating-point arrays, so write 2.0 for 2"):
        lab.grad(lambda p: anp.sum(p.w) * p.steps)(layer)


# ---- dtypes

@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_verb_keeps_the_dtype(dtype):
    x = np.array([0.5, 1.5], dtype)

    def f(x):
        return anp.sum(anp.exp(x) * 2 + x ** 3 / np.pi + anp.sqrt(x) - 1.0)

    results = [lab.grad(f)(x), lab.hessian(f)(x), lab.hessian_vector_product(f)(x, x),
               lab.jacobian(lambda x: anp.tanh(x) * 2.0)(x), *lab.value_and_grad(f)(x),
               *lab.jvp(f, (x,), (x,)), lab.vjp(anp.sin, x)[1](x)[0],
               lab.jvp(anp.sin, (x,), (x.astype(np.float64),))[1],
               lab.elementwise_grad(anp.tanh)(x)]
    assert [result.dtype for result in results] == [dtype] * len(results)


def test_each_argument_has_its_own_dtype():
    half, single, double = (np.ones(3, dtype) for dtype in ("f2", "f4", "f8"))
    gradients = lab.vjp(lambda a, b, c: a * b + b * c, half, single, double)[1](double)
    assert [g.dtype for g in gradients] == [np.float16, np.float32, np.float64]
    assert lab.jvp(anp.multiply, (single, double), (single, double))[1].dtype == np.float64
