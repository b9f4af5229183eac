"""Generated code: readable text, right answers, guards that speak."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.ir import bind
from aisys_lab.ir.spec import dtype_of


@pytest.fixture(scope="module")
def training():
    train, _ = lab.datasets.digits()
    model = lab.models.MLP([64, 128, 10])
    args = (model.params, *train[:64])
    return model, args, lab.trace(lab.value_and_grad(model.loss), *args)


def test_training_step_equals_eager_and_oracle(training):
    model, args, graph = training
    small = lab.optimize(graph, ["fold", "cse", "fuse", "dce"])
    assert len(small) < len(graph)
    run = lab.compile(small)
    loss, grads = lab.value_and_grad(model.loss)(*args)
    eager = [loss, *(w for layer in grads.values() for w in layer.values())]
    for a, b, c in zip(run(*args), lab.interpret(graph, *args), eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(b, c, rtol=1e-6, atol=1e-7)


def test_source_is_plain_numba(training):
    source = lab.compile(lab.optimize(training[2])).source
    assert "@njit" in source and "for i0 in range(64):" in source
    compile(source, "generated", "exec")


def test_open_axis_is_generated_once_a_size():
    graph = lab.trace(lambda x: x * 2 + 1, np.ones((3, 4)), dims={"x": {0: "N"}})
    run = lab.compile(graph)
    for n in (1, 5, 5, 2):
        x = np.random.default_rng(n).standard_normal((n, 4))
        np.testing.assert_allclose(run(x)[0], x * 2 + 1)
    assert len(run.made) == 3


def test_a_function_is_traced_once_a_signature():
    run = lab.compile(lambda x: anp.sum(x * x))
    assert run(np.arange(3.0))[0] == 5 and run(np.arange(4.0))[0] == 14
    assert run(np.arange(3.0))[0] == 5 and len(run.variants) == 2


def test_guards_are_sentences():
    run = lab.compile(lab.trace(lambda x, y: x @ y, np.ones((2, 3)), np.ones((3, 4))))
    with pytest.raises(lab.LabError, match=r"input y should be f64\[3,4\], got f64\[4,3\]"):
        run(np.ones((2, 3)), np.ones((4, 3)))
    with pytest.raises(lab.LabError, match=r"takes 2 arrays \(x, y\), got 1"):
        run(np.ones((2, 3)))
    with pytest.raises(lab.LabError, match="compile takes a graph or a function"):
        lab.compile(3)


def test_nan_and_infinity_keep_their_meaning():
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0])
    for f in (anp.relu, lambda x: anp.max(x, 0), lambda x: x - x, anp.exp, lambda x: x / 0.0,
              lambda x: anp.maximum(x, 0.0), lambda x: anp.minimum(x, 0.0)):
        graph = lab.trace(f, x)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(lab.compile(graph)(x)[0], lab.interpret(graph, x)[0])


def test_names_of_python_do_not_clash():
    def f(np_, i0, range):  # noqa: A002
        return np_ + i0 * range
    x = np.ones(2)
    assert lab.compile(lab.trace(f, x, x, x))(x, x, x)[0].tolist() == [2, 2]


def test_integer_graph_compiles_to_what_the_oracle_computes(training):
    model, (_, x, _), _ = training
    forward = lab.freeze(lab.trace(model.apply, model.params, x), model.params)
    q = lab.quantize(forward, samples=x)
    run = lab.compile(lab.optimize(q))
    assert "matmul_int(" in run.source
    x = x.copy()
    x[0, 0], x[1, 1], x[2, 2] = np.nan, np.inf, -np.inf
    np.testing.assert_allclose(run(x)[0], lab.interpret(q, x)[0], rtol=1e-6)


@pytest.mark.parametrize("passes", [[], ["fuse"]])
def test_names_that_python_cannot_tell_apart_are_a_sentence(passes):
    graph = lab.parse("graph g\n  input x : f64[2]\n  a.b : f64[2] = neg(x)\n"
                      "  a_b : f64[2] = exp(a.b)\n  t : f64[2] = add(a.b, a_b)\n  output t")
    with pytest.raises(lab.LabError, match="a.b and a_b are the same in Python"):
        lab.compile(lab.optimize(graph, passes))


def test_a_fused_body_may_use_other_names_than_the_graph():
    graph = lab.parse("""graph g
  input a : f64[2]
  input b : f64[2]
  c       : f64[2] = fused(b, a) where
      graph body
        input a : f64[2]
        input b : f64[2]
        t       : f64[2] = sub(a, b)
        u       : f64[2] = exp(t)
        output u
  output c""")
    a, b = np.array([1.0, 2.0]), np.array([0.5, 0.25])
    np.testing.assert_allclose(lab.compile(graph)(a, b)[0], lab.interpret(graph, a, b)[0])
    np.testing.assert_allclose(lab.interpret(graph, a, b)[0], np.exp(b - a))


def test_names_in_any_script():
    x = np.ones(2)
    run = lab.compile(lambda p: p["权重"] + p["x²"] * p["class"])
    np.testing.assert_array_equal(run({"权重": x, "x²": x, "class": x})[0], 2 * x)


@pytest.mark.parametrize("f", [lambda x: x * 2 + anp.exp(x), anp.sum, lambda x: -x[...]])
def test_a_single_number_is_an_array_without_axes(f):
    x = np.float32(1.5)
    graph = lab.trace(f, x)
    want, got = lab.interpret(graph, x)[0], lab.compile(graph)(x)[0]
    assert got.shape == () and got.dtype == want.dtype and got == pytest.approx(want)


@pytest.mark.parametrize("op, left, right", [
    ("add", "i8", "i8"), ("sub", "u8", "u8"), ("mul", "i32", "i32"), ("add", "bool", "bool"),
    ("add", "i64", "u64"), ("sub", "u64", "i8"), ("maximum", "i8", "u64"), ("lt", "i64", "u64")])
def test_whole_numbers_wrap_and_mix_as_in_numpy(op, left, right):
    x = np.array([100, 3, -1, -2**31]).astype(dtype_of(left))
    y = np.array([100, 5, -2, 7]).astype(dtype_of(right))
    graph = lab.trace(lambda x, y: anp.astype(bind(op, x, y), "f64"), x, y)
    for passes in ([], ["fuse"]):
        run = lab.compile(lab.optimize(graph, passes))
        np.testing.assert_array_equal(run(x, y)[0], lab.interpret(graph, x, y)[0])


@pytest.mark.parametrize("x", [np.array([0, 5, 255], np.uint8), np.array([-3, 0, 9], np.int16),
                               np.array([np.nan, -0.5, 0.0, np.inf])])
def test_signs(x):
    np.testing.assert_array_equal(lab.compile(anp.sign)(x)[0], np.sign(x))


def test_float16_is_a_sentence():
    with pytest.raises(lab.LabError, match="Numba has no float16 on CPUs; use float32"):
        lab.compile(lambda x: x + 1)(np.ones(3, np.float16))
