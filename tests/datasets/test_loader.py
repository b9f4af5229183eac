"""Batches: every example once a pass, in an order that is a function of seed and epoch."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.datasets import Dataset, batches

DATA = Dataset("ten", np.arange(10.0), np.arange(10), 10)


def labels(loader):
    return [y.tolist() for _, y in loader]


def test_every_example_once_and_pairs_stay_together():
    loader = batches(DATA, 4, seed=3)
    assert [len(y) for y in labels(loader)] == [4, 4, 2] and len(loader) == 3
    assert sorted(sum(labels(loader), [])) == list(range(10))
    assert all((x == y).all() for x, y in loader)
    assert [len(y) for y in labels(batches(DATA, 4, drop_last=True))] == [4, 4]
    assert labels(batches(DATA, 5, shuffle=False)) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_same_seed_same_order_another_seed_or_pass_another():
    loader = batches(DATA, 10)
    orders = [loader.order, batches(DATA, 10, seed=1).order, loader.after(1).order,
              batches(DATA, 10, seed=2**64).order]
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(loader.order, batches(DATA, 3).order)


def test_the_order_stays():
    assert batches(DATA, 10, seed=1).order.tolist() == [6, 0, 7, 9, 4, 1, 8, 5, 2, 3]
    assert batches(DATA, 10, seed=1).after(1).order.tolist() == [5, 8, 0, 2, 9, 6, 7, 4, 3, 1]


@pytest.mark.parametrize("count", range(8))
def test_two_numbers_say_where_it_stands(count):
    loader = batches(DATA, 4, seed=5)
    stream = labels(loader) + labels(loader.after(3)) + labels(loader.after(6))
    later = loader.after(count)
    assert (later.epoch, later.position) == divmod(count, 3)
    rest = labels(later)
    assert rest == stream[count:count + len(rest)] and len(rest) == 3 - count % 3
    assert labels(batches(DATA, 4, seed=5).after(count)) == rest
    assert later.after(4) == loader.after(count + 4)


def test_it_says_what_it_is():
    assert repr(batches(DATA, 4, seed=5).after(4)) == \
        "3 batches of 4 from 10 examples, shuffled with seed 5: pass 1, batch 1"
    assert repr(batches(DATA, 5, shuffle=False)) == \
        "2 batches of 5 from 10 examples, in order: pass 0, batch 0"


def test_a_training_loop_of_ones_own(digits):
    model, optimizer = lab.models.MLP([64, 32, 10]), lab.autodiff.optim.Adam(3e-3)
    params, state = model.params, optimizer.init(model.params)
    loader, step = batches(digits[0], 64), lab.value_and_grad(model.loss)
    for _ in range(5):
        for x, y in loader:
            params, state = optimizer.update(params, step(params, x, y)[1], state)
        loader = loader.after(len(loader))
    assert lab.accuracy(model.but(params=params), digits[1]) > 0.9


@pytest.mark.parametrize("call, sentence", [
    (lambda: batches(3, 4), "batches takes a data set, as datasets.digits"),
    (lambda: batches(DATA, 0), "size=0; it is a whole number of 1 or more"),
    (lambda: batches(DATA, 4, seed=-1), "seed=-1; it is a whole number of 0 or more"),
    (lambda: batches(DATA, 11, drop_last=True), "a batch of 11 is more than the 10 examples"),
    (lambda: lab.datasets.Batches(DATA, 4, position=4), "position=4; a pass has 3 batches"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()
