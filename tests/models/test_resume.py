"""Checkpoints of a run: killed and gone on with, it ends bit-equal; another run is a sentence."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import optim
from aisys_lab.core.saving import load_tree
from aisys_lab.core.tree import flatten, names
from interrupted import training

TESTS = Path(__file__).parents[1]
MODEL = lab.models.MLP([64, 8, 10])


def equal(one, other):
    assert names(one) == names(other)
    for a, b in zip(flatten(one)[0], flatten(other)[0], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def whole():
    return training().params


def start(path):
    script = [sys.executable, str(TESTS / "interrupted.py"), str(path)]
    return subprocess.Popen(script, env=os.environ | {"PYTHONPATH": str(TESTS.parent)})


def kill_after_a_save(path):
    """Runs the training in a process, and kills it a little after it next wrote the file."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    process = start(path)
    while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
        time.sleep(0.005)
    time.sleep(0.13)
    process.kill()
    return process.wait()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_twice_and_resumed_it_is_bit_equal(tmp_path, whole):
    path = tmp_path / "run.npz"
    assert [kill_after_a_save(path) for _ in range(2)] == [-9, -9]
    assert 0 < load_tree(path)["steps"] < 30
    assert start(path).wait(60) == 0
    assert load_tree(path)["steps"] == 30
    equal(load_tree(path)["params"], whole)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("every", [None, 1, 7])
def test_saving_changes_nothing(tmp_path, whole, suffix, every):
    equal(training(tmp_path / f"run.{suffix}", every).params, whole)
    equal(training(tmp_path / f"run.{suffix}", every).params, whole)  # nothing is left to do


class Stop(Exception):
    """Raised in the middle of a training."""


@pytest.mark.parametrize("optimizer", [None, optim.SGD(0.1), optim.SGD(0.1, 0.9)])
@pytest.mark.parametrize("at", [1, 5, 6, 9])
def test_any_step_is_a_good_place_to_stop(tmp_path, digits, optimizer, at):
    data, path = digits[0].first(320), tmp_path / "run.npz"
    step, calls = lab.value_and_grad(MODEL.loss), []

    def stopping(params, x, y):
        calls.append(0)
        if len(calls) > at:
            raise Stop
        return step(params, x, y)

    def run(**more):
        return lab.fit(MODEL, data, 3, 2, 64, optimizer, **more)

    with pytest.raises(Stop):
        run(step=stopping, checkpoint=path, every=1)
    kept = load_tree(path)
    assert (kept["epoch"], kept["position"], kept["steps"]) == (*divmod(at, 5), at)
    equal(run(checkpoint=path).params, run().params)


def test_more_passes_later(tmp_path, digits):
    data, path = digits[0].first(200), tmp_path / "run.npz"
    for epochs in (1, 3):
        longer = lab.fit(MODEL, data, epochs=epochs, checkpoint=path)
    equal(longer.params, lab.fit(MODEL, data, epochs=3).params)
    with pytest.raises(lab.LabError, match="stands in pass 3, batch 0; epochs=2 asks for less"):
        lab.fit(MODEL, data, epochs=2, checkpoint=path)
    lab.fit(MODEL, data, epochs=2, checkpoint=path, resume=False)
    assert load_tree(path)["epoch"] == 2


@pytest.fixture
def kept(tmp_path, digits):
    path = tmp_path / "run.npz"
    lab.fit(MODEL, digits[0].first(200), epochs=1, checkpoint=path)
    return path


@pytest.mark.parametrize("changes, sentence", [
    ({"model": lab.models.MLP([64, 9, 10])}, "its model is MLP 64 -> 8 -> 10, .* this call's MLP"),
    ({"count": 300}, "its data is digits, train, first 200: .* this call's digits, train, first 3"),
    ({"seed": 1}, "its seed is 0, this call's 1; name another file, or pass resume=False"),
    ({"batch": 32}, "its batch is 64, this call's 32"),
    ({"optimizer": optim.SGD()}, r"its optimizer is Adam\(lr=0.001.* this call's SGD\(lr=0.1"),
])
def test_another_training_is_a_sentence(kept, digits, changes, sentence):
    given = {"model": MODEL, "count": 200, "epochs": 1, "checkpoint": kept} | changes
    data = digits[0].first(given.pop("count"))
    with pytest.raises(lab.LabError, match=f"is another training: {sentence}"):
        lab.fit(given.pop("model"), data, **given)


def test_other_sentences(kept, digits):
    data = digits[0].first(200)
    with pytest.raises(lab.LabError, match="every=… says when to save; say where"):
        lab.fit(MODEL, data, every=3)
    with pytest.raises(lab.LabError, match="every=0; it is a whole number of 1 or more"):
        lab.fit(MODEL, data, checkpoint=kept, every=0)
    kept.write_bytes(kept.read_bytes()[:-300])
    with pytest.raises(lab.LabError, match="run.npz is no sound file of arrays"):
        lab.fit(MODEL, data, checkpoint=kept)
    with pytest.raises(lab.LabError, match="the suffix says the format"):
        lab.fit(MODEL, data, checkpoint="run.pkl")


def test_a_schedule_written_as_a_function_is_the_same_next_time(tmp_path, digits):
    for _ in range(2):
        lab.fit(MODEL, digits[0].first(200), epochs=1, checkpoint=tmp_path / "run.npz",
                optimizer=optim.SGD(lambda step: 0.1))
