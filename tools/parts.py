"""Runs make targets one after the other and sums up: ``python tools/parts.py MAKE TARGET…``."""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from pathlib import Path

KINDS = ("passed", "failed", "skipped")


def main(make, *targets):
    """Every part runs, whatever became of the others; the last line is the sum."""
    rows = [part(make, target) for target in targets]
    print("\nminutes by part")
    for row in rows:
        counts = ", ".join(f"{row[kind]} {kind}" for kind in KINDS if row[kind])
        state = "ok" if row["ok"] else "FAILED"
        print(f"  {row['name']:<16}{row['seconds'] / 60:6.1f} min  {state:<7} {counts}")
    total = ", ".join(f"{sum(row[kind] for row in rows)} {kind}" for kind in KINDS)
    print(f"===== {total} in {sum(row['seconds'] for row in rows):.1f}s =====")
    return not all(row["ok"] for row in rows)


def part(make, target):
    """One target with its seconds and the counts that pytest reports for it."""
    print(f"\n===== {target}", flush=True)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --junitxml={report}"
        code = subprocess.call([make, "-s", "--no-print-directory", target],
                               env={**os.environ, "PYTEST_ADDOPTS": options})
        counts = read(report)
    return {"name": target, "ok": code == 0, "seconds": time.perf_counter() - began, **counts}


def read(report):
    """``passed, failed, skipped`` of a JUnit report; zeros where there is none."""
    if not report.exists():
        return dict.fromkeys(KINDS, 0)
    suites = [suite.attrib for suite in xml.parse(report).getroot().iter("testsuite")]
    tests, failures, errors, skipped = (sum(int(suite.get(key, 0)) for suite in suites)
                                        for key in ("tests", "failures", "errors", "skipped"))
    return dict(zip(KINDS, (tests - failures - errors - skipped, failures + errors, skipped),
                    strict=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
