"""A job as files: JSON and .npz, never pickle, so that a rank runs nothing but our code."""

import dataclasses
import hashlib
import importlib
import json
from pathlib import Path

import numpy as np

from aisys_lab.core import LabError, write_atomic
from aisys_lab.core.tree import flatten, tree_map, unflatten


@dataclasses.dataclass(frozen=True)
class Job:
    """What every rank is told: plan, model, optimizer, the data and the order of its batches."""

    plan: str
    collective: str
    model: object
    optimizer: object
    x: np.ndarray
    y: np.ndarray
    seed: int
    epochs: int
    batch: int

    @property
    def steps(self):
        return self.epochs * (len(self.x) // self.batch)

    def batches(self):
        """The batches of ``fit``, in its order."""
        rng = np.random.default_rng(self.seed)
        for _ in range(self.epochs):
            order = rng.permutation(len(self.x))
            for start in range(0, len(order) - self.batch + 1, self.batch):
                rows = order[start:start + self.batch]
                yield self.x[rows], self.y[rows]


def cast(tree, dtype):
    """Float leaves in another precision."""
    return tree_map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x, tree)


def in_precision(model, dtype):
    """The model with its parameters, and its ``dtype`` where it has one, in another precision."""
    named = {"dtype": np.dtype(dtype).name} if hasattr(model, "dtype") else {}
    return dataclasses.replace(model, params=cast(model.params, dtype), **named)


# ---- nouns as JSON

def describe(noun):
    """Class and plain fields of a frozen dataclass; a sentence if ranks could not make it."""
    kind = type(noun)
    if not dataclasses.is_dataclass(noun) or kind.__module__ == "__main__" \
            or "<locals>" in kind.__qualname__:
        raise LabError(f"parallelize: a rank is a process of its own and cannot import "
                       f"{kind.__qualname__}; write it as a dataclass in a .py file beside the "
                       f"notebook and import it from there.")
    fields = {f.name: getattr(noun, f.name) for f in dataclasses.fields(noun)
              if f.init and f.name != "params"}
    try:
        return {"class": f"{kind.__module__}:{kind.__qualname__}",
                "fields": json.loads(json.dumps(fields, default=_plain))}
    except TypeError as error:
        raise LabError(f"parallelize: {kind.__name__} has a field that does not travel "
                       f"({error}); numbers, words and lists do.") from None


def _plain(value):
    """Numbers of NumPy as Python's; a noun in a field, as a schedule of rates, in its turn."""
    if isinstance(value, np.generic):
        return value.item()
    if dataclasses.is_dataclass(value):
        return describe(value)
    raise TypeError(f"a {type(value).__name__}")


def rebuild(text, **more):
    """The noun again."""
    module, _, name = text["class"].partition(":")
    fields = {key: rebuild(value) if isinstance(value, dict) and "class" in value else value
              for key, value in text["fields"].items()}
    return getattr(importlib.import_module(module), name)(**fields, **more)


# ---- files

def write_job(folder, job):
    """``job.json`` and ``job.npz``."""
    plain = {name: getattr(job, name) for name in ("plan", "collective", "seed", "epochs",
                                                   "batch")}
    text = plain | {"model": describe(job.model), "optimizer": describe(job.optimizer)}
    write_atomic(Path(folder, "job.json"), json.dumps(text))
    write_params(Path(folder, "job.npz"), job.model.params, x=job.x, y=job.y)


def read_job(folder):
    """The job that ``write_job`` wrote."""
    text = json.loads(Path(folder, "job.json").read_text())
    model = rebuild(text.pop("model"))
    params, arrays = read_params(Path(folder, "job.npz"), model.params)
    return Job(model=dataclasses.replace(model, params=params),
               optimizer=rebuild(text.pop("optimizer")), **arrays, **text)


def write_params(path, params, **arrays):
    """Leaves in order, ``p0``, ``p1``, …, and arrays by name."""
    leaves = {f"p{i}": leaf for i, leaf in enumerate(flatten(params)[0])}
    with open(path, "wb") as file:
        np.savez(file, **leaves, **arrays)


def read_params(path, like):
    """``(params in the tree of like, the other arrays)``."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    leaves, tree = flatten(like)
    return unflatten(tree, [arrays.pop(f"p{i}") for i in range(len(leaves))]), arrays


def digest(params):
    """A fingerprint of every bit of the parameters."""
    total = hashlib.sha256()
    for leaf in flatten(params)[0]:
        total.update(np.ascontiguousarray(leaf).tobytes())
    return total.hexdigest()
