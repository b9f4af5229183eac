"""The data sets are what they say, balanced, seeded, and the same after coding and decoding."""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.core import LabError


@pytest.fixture(scope="module")
def clothes():
    return lab.datasets.fashion()


@pytest.fixture(scope="module")
def novel():
    return lab.datasets.text()


def test_fashion_is_balanced_and_in_range(clothes):
    for part, count in zip(clothes, (10_000, 2_000), strict=True):
        assert part.x.shape == (count, 1, 28, 28) and part.x.dtype == np.float32
        assert part.x.min() == 0 and part.x.max() == 1
        assert np.bincount(part.y).tolist() == [count // 10] * 10
    train, test = clothes
    assert repr(train) == ("Fashion-MNIST, train: 10000 examples, x float32[1, 28, 28] in [0, 1], "
                           "10 classes")
    assert test.word(9) == "ankle boot"


def test_no_example_of_fashion_is_in_both_parts(clothes):
    seen, unseen = ({image.tobytes() for image in part.x} for part in clothes)
    assert not seen & unseen


def test_fashion_can_be_told_apart(clothes):
    """The nearest mean of a class is right far more often than chance: labels fit the images."""
    train, test = (part.flat() for part in clothes)
    means = np.stack([train.x[train.y == label].mean(0) for label in range(10)])
    distance = (means ** 2).sum(1) - 2 * test.x @ means.T
    assert np.mean(distance.argmin(1) == test.y) > 0.6


def test_a_part_of_a_data_set(clothes):
    few = clothes[0].first(128)
    assert len(few) == 128 and few.name == "Fashion-MNIST, train, first 128"
    with pytest.raises(LabError, match="labels 0 to 9, not 10"):
        few.word(10)
    assert lab.datasets.digits()[0].word(3) == "3"


def test_the_novel_is_whole(novel):
    train, test = novel
    text = train.decode(train.ids) + test.decode(test.ids)
    assert text.startswith("PRIDE AND PREJUDICE\n\nBy Jane Austen\n")
    assert text.endswith("had been the means of uniting them.\n")
    assert text.count("\nChapter ") == 61
    assert len(test.ids) == pytest.approx(len(text) / 10, abs=1)
    assert repr(test) == ("Pride and Prejudice, test: 68477 characters of 75 kinds, 1069 windows "
                          "of 64")


def test_labels_are_the_next_characters(novel):
    train, _ = novel
    x, y = train[:3]
    assert x.shape == y.shape == (3, 64) and x.dtype == y.dtype == np.int64
    np.testing.assert_array_equal(train.x[:, 1:], train.y[:, :-1])
    np.testing.assert_array_equal(train.x[1:, 0], train.y[:-1, -1])


def test_a_pass_cuts_the_novel_anew_and_a_seed_repeats_it(novel):
    _, test = novel
    passes = [list(test.batches(64, np.random.default_rng(seed))) for seed in (0, 1, 0)]
    for x, y in passes[0]:
        assert x.shape == (64, 64)
        np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    assert any((a[0] != b[0]).any() for a, b in zip(*passes[:2], strict=True))
    for (x, y), again in zip(passes[0], passes[2], strict=True):
        np.testing.assert_array_equal((x, y), again)


def test_coding_and_decoding_are_inverse(novel):
    train, _ = novel
    said = "It is a truth"
    assert train.decode(train.encode(said)) == said
    assert train.encode("").shape == (0,)
    with pytest.raises(LabError, match="has no 'é'"):
        train.encode("protégé")
    with pytest.raises(LabError, match="0 to 74, got 0 to 75"):
        train.decode([0, 75])


def test_a_part_of_the_novel(novel):
    few = novel[0].first(10)
    assert len(few) == 10 and few.name == "Pride and Prejudice, train, first 10"
    np.testing.assert_array_equal(few[:], novel[0][:10])


def test_what_is_shipped_has_its_notice_beside_it():
    data = resources.files("aisys_lab.datasets") / "data"
    names = {path.name for path in data.iterdir()}
    assert names == {"fashion_mnist.npz", "fashion_mnist.license.txt", "pride_and_prejudice.txt",
                     "pride_and_prejudice.source.txt"}
    assert "Permission is hereby granted" in (data / "fashion_mnist.license.txt").read_text()


def test_loading_what_is_shipped_needs_numpy_only():
    code = ("import sys; from aisys_lab import datasets; datasets.fashion(); datasets.text(); "
            "print({'sklearn', 'scipy', 'numba'} & set(sys.modules))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
