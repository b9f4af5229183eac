"""``python -m benchmarks [PART]``: ratios, peer's time over ours, so more is better.

One thread, process CPU time, turns taken, minimum over rounds; a ratio that the rounds do not
agree on is called too noisy.
"""

import json
import os
import sys
import time
from importlib import metadata, util
from pathlib import Path

ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                     "NUMBA_NUM_THREADS"), "1")
HEADER = ("row", "peer", "ratio", "bar", "ok", "ours", "peer's")
ROUNDS, ROUND_SECONDS = 9, 0.1


def main(part=""):
    """Measures the rows whose name has ``part``, prints them and writes results.json."""
    from benchmarks.rows import ROWS

    chosen = {key: row for key, row in ROWS.items() if part in key[0]}
    if not chosen:
        sys.exit(f"no row has {part!r} in its name; the rows are: "
                 f"{', '.join(sorted({name for name, _ in ROWS}))}")
    results = [measure(*key, *row) for key, row in chosen.items() if there(key[1])]
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    show(results)
    return any(result["ok"] is False for result in results)


def there(peer):
    """Whether the peer is installed; says so if not."""
    found = util.find_spec(peer) is not None
    if not found:
        print(f"left out: {peer} is not installed; make bench PEERS=1 installs it")
    return found


def measure(name, peer, bar, make):
    """One row of results.json."""
    ours, theirs = make()
    rounds = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    a, b = (min(column) for column in zip(*rounds, strict=True))
    again = (min(column) for column in zip(*rounds[::2], strict=True))
    noisy = abs(a / b / (next(again) / next(again)) - 1) > 0.1
    ok = None if bar is None or noisy else b / a >= bar
    return {"name": name, "peer": peer, "ratio": round(b / a, 3), "bar": bar, "ok": ok,
            "noisy": noisy, "ours_s": a, "peer_s": b, "fraction_of_peak": None, "threads": 1,
            "versions": {module: metadata.version(module) for module in {"numpy", "numba", peer}}}


def seconds(call):
    """CPU seconds of one call, over as many as fill a round."""
    call()
    calls, began = 0, time.process_time()
    while time.process_time() - began < ROUND_SECONDS:
        call()
        calls += 1
    return (time.process_time() - began) / calls


def show(results):
    """The results as a table."""
    from aisys_lab.core.text import si, table

    words = {True: "ok", False: "below the bar", None: "shown"}
    print(table([(r["name"], r["peer"], f"{r['ratio']:.2f}", r["bar"] or "–",
                  "too noisy" if r["noisy"] else words[r["ok"]], si(r["ours_s"], "s"),
                  si(r["peer_s"], "s")) for r in results], HEADER, "llrrlrr"))


if __name__ == "__main__":
    if any(os.environ.get(name) != "1" for name in ONE):  # read when NumPy and Numba load
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]],
                  {**os.environ, **ONE})
    sys.exit(main(*sys.argv[1:]))
