"""Keys: the same key gives the same numbers, eager, traced, in any order of use."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff import random

KEY = random.key(7)


def test_the_words_are_philox():
    """Salmon et al. 2011, known-answer test of Philox4x64-10: counter and key 0."""
    wanted = [0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b]
    bits = np.random.Philox(key=random.key(0), counter=np.full(4, 2**64 - 1, np.uint64))
    np.testing.assert_array_equal(bits.random_raw(4), np.array(wanted, np.uint64))


def test_the_numbers_stay():
    assert random.uniform(KEY, 2, "f64").tolist() == [0.8720734548204873, 0.29536538151378355]
    assert random.split(KEY)[1].tolist() == [1580810879357656745, 9113309944511401544]
    assert random.fold_in(KEY, 3).tolist() == [1058044310805629234, 17545228259685513747]


def test_same_key_same_numbers_and_another_key_others():
    draws = [random.normal(k, 4) for k in (KEY, KEY, *random.split(KEY, 3), random.fold_in(KEY, 0),
                                           random.fold_in(KEY, 1), random.key(8))]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert len({tuple(draw) for draw in draws}) == len(draws) - 1


def test_seeds_of_more_than_a_word():
    assert random.key(2**64 + 5).tolist() == [5, 1]


@pytest.mark.parametrize("law, mean, variance", [("normal", 0, 1), ("uniform", 1 / 2, 1 / 12)])
@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
def test_moments(law, mean, variance, dtype):
    x = getattr(random, law)(KEY, (400, 500), dtype)
    assert lab.Spec(x.shape, x.dtype) == lab.Spec((400, 500), dtype)
    assert abs(np.mean(x, dtype=float) - mean) < 5 * (variance / x.size) ** 0.5
    assert abs(np.var(x, dtype=float) / variance - 1) < 0.02


@pytest.mark.parametrize("p", [0.0, 0.1, 1.0])
def test_bernoulli(p):
    x = random.bernoulli(KEY, p, 100_000)
    assert x.dtype == bool and abs(x.mean() - p) < 5 * (p * (1 - p) / x.size) ** 0.5 + 1e-9


def noisy(key, x):
    """Draws with two keys made of one, beside an input."""
    a, b = random.split(key)
    mask = random.bernoulli(random.fold_in(a, 3), 0.5, x.shape)
    return anp.where(mask, x * x, 0) + random.normal(b, x.shape, x.dtype)


def test_a_key_may_be_traced_and_the_graph_holds_no_number():
    x = np.arange(6.0).reshape(2, 3)
    graph = lab.trace(noisy, KEY, x, dims={"x": {0: "N"}})
    assert lab.parse(str(graph)) == graph and "u64[2]" in str(graph)
    for k in (KEY, random.key(9)):
        np.testing.assert_array_equal(lab.interpret(graph, k, x)[0], noisy(k, x))


def test_draws_have_no_slope():
    x = np.arange(6.0)
    want = 2 * x * random.bernoulli(random.fold_in(random.split(KEY)[0], 3), 0.5, x.shape)
    np.testing.assert_array_equal(lab.grad(lambda x: anp.sum(noisy(KEY, x)))(x), want)
    np.testing.assert_array_equal(lab.jvp(lambda x: noisy(KEY, x), (x,), (x,))[1], want * x)
    graph = lab.trace(lab.grad(lambda x, key: anp.sum(noisy(key, x))), x, KEY)
    np.testing.assert_array_equal(lab.interpret(graph, x, KEY)[0], want)


def test_a_generator_survives_as_words():
    rng = np.random.default_rng(3)
    rng.permutation(7), rng.integers(5, dtype=np.int32)
    state = random.words(rng)
    assert state.dtype == np.uint64 and state.shape == (6,)
    np.testing.assert_array_equal(random.from_words(state).permutation(9), rng.permutation(9))
    with pytest.raises(lab.LabError, match="the state of MT19937 is not kept"):
        random.words(np.random.Generator(np.random.MT19937(0)))


def test_a_generator_of_a_seed_a_key_or_itself():
    rng = np.random.default_rng(0)
    assert random.generator(rng) is rng
    assert random.generator(0).random() == np.random.default_rng(0).random()
    assert random.generator(KEY).random() == random.generator(KEY).random()


@pytest.mark.parametrize("call, sentence", [
    (lambda: random.key(-1), "seed=-1; it is a whole number of 0 or more"),
    (lambda: random.key(2**128), r"below 2\*\*128"),
    (lambda: random.normal(0, 3), r"random.normal takes a key, as random.key\(0\) makes .* got 0"),
    (lambda: random.split(np.zeros(2)), r"random.split takes a key, .* got f64\[2\]"),
    (lambda: random.split(KEY, 0), "n=0; it is a whole number of 1 or more"),
    (lambda: random.fold_in(KEY, -1), "number=-1"),
    (lambda: random.fold_in(KEY, np.array(-1)), "number=-1"),
    (lambda: random.fold_in(KEY, np.zeros(3)), r"takes one whole number, got f64\[3\]"),
    (lambda: random.uniform(KEY, (2, -1)), "size=-1"),
    (lambda: random.uniform(KEY, 2, "i32"), "dtype='i32'; the numbers are floats"),
    (lambda: random.bernoulli(KEY, 1.5), "p=1.5; a probability lies between 0 and 1"),
    (lambda: random.generator("a"), "random numbers come of a seed, a key or a NumPy generator"),
    (lambda: random.generator(np.zeros(3)), "takes a key"),
    (lambda: lab.parse("graph g\n input k : u64[2]\n t : f32[2] = random(k, law='cauchy', "
                       "shape=(2,), dtype='f32')\n output t"), "no law 'cauchy'; the laws are"),
    (lambda: lab.parse("graph g\n input k : u64[2]\n t : i64[2] = random(k, law='normal', "
                       "shape=(2,), dtype='i64')\n output t"), "normal numbers are floats"),
])
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()


def test_half_precision_stays_below_one():
    numbers = random.uniform(random.key(0), 100_000, "f16")
    assert numbers.max() == np.float16(1 - 2**-11) and abs(numbers.mean(dtype="f8") - 0.5) < 0.01


def test_a_probability_is_one_number():
    with pytest.raises(lab.core.LabError, match="a probability lies between 0 and 1"):
        random.bernoulli(random.key(0), np.array([0.1, 0.2]), 2)
