"""Both sides of every comparison compute the same."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.core.tree import flatten
from benchmarks.__main__ import fraction, measure_case
from benchmarks.eager import OPERATIONS, chain
from benchmarks.gemm import COUNT, LONG, SHORT, shapes
from benchmarks.peak import PEAKS, meter, multiply_adds
from benchmarks.rows import ROWS, Row


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize(("name", "peer"), ROWS)
def test_the_two_sides_agree(name, peer):
    pytest.importorskip(peer)
    if (name, peer) == ("fused-gelu", "torch") and not shutil.which("g++"):
        pytest.skip("torch.compile needs g++")
    row = ROWS[name, peer]
    for case in range(max(1, min(3, len(row.cases)))):
        ours, theirs = (flatten(row.made(side, case)())[0] for side in ("ours", "theirs"))
        for mine, other in zip(ours, theirs, strict=True):
            close(mine, np.asarray(other))


def close(mine, other):
    """Equal but for the order of sums, measured by the size of the whole."""
    size = np.abs(other).max(initial=0) if other.dtype.kind == "f" else 0
    np.testing.assert_allclose(mine, other, rtol=2e-4, atol=1e-5 * max(1, size))


@pytest.mark.parametrize("unit", PEAKS)
def test_the_peak_is_made_of_multiply_adds_alone(unit):
    call = meter(unit)
    call()
    assert call.extra["verified"], call.extra


def test_multiply_adds_are_counted_loop_by_loop():
    assert list(multiply_adds(LOOPS)) == [2, 0]


LOOPS = """
f:
.LBB0_1:
\tvfmadd231ps\t%ymm0, %ymm1, %ymm2
\tvfmadd231ps\t%ymm0, %ymm1, %ymm3
\tdecq\t%rax
\tjne\t.LBB0_1
\tvfmadd231ps\t%ymm0, %ymm1, %ymm3
.LBB0_2:
\tdecq\t%rax
\tjne\t.LBB0_2
\tretq
"""


class Steady:
    """A side that always takes as long, or alternates."""

    case = None

    def __init__(self, *seconds):
        self.seconds, self.turns = seconds, 0

    def answer(self):
        self.turns += 1
        return self.seconds[self.turns % len(self.seconds)]


def measured(monkeypatch, *sides):
    """A case measured with sides of that kind."""
    def turn(side, case):
        if side.case != case:
            side.case = case
            return {"work": 1.0}
        return side.answer()
    monkeypatch.setattr("benchmarks.__main__.turn", turn)
    return measure_case(sides, 0)


def test_a_case_is_the_ratio_of_the_best_rounds(monkeypatch):
    case = measured(monkeypatch, Steady(2.0, 3.0, 4.0), Steady(6.0), Steady(0.5))
    assert case["ratio"] == 3.0 and case["peak"] == 2.0 and not case["noisy"]


def test_rounds_that_do_not_agree_are_called_noisy(monkeypatch):
    assert measured(monkeypatch, Steady(1.0, 2.0), Steady(1.0))["noisy"]


def test_what_lies_above_the_peak_is_seen():
    row = Row(None, None, work=10.0)
    case = {"ours": 1.0, "theirs": 2.0, "peak": 20.0}
    assert fraction(row, [case]) == 0.5
    assert fraction(row, [case | {"theirs": 0.4}]) == 1.25
    assert fraction(Row(None, None), [case]) is None


def test_any_shape_means_what_it_says():
    drawn = np.array(shapes())
    assert drawn.min() >= SHORT and drawn.max() <= LONG and len(drawn) == COUNT
    assert (drawn < 40).any(1).mean() > 0.3 and (drawn > 400).any(1).mean() > 0.3


class Counter:
    """Stands for an array and for a namespace; counts what is asked of it."""

    def __init__(self):
        self.count = 0

    def _step(self, *args):
        self.count += 1
        return self

    def __getattr__(self, name):
        return self._step

    __add__ = __sub__ = __mul__ = __truediv__ = __matmul__ = __gt__ = __neg__ = _step


def test_the_chain_has_as_many_operations_as_it_says():
    it = Counter()
    chain(it, it, it, it, it)
    assert it.count == OPERATIONS


@pytest.mark.parametrize("name", ["train-mlp-digits", "train-cnn-digits",
                                  "train-depthwise-fashion", "train-gpt-novel"])
def test_a_short_training_reaches_what_torch_reaches(name):
    pytest.importorskip("torch")
    from benchmarks import training

    task = training.tasks()[name]
    parts = tuple(part.first(count) for part, count in zip(task.data(), (960, 500), strict=True))
    task = replace(task, data=lambda: parts, epochs=1)
    mine, other = (side(task, seed=0)[0] for side in (training.ours, training.theirs))
    assert mine == pytest.approx(other, abs=0.01)


def test_in_double_precision_both_trainings_take_the_same_steps():
    torch = pytest.importorskip("torch")
    from benchmarks.twins import twin

    train, _ = lab.datasets.fashion()
    data = replace(train.first(640), x=train.x[:640].astype(np.float64))
    model = lab.models.DepthwiseNet(widths=(8, 16), strides=(2, 2), dtype="float64")
    net = twin(model, torch)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for x, y in data.batches(64, np.random.default_rng(0)):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y)).backward()
        optimizer.step()
    model = lab.fit(model, data, epochs=1, optimizer=lab.autodiff.optim.Adam(lr=0.01))
    logits = net.eval()(torch.tensor(data.x[:64])).detach().numpy()
    np.testing.assert_allclose(model(data.x[:64]), logits, rtol=1e-9, atol=1e-11)
