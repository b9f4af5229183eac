"""``python -m benchmarks.training [PART]``: whole trainings by our engine and by torch.

Both sides begin with the same weights and see the same batches at the same learning rates, over
three seeds; the rows ``train-*`` of results.json hold what each reached on the test part, and the
scores alone stand in book/5_frameworks/trainings.json, for chapter 5.2.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

SEEDS = (0, 1, 2)
SCORES = Path(__file__).parents[1] / "book/5_frameworks/trainings.json"


@dataclass(frozen=True)
class Task:
    """What is trained on what: ``model(seed)``, a pair of data sets, passes, and Adam's rate."""

    model: Callable
    data: Callable
    epochs: int
    lr: float
    batch: int = 64

    @property
    def schedule(self):
        """A short warm-up, then half a cosine."""
        from aisys_lab.autodiff.schedules import Cosine

        steps = self.epochs * (len(self.data()[0]) // self.batch)
        return Cosine(self.lr, steps, warmup=steps // 20)


def tasks():
    """The trainings by name."""
    import aisys_lab as lab

    data, models = lab.datasets, lab.models
    digits, clothes, novel = map(cache, (data.digits, data.fashion, data.text))
    return {
        "train-mlp-digits": Task(lambda seed: models.MLP([64, 128, 10], seed=seed), digits,
                                 20, 3e-3),
        "train-cnn-digits": Task(lambda seed: models.CNN((1, 8, 8), seed=seed), digits, 20, 3e-3),
        "train-cnn-fashion": Task(lambda seed: models.CNN(seed=seed), clothes, 6, 3e-3),
        "train-depthwise-fashion": Task(lambda seed: models.DepthwiseNet(seed=seed), clothes,
                                        8, 1e-2),
        "train-gpt-novel": Task(lambda seed: models.GPT(75, seed=seed), novel, 2, 3e-3, 32),
    }


def ours(task, seed):
    """``(score, seconds an epoch)`` of our training."""
    import aisys_lab as lab

    train, test = task.data()
    optimizer = lab.autodiff.optim.Adam(lr=task.schedule)
    began = time.process_time()
    model = lab.fit(task.model(seed), train, seed, task.epochs, task.batch, optimizer)
    spent = (time.process_time() - began) / task.epochs
    return score(model, test), spent


def theirs(task, seed):
    """``(score, seconds an epoch)`` of torch's training, from the same weights."""
    import torch

    from benchmarks.twins import twin

    torch.set_num_threads(1)
    train, test = task.data()
    model, schedule, rng = task.model(seed), task.schedule, np.random.default_rng(seed)
    net = twin(model, torch, rows=hasattr(model, "image") and train.x.ndim == 2)
    optimizer, step, began = torch.optim.Adam(net.parameters()), 0, time.process_time()
    for _ in range(task.epochs):
        for x, y in train.batches(task.batch, rng):
            optimizer.param_groups[0]["lr"] = float(schedule(step))
            logits = net(torch.tensor(x)).flatten(0, -2)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, torch.tensor(y).flatten()).backward()
            optimizer.step()
            step += 1
    spent = (time.process_time() - began) / task.epochs
    with torch.no_grad():
        net.eval()
        return score(lambda x: net(torch.tensor(x)).numpy(), test), spent


def score(model, test):
    """Share of right answers; of the novel, the mean cross-entropy of the next character."""
    from aisys_lab.autodiff import numpy as anp

    parts = [test[start:start + 250] for start in range(0, len(test), 250)]
    values = [(len(y), float(anp.cross_entropy(model(x), y)) if y.ndim > 1 else
               float(np.mean(np.argmax(model(x), -1) == y))) for x, y in parts]
    return sum(n * value for n, value in values) / len(test)


def row(name, task):
    """One row of results.json: a list of scores a side, one a seed."""
    sides = {who: [side(task, seed) for seed in SEEDS]
             for who, side in (("ours", ours), ("peer", theirs))}
    mine, other = (min(spent for _, spent in runs) for runs in sides.values())
    measure = "accuracy" if task.data()[1].y.ndim == 1 else "cross-entropy"
    return {"name": name, "peer": "torch", "ratio": round(other / mine, 3), "bar": None, "ok": None,
            "noisy": False, "ours_s": mine, "peer_s": other, "fraction_of_peak": None, "threads": 1,
            "measure": measure, "epochs": task.epochs, "seeds": list(SEEDS),
            **{f"{who}_scores": [round(value, 4) for value, _ in runs]
               for who, runs in sides.items()},
            "versions": {module: metadata.version(module) for module in ("numpy", "torch")}}


def store_scores(rows):
    """Writes what both sides reached, seed by seed, over what stood there of the same names."""
    known = json.loads(SCORES.read_text()) if SCORES.is_file() else {}
    keys = ("measure", "epochs", "seeds", "ours_scores", "peer_scores")
    known |= {r["name"].removeprefix("train-"): {key: r[key] for key in keys} for r in rows}
    SCORES.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


def main(part=""):
    """Trains the tasks whose name has ``part``, prints and stores them."""
    from aisys_lab.core.text import si, table
    from benchmarks.__main__ import store

    rows = [row(name, task) for name, task in tasks().items() if part in name]
    store(rows)
    store_scores(rows)
    mean = {r["name"]: [float(np.mean(r[f"{who}_scores"])) for who in ("ours", "peer")]
            for r in rows}
    print(table([(r["name"], r["measure"], *(f"{value:.4f}" for value in mean[r["name"]]),
                  si(r["ours_s"], "s"), si(r["peer_s"], "s"), r["epochs"]) for r in rows],
                ("training", "measure", "ours", "torch's", "an epoch", "torch's", "epochs"),
                "llrrrrr"))


if __name__ == "__main__":
    from benchmarks.__main__ import alone

    if os.environ != alone():
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.training", *sys.argv[1:]],
                  alone())
    main(*sys.argv[1:])
