"""Real ranks: equal to one, bit by bit the same, bytes as counted; and what happens when one ends.

MPI tests skip, with the reason, where mpiexec is missing; in CI they must run.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff.optim import SGD, AdamW, Clipped, Cosine
from aisys_lab.core import LabError
from aisys_lab.distributed import job as jobs
from aisys_lab.distributed import launch, ring_bytes
from mpi import gone, marked, needs_mpi, running

HERE = Path(__file__).parent / "ranks"
linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(),
                           reason="processes are looked up in /proc, which only Linux has")


@pytest.fixture(scope="module")
def digits():
    return lab.datasets.digits()[0]


@pytest.fixture
def faulty(monkeypatch):
    """``faulty(fault)``: arguments of parallelize for a model that goes wrong on rank 1."""
    monkeypatch.syspath_prepend(str(HERE))
    from faulty import Faulty
    rng = np.random.default_rng(0)
    data = lab.datasets.Dataset("line", rng.standard_normal((12, 3)), rng.standard_normal(12), 1)
    return lambda fault: (Faulty(fault), data)


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_ranks_equal_one_rank(digits, ranks):
    model = lab.models.MLP([64, 16, 10])
    report = lab.parallelize(model, digits, ranks=ranks, plan="data")
    wide = digits.__class__("wide", digits.x.astype(np.float64), digits.y, 10)
    alone = lab.fit(jobs.in_precision(model, "float64"), wide, epochs=1)
    worst = max(np.abs(a - b).max() for layer in alone.params for a, b in zip(
        alone.params[layer].values(),
        jobs.in_precision(report.model, "float64").params[layer].values(), strict=True))
    assert report.difference <= 1e-10 and report.equal
    assert worst <= 1e-6  # the report's model is float32 again, as the one given
    assert report.model.dtype == model.dtype == "float32"
    assert report.sent == tuple(report.steps * ring_bytes(report.parameters, ranks, k, 8)
                                for k in range(ranks))
    assert set(report.messages) == {report.steps * 2 * (ranks - 1)}
    assert abs(max(report.sent) - report.formula) <= 2 * 8 * report.steps
    assert report.steps == len(digits) // 64 and report.losses[-1] < report.losses[0]


@needs_mpi
def test_ragged_shards_float64_and_momentum(digits):
    model = lab.models.MLP([64, 10], dtype="float64")
    report = lab.parallelize(model, digits, ranks=4, batch=250, epochs=2,
                             optimizer=SGD(0.1, momentum=0.9), seed=3)
    assert report.difference <= 1e-10 and report.model.params["layer1"]["w"].dtype == np.float64
    assert report.steps == 10 and "shards of 63, 63, 62 and 62" in str(report)
    alone = lab.fit(model, lab.datasets.Dataset("wide", digits.x.astype(float), digits.y, 10),
                    seed=3, epochs=2, batch=250, optimizer=SGD(0.1, momentum=0.9))
    np.testing.assert_allclose(report.model.params["layer1"]["w"], alone.params["layer1"]["w"],
                               rtol=0, atol=1e-10)


@needs_mpi
def test_native_is_equal_and_says_that_it_does_not_count(digits):
    report = lab.parallelize(lab.models.MLP([64, 10]), digits, collective="native")
    assert report.equal and report.sent == (0, 0) and "not counted" in str(report)


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_ring_equals_mpi_for_ragged_sizes(ranks, tmp_path):
    code, text = launch([HERE / "ring_oracle.py", tmp_path], ranks)
    assert code == 0, text
    for k in range(ranks):
        lines = json.loads((tmp_path / f"{k}.json").read_text())
        assert len(lines) == 27 and all(all(line.values()) for line in lines)


@needs_mpi
def test_report_prints_the_same_lines_each_time(faulty):
    model, data = faulty("none")
    first, second = (str(lab.parallelize(model, data, batch=4)) for _ in range(2))
    assert first == second
    assert first.splitlines() == [
        "plan                  data, 2 ranks, ring all-reduce, float64",
        "steps                 3 of 4 examples, shards of 2 and 2",
        first.splitlines()[2],
        "parameters            7, the same bits on every rank",
        "sent per rank         168 bytes in 6 messages",
        "2(p-1)/p n            168 bytes",
        "difference to 1 rank  below 1e-10"]


# ---- bad input

def test_unknown_plan_lists_plans(digits):
    with pytest.raises(LabError, match="no plan 'tensor' in PLANS; the plans are: data"):
        lab.parallelize(lab.models.MLP([64, 10]), digits, plan="tensor")


@pytest.mark.parametrize("options, sentence", [
    ({"ranks": 9, "batch": 8}, "9 ranks cannot share a batch of 8"),
    ({"ranks": 0}, "take from 1 to 64 ranks"),
    ({"ranks": 2.5}, "ranks=2.5; it is a whole number"),
    ({"batch": 5000}, "a batch of 5000 does not fit 1437"),
    ({"epochs": 0}, "at least one epoch"),
    ({"collective": "rings"}, "did you mean: ring"),
])
def test_bad_input_is_a_sentence(digits, options, sentence):
    with pytest.raises(LabError, match=sentence):
        lab.parallelize(lab.models.MLP([64, 10]), digits, **options)


def test_no_mpi_is_a_sentence_with_the_cure(digits, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *names, **options: None)
    with pytest.raises(LabError, match="finds no mpiexec; install it with: .*mpi4py mpich"):
        lab.parallelize(lab.models.MLP([64, 10]), digits)


def test_a_notebook_row_is_not_silently_left_out(digits):
    with lab.attempt():
        lab.COLLECTIVES["mine"] = lambda array, wire: array
        with pytest.raises(LabError, match=r"COLLECTIVES\['mine'\] is a row of this notebook"):
            lab.parallelize(lab.models.MLP([64, 10]), digits, collective="mine")


def test_a_class_that_ranks_cannot_import_is_a_sentence(digits):
    class Local(lab.models.MLP):
        pass
    with pytest.raises(LabError, match="cannot import .*Local; write it as a dataclass in a .py"):
        lab.parallelize(Local([64, 10]), digits)


# ---- ranks that fail

@needs_mpi
@linux
@pytest.mark.parametrize("fault, sentence", [
    ("raise", "rank 1 of 2 failed, which ended the job: ZeroDivisionError: division by zero"),
    ("kill", "a rank was ended from outside"),
    ("exit", "a rank was ended from outside"),
    ("sleep", "2 ranks did not finish in 3 s and were ended"),
])
def test_a_failing_rank_ends_the_job(faulty, monkeypatch, fault, sentence):
    word, started = marked(monkeypatch), time.monotonic()
    with pytest.raises(LabError, match=sentence):
        lab.parallelize(*faulty(fault), batch=4, timeout=3 if fault == "sleep" else 60)
    assert time.monotonic() - started < 30  # a deadline kept, not a speed
    assert gone(word)


@needs_mpi
@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_leaves_no_rank_behind(monkeypatch, number):
    word = marked(monkeypatch)
    script = (f"import signal, sys; sys.path.insert(0, {str(HERE)!r})\n"
              "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored behind an &
              "import numpy as np, aisys_lab as lab\nfrom faulty import Faulty\n"
              "data = lab.datasets.Dataset('d', np.ones((8, 3)), np.ones(8), 1)\n"
              "lab.parallelize(Faulty('sleep'), data, batch=4)\n")
    parent = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL,
                              cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 30
    while len(running(word)) < 5 and time.monotonic() < deadline:  # parent, mpiexec, proxy, ranks
        time.sleep(0.05)
    os.kill(parent.pid, number)
    parent.wait(30)
    assert gone(word, 30)


# ---- the job's files

def test_a_job_reads_back_bit_by_bit(tmp_path, digits):
    model = lab.models.MLP([64, 5, 10], seed=4)
    job = jobs.Job("data", "ring", model, SGD(0.1 + 0.2), digits.x, digits.y, 5, 2, 64)
    jobs.write_job(tmp_path, job)
    back = jobs.read_job(tmp_path)
    assert jobs.digest(back.model.params) == jobs.digest(model.params)
    assert back.optimizer == job.optimizer and back.model.sizes == model.sizes
    assert back.steps == job.steps == 44
    for (x, y), (u, v) in zip(job.batches(), back.batches(), strict=True):
        assert np.array_equal(x, u) and np.array_equal(y, v)
    assert not list(tmp_path.glob("*.pkl"))


def test_a_schedule_and_an_optimiser_inside_another_travel(tmp_path, digits):
    optimizer = Clipped(AdamW(Cosine(0.01, 40, warmup=4)), 1.0)
    model = lab.models.MLP([64, 10])
    job = jobs.Job("data", "ring", model, optimizer, digits.x, digits.y, 0, 1, 64)
    jobs.write_job(tmp_path, job)
    assert jobs.read_job(tmp_path).optimizer == optimizer
