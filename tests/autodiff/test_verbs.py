"""The verbs: nesting, trees, and what they say to bad input."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from programs import BINARY, PROGRAMS, SHAPES, UNARY, inputs, program

CORNERS = {"abs", "relu", "top", "floor", "low", "labels", "maximum", "minimum", "where", "exp"}


# ---- nesting

def test_perturbations_are_not_confused():
    """Siskind and Pearlmutter 2005: d/dx (x d/dy (x + y)) at 1 is 1; confused, it is 2."""
    def in_reverse(x):
        return x * lab.grad(lambda y: x + y)(1.0)

    def in_forward(x):
        return x * lab.jvp(lambda y: x + y, (1.0,), (1.0,))[1]

    for f in (in_reverse, in_forward):
        assert lab.grad(f)(1.0) == 1 and lab.jvp(f, (1.0,), (1.0,))[1] == 1


def test_an_outer_variable_inside_an_inner_derivative():
    def f(x):
        return lab.grad(lambda y: x * y ** 3 * anp.sin(x))(2.0)  # 12 x sin x

    assert np.isclose(f(0.7), 12 * 0.7 * np.sin(0.7))
    assert np.isclose(lab.grad(f)(0.7), 12 * (np.sin(0.7) + 0.7 * np.cos(0.7)))


def test_every_order_of_the_sine():
    f, x = anp.sin, 0.4
    for k, want in enumerate([np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)] * 2):
        assert np.isclose(f(x), want(x)), k
        f = lab.grad(f)


def test_mixed_modes_to_third_order():
    def f(x):
        return anp.tanh(x) * anp.exp(x / 2)

    def forward(f):
        return lambda x: lab.jvp(f, (x,), (1.0,))[1]

    kinds = {"reverse": lab.grad, "forward": forward}
    third = [a(b(c(f)))(0.3) for a in kinds.values() for b in kinds.values()
             for c in kinds.values()]
    np.testing.assert_allclose(third, third[0], rtol=1e-12)


def test_hessian_and_its_product_with_a_vector():
    a = np.random.default_rng(0).standard_normal((4, 4))

    def f(x):
        return anp.sum(anp.sin(x) * (a @ x)) + anp.sum(x ** 3)

    x, v = np.arange(4.0), np.ones(4)
    h = lab.hessian(f)(x)
    np.testing.assert_allclose(h, h.T, atol=1e-12)
    np.testing.assert_allclose(lab.hessian_vector_product(f)(x, v), h @ v, atol=1e-12)


def test_jacobian_is_rows_of_pulls_and_columns_of_pushes():
    def f(x):
        return anp.tanh(x @ np.arange(6.0).reshape(3, 2))

    x = np.array([0.1, -0.2, 0.3])
    columns = [lab.jvp(f, (x,), (e,))[1] for e in np.eye(3)]
    np.testing.assert_allclose(lab.jacobian(f)(x), np.stack(columns, 1))
    assert lab.jacobian(lambda x: x[:0])(x).shape == (0, 3)
    assert lab.jacobian(anp.sum)(np.zeros(0)).shape == (0,)
    assert lab.jacobian(lambda x: anp.expand_dims(x, 0))(x).shape == (1, 3, 3)


# ---- random programs

@given(PROGRAMS, SHAPES, st.integers(0, 99))
def test_forward_and_reverse_agree_on_random_programs(steps, shape, seed):
    f, args = program(steps), inputs(shape, np.float64, seed)
    rng = np.random.default_rng(seed)
    v = tuple(rng.standard_normal(shape) for _ in args)
    out, pull = lab.vjp(f, *args)
    again, moved = lab.jvp(f, tuple(args), v)
    u = tuple(rng.standard_normal(np.shape(x)) for x in out)
    for a, b, c in zip(out, again, f(*args), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    left = sum(np.sum(a * b) for a, b in zip(u, moved, strict=True))
    right = sum(np.sum(a * b) for a, b in zip(pull(u), v, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)


SMOOTH = [name for name in sorted({*UNARY, *BINARY}) if name not in CORNERS]


@given(st.lists(st.sampled_from(SMOOTH), min_size=1, max_size=5), st.integers(0, 99))
def test_smooth_random_programs_agree_with_central_differences(ops, seed):
    steps = [(name, i) if name in UNARY else (name, i, i + 1) for i, name in enumerate(ops)]
    f = program(steps)
    lab.check_grads(lambda x, y: f(x, y)[1], order=2, tolerance=1e-5)(*inputs((2, 3), float, seed))


@given(PROGRAMS, SHAPES, st.integers(0, 99), st.sampled_from([np.float32, np.float64]))
def test_the_traced_gradient_is_the_eager_one(steps, shape, seed, dtype):
    f, args = program(steps), inputs(shape, dtype, seed)
    step = lab.value_and_grad(lambda x, y: f(x, y)[1])
    value, gradient = step(*args)
    traced = lab.interpret(lab.trace(step, *args), *args)
    assert traced[1].dtype == gradient.dtype == dtype
    np.testing.assert_array_equal(traced[0], value)
    np.testing.assert_array_equal(traced[1], gradient)


# ---- trees and calls

def test_trees_come_back_as_trees():
    params = {"w": np.ones((2, 2)), "more": [np.ones(2), (np.ones(()),)], "none": None}

    def f(p, x):
        return anp.sum(p["w"] @ x + p["more"][0]) * p["more"][1][0]

    g = lab.grad(f)(params, np.arange(2.0))
    assert list(g) == ["w", "more", "none"] and g["none"] is None
    assert g["w"].tolist() == [[0, 1], [0, 1]] and type(g["more"][1]) is tuple
    out, pull = lab.vjp(lambda x: {"a": x, "b": (x * 2, 1.0)}, 3.0)
    assert out["b"][0] == 6 and pull({"a": 1.0, "b": (1.0, 5.0)})[0] == 3


def test_labels_and_unused_arguments_get_zeros():
    out, pull = lab.vjp(lambda x, n, y: x * n, np.ones(3), np.arange(3), np.ones((2, 2)))
    gx, gn, gy = pull(np.ones(3))
    assert gx.tolist() == [0, 1, 2] and not gn.any() and gn.dtype == np.int64
    assert gy.shape == (2, 2) and not gy.any()
    assert lab.grad(lambda x: 1.5)(np.ones(2)).tolist() == [0, 0]
    assert pull(np.ones(3))[0].tolist() == [0, 1, 2]  # a pull can be pulled again


def test_argnum_and_the_conventions_of_autograd():
    def f(a, b):
        return a * b * b

    assert lab.grad(f, 1)(3.0, 2.0) == lab.grad(f, -1)(3.0, 2.0) == 12
    assert lab.value_and_grad(f)(3.0, 2.0) == (12, 4)
    pull, out = lab.make_vjp(f)(3.0, 2.0)
    assert out == 12 and pull(1.0) == (4, 12)
    assert lab.make_jvp(f)(3.0, 2.0)(1.0, 0.0) == (12, 4)
    assert lab.elementwise_grad(anp.sin)(np.zeros(3)).tolist() == [1, 1, 1]
    assert lab.grad(f).__name__ == "grad_f"


def test_arrays_in_arrays_out_and_nothing_is_changed():
    x = np.arange(3.0)
    g = lab.grad(lambda x: anp.sum(x * x))(x)
    assert type(g) is np.ndarray and x.tolist() == [0, 1, 2]
    assert isinstance(lab.vjp(anp.sum, x)[0], np.floating)


def test_stop_gradient_and_iteration():
    assert lab.grad(lambda x: x * anp.stop_gradient(x))(3.0) == 3
    assert lab.grad(lambda x: sum(v * v for v in x))(np.arange(3.0)).tolist() == [0, 2, 4]


def test_a_row_of_the_student_is_used_at_once():
    with lab.attempt():
        lab.VJP["sin"] = (lambda g, out, x: g * 100,)
        assert lab.grad(anp.sin)(0.0) == 100
        assert "100" in str(lab.trace(lab.grad(anp.sin), 0.0))
    assert lab.grad(anp.sin)(0.0) == 1


def test_check_grads_catches_a_wrong_rule():
    with lab.attempt():
        lab.VJP["tanh"] = (lambda g, out, x: g * (1 - out),)
        with pytest.raises(LabError, match="check_grads: reverse mode gives .* central"):
            lab.check_grads(anp.tanh)(np.array([0.3, 0.4]))
        lab.check_grads(anp.tanh, modes=("fwd",), order=1)(np.array([0.3, 0.4]))
        lab.JVP["tanh"] = (lambda t, out, x: t,)
        with pytest.raises(LabError, match="forward mode gives"):
            lab.check_grads(anp.tanh, modes=("fwd",))(np.array([0.3, 0.4]))
    with lab.attempt():  # right to first order only: the rule forgets that g can vary
        lab.VJP["sin"] = (lambda g, out, x: g * anp.stop_gradient(anp.cos(x)),)
        lab.check_grads(anp.sin, order=1)(np.array([0.3]))
        with pytest.raises(LabError, match="orders left: 1"):
            lab.check_grads(anp.sin, order=2)(np.array([0.3]))


# ---- sentences

KEPT = []


@pytest.mark.parametrize("call, sentence", [
    (lambda: lab.grad(lambda x: x * 2)(np.ones(3)), r"should return one number, got f64\[3\]"),
    (lambda: lab.grad(lambda x: (x, x))(1.0), "should return one number, got a tuple"),
    (lambda: lab.grad(lambda x: x * x)(3), r"an argument is i64\[\].* so write 2.0 for 2"),
    (lambda: lab.grad(lambda x: x, 4)(1.0), "got 1 arguments; argnum=4 is none of them"),
    (lambda: lab.grad(lambda x, y: x, "x")(1.0, 1.0), "argnum='x' is none of them"),
    (lambda: lab.jacobian(lambda x: (x, x))(np.ones(3)), "should return one array, got a tuple"),
    (lambda: lab.jvp(anp.sin, 1.0, 1.0), r"takes two tuples, as in jvp\(f, \(x,\), \(v,\)\)"),
    (lambda: lab.check_grads(anp.sin, modes=("forward",)), "the modes are: fwd, rev"),
    (lambda: lab.check_grads(anp.sin)(1), "derivatives are taken by floating-point arrays"),
    (lambda: lab.grad(lambda x: np.spacing(x))(1.0), "np.spacing does not know tensors"),
    (lambda: lab.grad(lambda x: np.sum(x))(np.ones(2)), "np.sum does not know tensors"),
    (lambda: lab.grad(lambda x: np.array([x]))(1.0), "inside a transformation and is no array"),
    (lambda: lab.grad(lambda x: KEPT.append(x) or x)(1.0) + KEPT[-1], "a tensor left the"),
    (lambda: lab.vjp(anp.sin, np.ones(3))[1](np.ones(2)), r"should be f64\[3\] .* got f64\[2\]"),
    (lambda: lab.vjp(anp.sin, 1.0)[1]((1.0, 2.0)), "f has 1 outputs, got 2 gradients"),
    (lambda: lab.jvp(anp.sin, (1.0,), ()), "1 arguments but 0 tangents"),
    (lambda: lab.jvp(anp.sin, (np.ones(3),), (1.0,)), r"tangent of f64\[3\] is f64\[\]"),
    (lambda: lab.grad(lambda x: anp.sum(x @ np.ones((5, 2))))(np.ones((8, 4))),
     r"matmul: inner sizes differ, f64\[8,4\] and f64\[5,2\]"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(LabError, match=sentence):
        call()


def test_a_missing_rule_is_a_sentence():
    with lab.attempt():
        lab.OPS["cube"] = lab.OPS["neg"].__class__(
            "cube", lambda x: x ** 3, lambda x: x, lambda x: 2 * x.size, "elementwise")
        from aisys_lab.ir import bind
        with pytest.raises(LabError, match="no vjp rule 'cube' in VJP"):
            lab.grad(lambda x: bind("cube", x))(2.0)
        with pytest.raises(LabError, match="no jvp rule 'cube' in JVP"):
            lab.jvp(lambda x: bind("cube", x), (2.0,), (1.0,))
        lab.VJP["cube"] = (lambda g, out, x: 3 * g * x * x,)
        assert lab.grad(lambda x: bind("cube", x))(2.0) == 12


# ---- arguments by name, several at once, trees

def test_arguments_by_name_go_to_the_function():
    def f(x, power=2.0, scale=1.0):
        return anp.sum(scale * x ** power)

    x = np.array([1.0, 2.0])
    assert lab.grad(f)(x, power=3.0, scale=2.0).tolist() == [6, 24]
    assert lab.elementwise_grad(f)(x, scale=2.0).tolist() == [4, 8]
    assert lab.jacobian(f)(x, power=3.0).tolist() == [3, 12]
    assert lab.hessian(f)(x, power=3.0).tolist() == [[6, 0], [0, 12]]
    assert lab.hessian_vector_product(f)(x, x, power=3.0).tolist() == [6, 24]


def test_a_tuple_of_places_gives_a_tuple_of_gradients():
    value, (gx, gz) = lab.value_and_grad(lambda x, y, z: x * y * z, (0, -1))(2.0, 3.0, 4.0)
    assert (value, gx, gz) == (24, 12, 6)
    assert lab.grad(lambda x, y: x * y, [1])(2.0, 3.0) == (2.0,)
    with pytest.raises(LabError, match="got 1 arguments; argnum=1 is none of them"):
        lab.grad(lambda x: x, (0, 1))(2.0)


def test_the_jacobian_of_a_tree_is_a_tree():
    p = {"a": np.ones(2), "b": [np.float32(3.0)]}
    found = lab.jacobian(lambda p: p["a"] * p["b"][0])(p)
    assert found["a"].tolist() == [[3, 0], [0, 3]] and found["b"][0].tolist() == [1, 1]
    assert found["b"][0].dtype == np.float32
    empty = lab.jacobian(lambda p: p["a"][:0])(p)
    assert empty["a"].shape == (0, 2) and empty["b"][0].shape == (0,)


@pytest.mark.parametrize(("run", "words"), [
    (lambda: lab.jacobian(lambda x: x * 2)(3), "an argument is i64"),
    (lambda: lab.jvp(lambda x: x * x, (3,), (1,)), "i64.*, which cannot move"),
    (lambda: lab.grad(lambda x: anp.sum(x))(i for i in range(3)), "an argument is a generator"),
    (lambda: lab.grad(lambda x: (x * x,))(2.0), "should return one number, got a tuple"),
    (lambda: lab.grad(lambda x: [x * x])(2.0), "should return one number, got a list"),
    (lambda: lab.grad(lambda x: "a")(2.0), "should return one number, got a str"),
    (lambda: lab.grad(lambda x: (x for _ in "ab"))(2.0), "got a generator"),
    (lambda: lab.grad(lambda x: math.sin(x))(2.0), "float.. took one out of a tensor"),
    (lambda: lab.grad(3.0)(2.0), "taken of a function, got a float"),
    (lambda: lab.vjp(lambda x: x, 1.0)[1](1j), "f64.. like the output, got complex"),
    (lambda: lab.grad(lambda x: x * None)(2.0), "mul: dtype object is not supported"),
])
def test_bad_input_of_the_verbs_is_a_sentence(run, words):
    with pytest.raises(LabError, match=words):
        run()


def test_a_number_may_be_looked_at_beside_the_derivative():
    seen = []
    assert lab.grad(lambda x: (seen.append(float(x)), x * x)[1])(2.0) == 4 and seen == [2.0]


def test_pull_takes_gradients_of_other_dtypes():
    out, pull = lab.vjp(lambda x: -x, np.float32(2.0))
    for g in (True, 1, np.float64(1.0), np.int8(1)):
        assert pull(g)[0] == -1 and pull(g)[0].dtype == np.float32


def test_check_grads_takes_the_name_of_one_mode():
    lab.check_grads(anp.tanh, modes="rev")(0.3)


def test_a_sentence_names_the_function_that_was_given():
    kept = np.ones(2)

    def spoils(x):
        y = x * kept
        kept[0] = 3.0
        return anp.sum(y)

    for verb in (lab.grad, lab.jacobian):
        for argnum in (0, (0,)):
            with pytest.raises(LabError, match="^spoils changes an array in place"):
                verb(spoils, argnum)(np.ones(2))
