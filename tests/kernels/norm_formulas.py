"""Norms as formulas in double precision, which the tests of all norms compare with."""

import numpy as np

EPS = 1e-3


def close(came, want, size=1):
    """Equal but for roundings of sums of that size, seen from the largest number."""
    assert came.shape == want.shape
    tolerance = 60 * np.finfo(came.dtype).eps
    np.testing.assert_allclose(came, want, rtol=tolerance,
                               atol=tolerance * size * max(1, np.abs(want).max(initial=0)))


def standardised(x, axes, centred=True):
    """``(h, scale)``: x brought to mean 0 and variance 1 over axes, in double precision."""
    x = x.astype(np.float64)
    x = x - x.mean(axes, keepdims=True) if centred else x
    scale = 1 / np.sqrt((x * x).mean(axes, keepdims=True) + EPS)
    return x * scale, scale


def backward(g, h, scale, gamma, axes, centred=True):
    """Gradient of what gamma · h came from."""
    d = g.astype(np.float64) * gamma
    middle = d.mean(axes, keepdims=True) if centred else 0
    return scale * (d - middle - h * (d * h).mean(axes, keepdims=True))


def parameters(rng, dtype, count, n):
    """Lines of numbers around 1."""
    return [rng.uniform(0.5, 1.5, n).astype(dtype) for _ in range(count)]
