"""The ops that run in one go: SciPy's values, specs, and what they refuse."""

import numpy as np
import pytest
import scipy.special

from aisys_lab.core import LabError
from aisys_lab.ir import OPS, Spec, bind, spec_of

X = np.random.default_rng(0).standard_normal((3, 4, 5)) * 20
LABELS = np.random.default_rng(1).integers(0, 5, (3, 4))


def agree(op, *inputs, **attrs):
    out = bind(op, *inputs, **attrs)
    said = OPS[op].infer(*map(spec_of, inputs), **attrs)
    assert said == spec_of(out) == bind(op, *map(spec_of, inputs), **attrs)
    return out


@pytest.mark.parametrize("axis", [(2,), (0,), (0, 1), (0, 1, 2)])
@pytest.mark.parametrize("dtype, tolerance", [("f8", 1e-13), ("f4", 1e-5), ("f2", 2e-2),
                                              ("i8", 1e-13), ("i1", 2e-2)])
def test_softmax(axis, dtype, tolerance):
    x = X.astype(dtype)
    got = agree("softmax", x, axis=axis)
    np.testing.assert_allclose(got, scipy.special.softmax(x.astype("f8"), axis), atol=tolerance)
    got = agree("log_softmax", x, axis=axis)
    np.testing.assert_allclose(got, scipy.special.log_softmax(x.astype("f8"), axis),
                               rtol=tolerance, atol=tolerance)


def test_cross_entropy():
    want = -np.take_along_axis(scipy.special.log_softmax(X, -1), LABELS[..., None], -1).mean()
    np.testing.assert_allclose(agree("cross_entropy", X, LABELS), want)
    assert np.isfinite(agree("cross_entropy", X * 1e4, LABELS))
    assert agree("cross_entropy", X.astype("f4"), LABELS.astype("i1")).dtype == np.float32


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_layernorm_and_gelu(dtype):
    x, gamma, beta = X.astype(dtype), np.arange(5).astype(dtype), np.ones(5, dtype)
    want = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True) * gamma + beta
    np.testing.assert_allclose(agree("layernorm", x, gamma, beta, eps=0.0), want, atol=1e-5)
    want = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(agree("gelu", x), want, atol=1e-5)
    agree("layernorm", x, gamma.astype("f8"), beta, eps=1e-5)


@pytest.mark.parametrize("call", [
    lambda f: bind("softmax", f((3, 4)), axis=(2,)), lambda f: bind("softmax", f((3,)), axis=()),
    lambda f: bind("cross_entropy", f((3, 4)), f((3,))),
    lambda f: bind("cross_entropy", f((3, 4)), f((4,)).astype(int) if f is np.ones else Spec(
        (4,), "i64")),
    lambda f: bind("layernorm", f((3, 4)), f((3,)), f((4,)), eps=1e-5)])
def test_what_does_not_fit(call):
    with pytest.raises(LabError, match="softmax|labels .* do not fit|layernorm"):
        call(lambda shape: Spec(shape, "f64"))


def test_what_they_cost():
    x = Spec((64, 10), "f32")
    assert OPS["layernorm"].flops(x, x, x, eps=0.0) == 7 * 640 and OPS["gelu"].flops(x) == 9 * 640
