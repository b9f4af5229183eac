"""Both sides of every comparison compute the same."""

import numpy as np
import pytest

from benchmarks.rows import ROWS


@pytest.mark.parametrize(("name", "peer"), ROWS)
def test_the_two_sides_agree(name, peer):
    pytest.importorskip(peer)
    ours, theirs = (side() for side in ROWS[name, peer][1]())
    loss, *_ = ours
    np.testing.assert_allclose(loss, float(theirs[0]), rtol=1e-5)


def test_numpy_by_hand_has_our_gradients():
    ours, theirs = (side() for side in ROWS["mlp-compiled", "numpy"][1]())
    for mine, hand in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, hand, rtol=1e-4, atol=1e-6)
