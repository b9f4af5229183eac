"""Chains of elementwise functions in one loop, and single functions under their plain names."""

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from aisys_lab import kernels
from aisys_lab.core import LabError, attempt
from aisys_lab.kernels import chain_text, chains
from aisys_lab.kernels.expressions import FUNCTIONS, Function
from kernels.guard import guarded
from kernels.rows import arrange, one_thread, shapes


@st.composite
def broadcast(draw):
    """Two shapes that broadcast."""
    whole = draw(shapes(most=4))

    def part():
        shape = [n if draw(st.integers(0, 3)) else 1 for n in whole]
        return tuple(shape[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0:])

    return part(), part()


@pytest.mark.parametrize(("dtype", "rung"), [("float32", "naive"), ("float32", "vectors"),
                                             ("float64", "vectors")])
@given(pair=broadcast(), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_operands_broadcast(dtype, rung, pair, seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(-1, 1, shape).astype(dtype) for shape in pair)
    at = [arrange(rng, v) if v.ndim else v for v in (a, b)]
    came = kernels.elementwise("sub", *at, kernel=rung)
    assert came.dtype == dtype and came.flags.c_contiguous
    np.testing.assert_array_equal(came, a - b)


@pytest.mark.parametrize("rung", ["naive", "vectors"])
def test_a_chain_is_its_functions_one_after_another(rung):
    x, w, b = np.random.default_rng(0).uniform(-2, 2, (3, 5, 21)).astype("f")
    came = kernels.fused(["mul", "add", "tanh", "sub"], x, w, b[0], 1.5, kernel=rung)
    np.testing.assert_allclose(came, np.tanh(x * w + b[0]) - 1.5, rtol=1e-5, atol=1e-6)


def test_a_chain_is_compiled_once_and_anew_for_another_row():
    x = np.linspace(-1, 1, 7, dtype=np.float32)
    kernels.elementwise("square", x)
    before = dict(chains.MADE)
    kernels.elementwise("square", x[::-1])
    assert before == chains.MADE
    with attempt():
        FUNCTIONS["square"] = Function(1, "{0} + 3", "{0} + 3")
        np.testing.assert_array_equal(kernels.elementwise("square", x), x + np.float32(3))
    np.testing.assert_array_equal(kernels.elementwise("square", x), x * x)


@given(rows=st.integers(1, 3), n=st.integers(1, 40), end=st.booleans())
@settings(max_examples=20)
def test_nothing_is_written_beside_results(rows, n, end):
    module = chain_text.module_of(chain_text.text_of(("sub",), "lp", "vectors"))
    x, y = np.random.default_rng(n).uniform(-1, 1, (2, rows * n)).astype("f")
    out = guarded(np.full(rows * n, 7, "f"), end=end)
    module.run(out, rows, n, guarded(x, end=end), n, guarded(y[:rows], end=end), 1)
    np.testing.assert_array_equal(out, x - np.repeat(y[:rows], n))


def test_several_threads_make_the_same():
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 503, 701)).astype("f")
    for other in (y, y[:, :1]):
        with one_thread():
            want = kernels.elementwise("sub", x, other)
        np.testing.assert_array_equal(kernels.elementwise("sub", x, other), want)


def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def gelu_exact(x):
    return x * scipy.special.ndtr(x)


def slope(f, x):
    """The derivative, by differences in double precision."""
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


def test_plain_names_take_their_operands_in_order():
    g, x = np.random.default_rng(0).uniform(-2, 2, (2, 3, 15)).astype("f")
    at = x.astype(np.float64)
    for came, want in [(kernels.relu(x), np.maximum(x, 0)), (kernels.gelu(x), gelu(at)),
                       (kernels.gelu(x, approximate="none"), gelu_exact(at)),
                       (kernels.relu_grad(g, x), np.where(x > 0, g, 0)),
                       (kernels.gelu_grad(g, x), g * slope(gelu, at)),
                       (kernels.gelu_grad(g, x, "none"), g * slope(gelu_exact, at)),
                       (kernels.exp(x, kernel="naive"), np.exp(x)),
                       (kernels.KERNELS["fused"]["vectors"](("relu",), x), np.maximum(x, 0))]:
        assert came.dtype == np.float32
        np.testing.assert_allclose(came, want, rtol=1e-5, atol=1e-6)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).uniform(-9, 9, 1001).astype("f")
    leaf = torch.tensor(x, requires_grad=True)
    for form in ("tanh", "none"):
        out = torch.nn.functional.gelu(leaf, approximate=form)
        np.testing.assert_allclose(kernels.gelu(x, form), out.detach(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(kernels.gelu_grad(np.ones_like(x), x, form),
                                   torch.autograd.grad(out.sum(), leaf)[0], rtol=1e-4, atol=1e-5)


ROW = np.ones((2, 3), "f")


@pytest.mark.parametrize(("call", "words"), [
    (lambda: kernels.exp(ROW, ROW), "takes 1 operands, got 2"),
    (lambda: kernels.fused([], ROW), "the chain of nothing"),
    (lambda: kernels.fused(["mul", "add"], ROW, ROW), "mul add takes 3 operands, got 2"),
    (lambda: kernels.fused(["relu"], *[ROW] * 20), "takes 1 operands, got 20"),
    (lambda: kernels.fused(["cosh"], ROW), "no function 'cosh'"),
    (lambda: kernels.elementwise("add", ROW, ROW[:, :2]), "do not broadcast"),
    (lambda: kernels.elementwise("add", ROW, ROW.astype(float)), "all of one dtype"),
    (lambda: kernels.elementwise("add", ROW, "text"), "takes float32 or float64"),
    (lambda: kernels.tanh([1, 2]), "takes float32 or float64"),
    (lambda: kernels.gelu(ROW, "fast"), "approximate='fast'"),
    (lambda: kernels.gelu_grad(ROW, ROW, None), "approximate=None"),
    (lambda: kernels.elementwise("exp", ROW, kernel="quick"), "no kernel 'quick'")])
def test_bad_arguments_get_a_sentence(call, words):
    with pytest.raises(LabError, match=words):
        call()


def test_lists_and_numbers_are_arrays():
    assert kernels.relu(-1.5) == 0 and kernels.relu([-1.0, 2.0]).tolist() == [0, 2]
