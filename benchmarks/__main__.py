"""``python -m benchmarks [PART]``: ratios, peer's time over ours, so more is better.

One thread and process CPU time, or several and the clock on the wall; each side in a process of its
own, turns taken, minimum over rounds, and more rounds where they do not agree. A ratio that they
never agree on is called too noisy. Rows whose operations are counted stand beside the peak of this
machine, measured in turn with them; a row above it ends the run with an error.
``python -m benchmarks.training [PART]`` trains whole nets beside torch.
"""

import json
import math
import os
import subprocess
import sys
from contextlib import ExitStack
from importlib import metadata, util
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
HEADER = ("row", "peer", "ratio", "bar", "ok", "ours", "peer's", "of peak", "threads")
ROUNDS = (15, 60)  # at least, at most
AGREE = 0.03  # how far the ratios of the odd and the even rounds may lie apart
ABOVE = 1.02  # of the peak: more is a measuring error
RESULTS = Path(__file__).with_name("results.json")


def main(part=""):
    """Measures the rows whose name has ``part``, prints them and stores them in results.json."""
    from aisys_lab.core import progress
    from benchmarks.rows import ROWS

    chosen = {key: row for key, row in ROWS.items() if part in key[0]}
    if not chosen:
        sys.exit(f"no row has {part!r} in its name; the rows are: "
                 f"{', '.join(sorted({name for name, _ in ROWS}))}")
    results = [measure(*key, row) for key, row in progress(chosen.items(), desc="rows")
               if there(key[1])]
    store(results)
    show(results)
    wrong = [r["name"] for r in results if (r["fraction_of_peak"] or 0) > ABOVE]
    if wrong:
        sys.exit(f"a measuring error: above the peak of this machine lie {', '.join(wrong)}")
    return any(result["ok"] is False for result in results)


def there(peer):
    """Whether the peer is installed; says so if not."""
    found = util.find_spec(peer) is not None
    if not found:
        print(f"left out: {peer} is not installed; make bench PEERS=1 installs it")
    return found


def measure(name, peer, row):
    """One row of results.json."""
    names = ["ours", "theirs", *(["peak"] if any(row.known) else [])]
    with ExitStack() as stack:
        sides = [stack.enter_context(side(name, peer, which, row.threads)) for which in names]
        cases = [measure_case(sides, i) for i in range(max(1, len(row.cases)))]
    ratio = math.prod(case["ratio"] for case in cases) ** (1 / len(cases))
    low = min(case["ratio"] for case in cases)
    noisy = sum(case["noisy"] for case in cases) > len(cases) // 10
    reached = row.bar is None or (ratio >= row.bar and low >= (row.worst or 0))
    return {"name": name, "peer": peer, "ratio": round(ratio, 3), "bar": row.bar,
            "stretch": row.stretch, "ok": None if row.bar is None or noisy else reached,
            "noisy": noisy, "ours_s": sum(case["ours"] for case in cases),
            "peer_s": sum(case["theirs"] for case in cases),
            "fraction_of_peak": fraction(row, cases), "threads": row.threads, **named(row, cases),
            "isa": isa(),
            "versions": {module: metadata.version(module)
                         for module in sorted({"numpy", "numba", peer})}}


def measure_case(sides, case):
    """Best seconds of each side, with as many rounds as it takes for them to agree."""
    extras = [turn(process, case) for process in sides]
    rounds, apart = [], 1.0
    while len(rounds) < ROUNDS[0] or (apart > AGREE and len(rounds) < ROUNDS[1]):
        rounds.append([turn(process, case) for process in sides])
        odd, even = (ratio_of(rounds[start::2]) for start in (0, 1)) if len(rounds) > 1 else (1, 2)
        apart = abs(odd / even - 1)
    best = [min(column) for column in zip(*rounds, strict=True)]
    return {"ratio": ratio_of(rounds), "noisy": apart > 0.1, "ours": best[0], "theirs": best[1],
            "peak": extras[2]["work"] / best[2] if len(sides) > 2 else None, "extras": extras}


def ratio_of(rounds):
    """The peer's best time over ours."""
    ours, theirs = (min(column) for column in list(zip(*rounds, strict=True))[:2])
    return theirs / ours


def fraction(row, cases):
    """The largest share of the peak that either side reached, as the clock says; None where
    operations are not counted. (Our own, where it is no error.)"""
    shares = [[work / case[who] / (case["peak"] * row.threads) for who in ("ours", "theirs")]
              for work, case in zip(row.known, cases, strict=True) if work]
    if not shares:
        return None
    mine, highest = max(share[0] for share in shares), max(map(max, shares))
    return round(highest if highest > ABOVE else mine, 3)


def named(row, cases):
    """What calls said of themselves, and the case that was worst."""
    said = {f"{who}_{key}": value for case in cases
            for who, extra in zip(("ours", "peer", "peak"), case["extras"], strict=False)
            for key, value in extra.items()}
    worst = min(range(len(cases)), key=lambda i: cases[i]["ratio"])
    return said | ({"worst": [list(row.cases[worst]), round(cases[worst]["ratio"], 3)]}
                   if row.cases else {})


def isa():
    """What this machine's vectors are: the bars were set on one with AVX-512 and VNNI."""
    from aisys_lab.kernels.isa import host

    return f"{host().name} {host().dot}".strip()


def side(name, peer, which, threads):
    """A process that measures one side, a round for each line that it is sent."""
    return Sideline([sys.executable, "-m", "benchmarks.side", name, peer, which], text=True,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=alone(threads))


def alone(threads=1):
    """The environment of a measurement: so many threads, and OpenBLAS as it chooses by itself."""
    free = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    xla = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"} if threads == 1 else {}
    return {**free, **xla, **dict.fromkeys(THREADS, str(threads))}


class Sideline(subprocess.Popen):
    """A process that is left by closing its input."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.case = None

    def __exit__(self, *exception):
        self.stdin.close()
        super().__exit__(*exception)


def turn(process, case):
    """Seconds of one call in one round; at the first turn of a case, what it says of itself."""
    if process.case == case:
        return ask(process, case)
    process.case = case
    said = ask(process, case)
    answer(process)
    return said


def ask(process, case):
    """Sends a line and reads one."""
    process.stdin.write(f"{case}\n")
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
                  si(r["peer_s"], "s"), share(r["fraction_of_peak"]), r["threads"])
                 for r in results], HEADER, "llrrlrrrr"))
    for r in results:
        if "worst" in r:
            print(f"{r['name']}: the worst case is {r['worst'][0]} with {r['worst'][1]}")


def share(fraction):
    """A fraction in percent."""
    return "–" if fraction is None else f"{100 * fraction:.0f} %"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
