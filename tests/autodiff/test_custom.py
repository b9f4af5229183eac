"""Rules of one's own, recomputation, no_grad, and arrays that change under a derivative."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import checkpoint, custom_jvp, custom_vjp, no_grad
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError

X = np.linspace(0.3, 1.7, 6).reshape(2, 3)


def block(p, x):
    return anp.tanh(x @ p["w"] + p["b"]), anp.sum(x)


PARAMS = {"w": X.T @ X / 3, "b": X[0]}


def total(f):
    return lambda p, x: anp.sum(f(p, x)[0] ** 2) + f(p, x)[1]


def same(a, b):
    for u, v in zip(lab.core.tree.flatten(a)[0], lab.core.tree.flatten(b)[0], strict=True):
        np.testing.assert_allclose(u, v, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("argnum", [0, 1])
def test_checkpoint_changes_no_derivative_of_any_order(argnum):
    plain, again = total(block), total(checkpoint(block))
    same(lab.grad(plain, argnum)(PARAMS, X), lab.grad(again, argnum)(PARAMS, X))
    lab.check_grads(again)(PARAMS, X)
    v = lab.core.tree.tree_map(np.cos, (PARAMS, X)[argnum])
    same(lab.hessian_vector_product(plain, argnum)(PARAMS, X, v),
         lab.hessian_vector_product(again, argnum)(PARAMS, X, v))


def test_checkpoint_saves_its_arguments_alone():
    from aisys_lab.autodiff.reverse import Reverse

    def entries(f):
        mode = Reverse()
        f(mode.variable(X))
        return sum(entry[0] is not None for entry in mode.tape)

    deep = lambda x: anp.sum(anp.tanh(anp.sin(anp.exp(x))))  # noqa: E731
    assert entries(deep) == 4 and entries(checkpoint(deep)) == 1


def test_checkpoint_traces_into_the_graph():
    graph = lab.trace(lab.grad(total(checkpoint(block))), PARAMS, X)
    same(lab.interpret(graph, PARAMS, X), lab.grad(total(block))(PARAMS, X))
    assert sum(node.op == "tanh" for node in graph.nodes) == 4  # two uses, each run twice


def test_what_checkpoint_closes_over_is_a_sentence():
    with pytest.raises(lab.LabError, match="pass it as an argument"):
        lab.grad(lambda x: checkpoint(lambda y: anp.sum(y * x))(x))(X)


def test_custom_vjp_clips_a_gradient():
    gentle = custom_vjp(lambda x: x, lambda g, out, x: (anp.clip(g, -0.5, 0.5),))
    got = lab.grad(lambda x: anp.sum(gentle(x) * np.array([0.1, 2.0, -3.0])))(np.ones(3))
    np.testing.assert_allclose(got, [0.1, 0.5, -0.5])


def test_custom_vjp_is_differentiated_again():
    cube = custom_vjp(lambda x: x * x * x, lambda g, out, x: (g * 3 * x * x,))
    third = lab.grad(lab.grad(lab.grad(cube)))
    assert third(2.0) == pytest.approx(6.0)
    lab.check_grads(cube)(X)


def test_custom_vjp_of_trees_with_none_for_zero():
    f = custom_vjp(lambda p, x: p["w"] * x,
                   lambda g, out, p, x: ({"w": g * x, "b": 0 * p["b"]}, None))
    p = {"w": np.array(2.0), "b": np.array(1.0)}
    assert lab.grad(f)(p, 3.0) == {"w": 3.0, "b": 0.0} and lab.grad(f, 1)(p, 3.0) == 0


def test_a_custom_rule_of_the_wrong_number_is_a_sentence():
    f = custom_vjp(lambda x, y: x * y, lambda g, out, x, y: (g * y,))
    with pytest.raises(lab.LabError, match="a tuple of 2 gradients"):
        lab.grad(f)(1.0, 2.0)


def test_custom_jvp_serves_both_modes():
    softplus = custom_jvp(lambda x: anp.log(1 + anp.exp(x)),
                          lambda t, out, x: t[0] / (1 + anp.exp(-x)))
    assert lab.grad(softplus)(100.0) == 1.0
    assert lab.jvp(softplus, (100.0,), (2.0,))[1] == 2.0
    lab.check_grads(softplus)(X)


def test_no_grad_makes_constants():
    def f(x):
        with no_grad():
            scale = anp.exp(x)
        return anp.sum(scale * x)
    same(lab.grad(f)(X), np.exp(X))
    same(lab.jvp(f, (X,), (np.ones_like(X),))[1], np.exp(X).sum())


def test_in_place_change_inside_the_function_is_a_sentence():
    def f(x):
        out = x * buffer
        buffer[:] = 2
        return anp.sum(out + x * buffer)
    buffer = np.ones_like(X)
    with pytest.raises(lab.LabError, match="changes an array in place"):
        lab.grad(f)(X)
    assert buffer.flags.writeable


def test_in_place_change_before_pull_is_a_sentence():
    x = X.copy()
    _, pull = lab.vjp(lambda x: anp.sum(x * x), x)
    pull(1.0)
    x[0, 0] += 1
    with pytest.raises(lab.LabError, match="changed in place"):
        pull(1.0)


def test_a_rule_whose_gradient_has_another_shape_is_a_sentence():
    with lab.attempt():
        lab.VJP["transpose"] = (lambda g, out, x, axes: g,)
        with pytest.raises(lab.LabError, match="the vjp rule of transpose gives f64"):
            lab.grad(lambda x: anp.sum(x.T * 2))(X)


def test_a_row_with_too_few_rules_is_a_sentence():
    with lab.attempt():
        lab.VJP["mul"] = (lambda g, out, x, y: g * y,)
        with pytest.raises(lab.LabError, match="1 rules for 2 inputs"):
            lab.grad(lambda x: anp.sum(x * x))(X)


# ---- what a rule of one's own may get wrong

def test_a_tensor_from_outside_is_refused_by_every_mode():
    def f(x):
        return checkpoint(lambda y: y * x)(x)

    for run in (lambda: lab.grad(f)(3.0), lambda: lab.jvp(f, (3.0,), (1.0,))):
        with pytest.raises(LabError, match="uses a tensor from outside; pass it"):
            run()


def test_a_tensor_of_an_outer_derivative_is_not_from_outside():
    def slope(x):  # d/dy of the sum of y y x at ones
        return anp.sum(lab.grad(lambda y: anp.sum(checkpoint(lambda z: z * z * x)(y)))(np.ones(2)))

    assert lab.grad(slope)(3.0) == 4


def test_errors_of_a_checkpointed_function_stay_its_own():
    calls = []

    def f(x):
        calls.append(x)
        raise ValueError("my own")

    for run in (lambda: lab.grad(checkpoint(f))(1.0), lambda: checkpoint(f)(1.0)):
        with pytest.raises(ValueError, match="^my own$"):
            run()
    assert len(calls) == 2


def test_a_rule_may_give_plain_numbers_and_has_to_give_the_right_tree():
    double = custom_vjp(lambda x: x * 2, lambda g, out, x: (2.0,))
    assert lab.grad(double)(1.0) == 2
    short = custom_vjp(lambda p: p["a"] * p["b"], lambda g, out, p: ({"a": g},))
    with pytest.raises(LabError, match="gives 1 gradients where 2 are due"):
        lab.grad(short)({"a": 1.0, "b": 2.0})
    empty = custom_jvp(lambda x: x * x, lambda t, out, x: None)
    with pytest.raises(LabError, match="gives 0 tangents where 1 are due"):
        lab.jvp(empty, (1.0,), (1.0,))
