"""``python -m benchmarks [PART]``: ratios, peer's time over ours, so more is better.

One thread, process CPU time, each side in a process of its own, turns taken, minimum over
rounds; a ratio that the rounds do not agree on is called too noisy.
``python -m benchmarks.training [PART]`` trains whole nets beside torch.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from importlib import metadata, util
from pathlib import Path

ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                     "NUMBA_NUM_THREADS"), "1")
HEADER = ("row", "peer", "ratio", "bar", "ok", "ours", "peer's")
ROUNDS = 9
RESULTS = Path(__file__).with_name("results.json")


def main(part=""):
    """Measures the rows whose name has ``part``, prints them and stores them in results.json."""
    from benchmarks.rows import ROWS

    chosen = {key: row for key, row in ROWS.items() if part in key[0]}
    if not chosen:
        sys.exit(f"no row has {part!r} in its name; the rows are: "
                 f"{', '.join(sorted({name for name, _ in ROWS}))}")
    results = [measure(*key, row) for key, row in chosen.items() if there(key[1])]
    store(results)
    show(results)
    return any(result["ok"] is False for result in results)


def there(peer):
    """Whether the peer is installed; says so if not."""
    found = util.find_spec(peer) is not None
    if not found:
        print(f"left out: {peer} is not installed; make bench PEERS=1 installs it")
    return found


def measure(name, peer, row):
    """One row of results.json."""
    with ExitStack() as stack:
        sides = [stack.enter_context(side(name, peer, which)) for which in ("ours", "theirs")]
        extras = [answer(process) for process in sides]
        rounds = [[turn(process) for process in sides] for _ in range(ROUNDS)]
    a, b = (min(column) for column in zip(*rounds, strict=True))
    again = (min(column) for column in zip(*rounds[::2], strict=True))
    noisy = abs(a / b / (next(again) / next(again)) - 1) > 0.1
    ok = None if row.bar is None or noisy else b / a >= row.bar
    return {"name": name, "peer": peer, "ratio": round(b / a, 3), "bar": row.bar,
            "stretch": row.stretch, "ok": ok, "noisy": noisy, "ours_s": a, "peer_s": b,
            "fraction_of_peak": None, "threads": 1,
            **{f"{who}_{key}": value for who, extra in zip(("ours", "peer"), extras, strict=True)
               for key, value in extra.items()},
            "versions": {module: metadata.version(module)
                         for module in sorted({"numpy", "numba", peer})}}


def side(name, peer, which):
    """A process that measures one side, a round for each line that it is sent."""
    return Sideline([sys.executable, "-m", "benchmarks.side", name, peer, which], text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=alone())


def alone():
    """The environment of a measurement: one thread, and OpenBLAS as it chooses by itself."""
    free = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    return {**free, **ONE}


class Sideline(subprocess.Popen):
    """A process that is left by closing its input."""

    def __exit__(self, *exception):
        self.stdin.close()
        super().__exit__(*exception)


def turn(process):
    """Seconds of one call in one round."""
    process.stdin.write("\n")
    process.stdin.flush()
    return answer(process)


def answer(process):
    """The next line of a side; its exit ends ours."""
    line = process.stdout.readline()
    if not line:
        sys.exit(f"a side of the comparison ended early: {' '.join(process.args[1:])}")
    return json.loads(line)


def store(results):
    """Puts the new rows in place of the old ones of results.json, and leaves the others."""
    old = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    rows = {(row["name"], row["peer"]): row for row in [*old, *results]}
    RESULTS.write_text(json.dumps(list(rows.values()), indent=1) + "\n", encoding="utf-8")


def show(results):
    """The results as a table."""
    from aisys_lab.core.text import si, table

    words = {True: "ok", False: "below the bar", None: "shown"}
    print(table([(r["name"], r["peer"], f"{r['ratio']:.2f}", r["bar"] or "–",
                  "too noisy" if r["noisy"] else words[r["ok"]], si(r["ours_s"], "s"),
                  si(r["peer_s"], "s")) for r in results], HEADER, "llrrlrr"))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
