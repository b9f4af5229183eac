"""Torch's own samples of its operations (OpInfo), run through ours and compared.

Torch's test suite keeps, for each operation, sample inputs with odd shapes, broadcasting, empty
axes and all keywords. A ``Row`` says how ours is called in place of torch's, as thinly as it
goes; ``judge`` compares both on every sample to which our signature applies.
"""

import inspect
import os
import random
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from autodiff.opinfo_sides import Ours, Theirs, numpied

SAMPLES = int(os.environ.get("AISYS_FUZZ", 20))
CHECKS = ("value", "vjp", "jvp", "second", "traced")
TOLERANCE = dict.fromkeys(CHECKS, 1e-6)


@dataclass(frozen=True)
class Row:
    """One op: ``ours`` is its name in our namespace, ``names`` what torch's keywords are there.

    ``call(f, input, *args, **kwargs)`` has torch's signature where renaming does not do, ``out``
    takes from torch's result what ours returns, ``unless`` gives reasons why a sample is not
    asked of us (each a predicate of the sample), and ``few`` says why most samples are not.
    """

    ours: str
    call: Callable | None = None
    out: Callable | None = None
    unless: dict = field(default_factory=dict)
    few: str = ""
    names: dict = field(default_factory=dict)


def row(ours, call=None, out=None, unless=None, few="", **names):
    return Row(ours, call, out, unless or {}, few, names)


def first(out):
    """Of several results the first."""
    return out[0] if isinstance(out, tuple) else out


def composed(call, **more):
    """A row for what is one op in torch and several of ours: ``call(namespace, input, ...)``."""
    return row("", call, **more)


def function(ours):
    """The function of that dotted name in our namespace, or of ``nn``; of none, the namespace."""
    names = ours.split(".") if ours else []
    start = lab.autodiff if names[:1] == ["nn"] else anp
    return reduce(lambda at, name: getattr(at, name, None), names, start)


@dataclass
class Tally:
    """What became of the samples of one op."""

    op: str
    ours: str
    samples: int = 0
    ran: int = 0
    passed: Counter = field(default_factory=Counter)
    absent: Counter = field(default_factory=Counter)  # check: samples where torch has none
    not_applicable: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)

    def short(self):
        """The checks that fewer than 98 of 100 samples pass."""
        return [check for check in CHECKS
                if self.passed[check] < 0.98 * (self.ran - self.absent[check])]


def judge(info, row):
    """Up to 20 samples of torch's op (an OpInfo) to which ours applies, against our function."""
    import torch
    for seed in (torch.manual_seed, random.seed, np.random.seed):  # torch draws with all three
        seed(0)
    samples = list(info.sample_inputs_func(info, "cpu", torch.float64, info.supports_autograd))
    reasons = [not_applicable(row, sample) for sample in samples]
    asked = chosen([sample for sample, why in zip(samples, reasons, strict=True) if not why])
    tally = Tally(info.formatted_name, row.ours or "(several)", len(samples), len(asked))
    tally.not_applicable.update(filter(None, reasons))
    for sample in asked:
        compare(tally, Theirs(sample, row, info), Ours(sample, row, function(row.ours)))
    return tally


def chosen(samples):
    """The first half of what we take, and as many spread over the rest."""
    head, rest = samples[:SAMPLES // 2], samples[SAMPLES // 2:]
    take = min(len(rest), SAMPLES - len(head))
    return head + [rest[i * len(rest) // take] for i in range(take)]


def not_applicable(row, sample):
    """Why a sample is not asked of ours; empty where it is."""
    x, args, kwargs = numpied((sample.input, sample.args, sample.kwargs))
    given = kwargs if row.call else {row.names.get(k, k): v for k, v in kwargs.items()}
    head = (row.call, function(row.ours)) if row.call else (function(row.ours),)
    try:
        inspect.signature(head[0]).bind(*head[1:], x, *args, **given)
    except TypeError as error:
        return str(error).replace("got an unexpected ", "").replace("'", "")
    return next((why for why, holds in row.unless.items() if holds(x, *args, **kwargs)), "")


def compare(tally, theirs, ours):
    """All checks of one sample, noted in the tally."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0 / 0 in a sample, and torch's news of itself
        want = theirs.value()
        rng = np.random.default_rng(0)
        v = [np.asarray(rng.standard_normal(x.shape)) for x in ours.leaves]
        u = [np.asarray(rng.standard_normal(y.shape)) for y in want if y.dtype.kind == "f"]
        for check in CHECKS:
            if check != "value" and not (u and v):
                tally.absent[check] += 1
            else:
                note(tally, check, theirs, ours, u, v)


def note(tally, check, theirs, ours, u, v):
    """Counts one check of one sample as passed, as absent in torch, or as a fault."""
    try:
        want = getattr(theirs, check)(u, v)
    except RuntimeError as error:  # what OpInfo does not say of all backends
        assert check != "value" and "not implemented" in str(error), error
        want = None
    if want is None:
        tally.absent[check] += 1
        return
    try:
        difference = apart(getattr(ours, check)(u, v), want, TOLERANCE[check])
    except Exception:
        difference = traceback.format_exc(limit=-2)
    if difference:
        tally.faults.append(f"{check} of {theirs}: {difference}")
    else:
        tally.passed[check] += 1


def apart(got, want, tolerance):
    """Where two lists of arrays differ, in a sentence; empty where they agree."""
    if len(got) != len(want):
        return f"{len(got)} arrays for {len(want)}"
    for a, b in zip(map(np.asarray, got), want, strict=True):
        if a.shape != b.shape or (a.dtype != b.dtype and b.dtype.kind == "f"):
            return f"{a.dtype}{list(a.shape)} for {b.dtype}{list(b.shape)}"
        if not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True):
            at = np.unravel_index(np.nanargmax(np.abs(a - b)), a.shape)
            return f"{a[at]} for {b[at]} at {list(map(int, at))}"
    return ""


# ---- the table at the end of the tests' output

def line(tally):
    """A tally as plain numbers and words, which may travel between the processes of pytest."""
    return {"op": tally.op, "ours": tally.ours, "samples": tally.samples, "ran": tally.ran,
            "passed": [tally.passed[check] for check in CHECKS],
            "due": [tally.ran - tally.absent[check] for check in CHECKS],
            "not applicable": dict(tally.not_applicable)}


def table(lines):
    """The lines as a table, with a sum at the end."""
    yield "samples that ran (at most 20 an op), and how many of them agree to 1e-6 in each check"
    head = "".join(f"{check:>8}" for check in CHECKS)
    yield f"{'torch':<36}{'ours':<22}{'samples':>8}{'ran':>5}{head}  not applicable"
    for x in lines:
        yield _text(x["op"].replace("nn_functional_", "F."), x["ours"], x) + "; ".join(
            f"{n} {why}" for why, n in x["not applicable"].items())
    total = {key: sum(x[key] for x in lines) for key in ("samples", "ran")} | {
        key: [sum(column) for column in zip(*(x[key] for x in lines), strict=True)]
        for key in ("passed", "due")}
    yield _text(f"{len(lines)} ops", f"{len({x['ours'] for x in lines})} functions", total) + \
        f"{sum(n for x in lines for n in x['not applicable'].values())}"


def _text(op, ours, x):
    cells = (f"{'-' if not due else due if passed == due else f'{passed}/{due}':>8}"
             for passed, due in zip(x["passed"], x["due"], strict=True))
    return f"{op:<36}{ours:<22}{x['samples']:>8}{x['ran']:>5}{''.join(cells)}  "
