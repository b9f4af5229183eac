"""What tests of rows of numbers share: shapes, and the ways in which an array can lie."""

from contextlib import contextmanager

import numba
import numpy as np
from hypothesis import strategies as st

from kernels.guard import guarded

DTYPES = ("float32", "float64")
lengths = st.one_of(st.integers(0, 20), st.sampled_from([31, 32, 33, 64, 67, 130]))


@st.composite
def shapes(draw, least=1, most=3):
    """Some axes, one of which may be long."""
    shape = draw(st.lists(st.integers(0, 5), min_size=least, max_size=most))
    shape[draw(st.integers(0, len(shape) - 1))] = draw(lengths)
    return tuple(shape)


def arrange(rng, x):
    """The same numbers in one of many orders and steps, beside a page that may not be touched."""
    kind = rng.integers(6)
    if kind == 0:
        return np.asfortranarray(x)
    if kind == 1:
        return guarded(x.T).T
    if kind == 2:
        return guarded(x[..., ::-1])[..., ::-1]
    if kind == 3:
        return guarded(np.repeat(x, 2, -1))[..., ::2]
    if kind == 4:  # lines that lie further apart than they are long
        return guarded(np.concatenate([x, x], -1))[..., x.shape[-1]:]
    return guarded(x, end=rng.random() < 0.7)


@contextmanager
def one_thread():
    """Numba on one thread."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
