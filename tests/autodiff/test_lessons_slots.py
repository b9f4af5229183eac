"""What a student writes in V.1 and V.2 serves where the package uses it."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp


@pytest.fixture
def calls():
    """Slots whose calls are written down while they serve as before."""
    seen = []

    def watch(key):
        reference = lab.SLOTS.reference(key)
        lab.SLOTS[key] = lambda *args: seen.append(key) or reference(*args)
    with lab.attempt():
        for key in ("autodiff.broadcast", "autodiff.unbroadcast", "autodiff.grad_transform"):
            lab.autodiff.lessons  # noqa: B018  (fills the slots)
            watch(key)
        yield seen


@pytest.mark.parametrize("f", [lambda x, y: anp.sum(x * y), lambda x, y: anp.sum(x @ (x.T + y)),
                               lambda x, y: anp.sum(anp.broadcast_to(y, (4, 2, 2)))])
def test_every_gradient_is_summed_down_by_the_slot(calls, f):
    lab.grad(f, 1)(np.ones((2, 2)), np.ones((2, 1)))
    assert "autodiff.unbroadcast" in calls


def test_training_needs_no_sum_where_shapes_agree(calls):
    lab.grad(lambda x: anp.sum(x * x))(np.ones((2, 2)))
    assert "autodiff.unbroadcast" not in calls


def test_shapes_are_inferred_by_the_slot(calls):
    lab.trace(lambda x, y: x + y, np.ones((2, 1)), np.ones(3))
    assert "autodiff.broadcast" in calls
    with pytest.raises(lab.LabError, match="add: shapes .* do not broadcast: 2 against 3"):
        lab.trace(lambda x, y: x + y, np.ones(2), np.ones(3))


def test_texts_are_transformed_by_the_slot(calls):
    assert lab.grad_transform("def f(x):\n    return x * x")(3.0) == (6.0,)
    assert calls == ["autodiff.grad_transform"]


def test_derivatives_are_taken_with_the_slot():
    class Twice(lab.Dual):
        def __init__(self, value, slope=0.0, tag=0):
            super().__init__(value, 2 * slope, tag)
    with lab.attempt():
        lab.SLOTS["autodiff.Dual"] = Twice
        assert lab.derivative(lambda x: x)(1.0) == 2.0
    assert lab.derivative(lambda x: x)(1.0) == 1.0
