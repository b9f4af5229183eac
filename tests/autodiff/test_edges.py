"""Values and slopes at the edges: corners, infinities, where digits could be lost."""

import numpy as np
import pytest
import scipy.special

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp

INF = np.inf


def slopes(f, x):
    """Slopes by reverse mode, which forward mode must give too."""
    x = np.asarray(x, np.float64)
    backward, forward = lab.elementwise_grad(f)(x), lab.jvp(f, (x,), (np.ones_like(x),))[1]
    np.testing.assert_array_equal(backward, forward)
    return backward.tolist()


@pytest.mark.parametrize("f, x, want", [
    (anp.elu, [-1e-9, 0, 1e-9], [1, 1, 1]), (anp.relu, [-1, 0, 1], [0, 0, 1]),
    (anp.abs, [-2, 0, 2], [-1, 0, 1]), (lambda x: anp.clip(x, 0, 1), [-1, 0.5, 2], [0, 1, 0]),
    (anp.sigmoid, [-800, 0, 800], [0, 0.25, 0]), (anp.softplus, [-800, 0, 800], [0, 0.5, 1]),
    (anp.tanh, [-800, 0, 800], [0, 1, 0]), (anp.log_sigmoid, [-800, 0, 800], [1, 0.5, 0]),
    (anp.silu, [-800, 0, 800], [0, 0.5, 1]), (anp.gelu, [-800, 0, 800], [0, 0.5, 1]),
    (anp.sinc, [0], [0]), (lambda x: x ** 2, [0], [0]), (lambda x: x ** 1.0, [0], [1]),
    (lambda x: anp.fmod(x, 3.0), [-7, 0, 7], [1, 1, 1]), (anp.sign, [-1, 0, 1], [0, 0, 0]),
    (lambda x: anp.where(x > 0, anp.sqrt(anp.where(x > 0, x, 1)), 0), [-4, 0, 4], [0, 0, 0.25]),
])
def test_slopes_at_corners_and_far_out(f, x, want):
    np.testing.assert_allclose(slopes(f, x), want, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("x", [[-INF, 0, 1], [INF, 0, 1], [INF, INF], [1e308, 1e308], [-800, 800]])
def test_logsumexp_of_the_infinite_and_the_huge(x):
    np.testing.assert_array_equal(anp.logsumexp(np.array(x)), scipy.special.logsumexp(x))


def test_logsumexp_of_nothing_but_minus_infinity():
    with np.errstate(divide="ignore"):
        assert anp.logsumexp(np.full(3, -INF)) == -INF


def test_rows_that_are_masked_in_part_have_finite_slopes():
    x = np.array([0.5, -INF, 1.0])
    for f in (anp.logsumexp, lambda x: anp.sum(anp.softmax(x) ** 2)):
        g = lab.grad(f)(x)
        assert np.isfinite(g).all() and g[1] == 0


def test_small_losses_keep_their_digits_in_single_precision():
    x = np.array([[1000, 990], [-1000, -1010.0]])
    want = -scipy.special.log_softmax(x, -1)[:, 0]
    for got in (-anp.log_softmax(x.astype("f4"))[:, 0],
                lab.interpret(lab.trace(anp.log_softmax, x.astype("f4")), x.astype("f4"))[0][:, 0]
                * -1, anp.cross_entropy(x.astype("f4"), np.zeros(2, int))):
        np.testing.assert_allclose(got, want if np.ndim(got) else want.mean(), rtol=2e-3)


@pytest.mark.parametrize("x, y", [
    (1e17, 3.0), (2.0, INF), (-7.5, 2.0), (7.5, -2.0), (-0.5, 3.0), (np.int8(-7), np.int8(3)),
    (np.arange(-9, 9), 4), (np.float32(5.5), np.float32(-2))])
def test_fmod_is_that_of_c(x, y):
    got, want = anp.fmod(x, y), np.fmod(x, y)
    assert np.asarray(got).dtype == want.dtype
    np.testing.assert_array_equal(got, want)
