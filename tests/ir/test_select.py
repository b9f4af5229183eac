"""The choice by bits gives what NumPy's where gives, in value and dtype."""

import numpy as np
import pytest

from aisys_lab.ir.select import LARGE, select

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i1", "u4", "?"])
@pytest.mark.parametrize("rows", [2, LARGE // 3 + 1])
def test_it_is_numpys_where(rows, dtype):
    condition = RNG.random((rows, 3)) > 0.5
    x, y = (np.round(RNG.standard_normal(shape) * 9 + 40).astype(dtype)
            for shape in ((rows, 3), (1, 3)))
    for args in [(condition, x, y), (condition, 0, x), (condition, x, 0), (condition, 0, 0),
                 (condition, 1.5, x), (condition, x, np.float32(3)), (condition, True, x),
                 (condition, np.nan, x), (condition, x[:, ::-1], y), (condition.T, x.T, 0),
                 (condition[:, :1], x, y), (condition.astype(int), x, y), (condition, 7, 2.5)]:
        got, want = select(*args), np.where(*args)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_what_is_not_chosen_does_not_matter():
    bad = np.full(LARGE, np.nan)
    assert not np.isnan(select(np.arange(LARGE) >= 0, np.ones(LARGE), bad)).any()
    assert not np.isnan(select(np.arange(LARGE) < 0, bad, 0)).any()
