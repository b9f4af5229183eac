"""Recomputation: the same gradient, fewer saved states, the fewest steps run again."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.remat import Machine, chain_vjp, fewest_runs


def noisy(x, rng):
    return anp.tanh(x) * (1.0 + 0.1 * rng.standard_normal(x.shape)) + 0.1


@pytest.mark.parametrize(("n", "slots"), [(1, 1), (5, 1), (5, 5), (12, 3), (16, 8), (30, 4)])
def test_the_gradient_is_that_of_saving_everything(n, slots):
    x, g = np.linspace(-1, 1, 4), np.arange(4.0)
    full, all_saved = chain_vjp([noisy] * n, x, g, slots=n)
    few, machine = chain_vjp([noisy] * n, x, g, slots=slots)
    np.testing.assert_array_equal(few, full)
    assert machine.peak <= slots and machine.count("back") == n
    assert machine.count("run") == fewest_runs(n, slots)
    assert all_saved.count("run") == n - 1


def test_runs_are_the_binomial_optimum():
    """With s slots and r runs a step, binom(s + r, s) steps can be done (Griewank 1992)."""
    from math import comb
    for s in range(1, 5):
        for r in range(1, 5):
            n = comb(s + r, s)
            assert fewest_runs(n, s) == r * n - comb(s + r, r - 1)


def test_two_root_n_slots_cost_less_than_one_pass():
    for n in range(1, 60):
        assert fewest_runs(n, 2 * int(np.ceil(n ** 0.5))) <= 2 * n


@pytest.mark.parametrize(("act", "says"), [
    (lambda m: m.run(1), "the current state is the input of step 0"),
    (lambda m: m.load(0), "is not saved"), (lambda m: m.free(2), "is not saved"),
    (lambda m: m.back(0), "the next step to come back through is 2"),
    (lambda m: [m.save(0), m.run(0), m.save(1)], "all 1 slots are taken"),
    (lambda m: [m.run(0), m.run(1), m.back(2), m.back(1)], "the current state is none"),
])
def test_an_illegal_action_is_a_sentence(act, says):
    machine = Machine(lambda k, x, at: (x, at), lambda k, x, at, g: g, 0.0, 1.0, 3, 1)
    with pytest.raises(lab.LabError, match=says):
        act(machine)
