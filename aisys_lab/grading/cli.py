"""``aisys check`` and ``aisys list``: the public cases on the command line, in fresh processes."""

import argparse
import json
import sys

from aisys_lab.core import LabError, home
from aisys_lab.core.text import table
from aisys_lab.exercises import EXERCISES
from aisys_lab.grading.extract import extract
from aisys_lab.grading.run import judge_all

SCHEMA = 1


def main(args=None):
    """Runs one command; gives the exit code: 0 right, 1 not (yet) right, 2 could not be asked."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(args)
    try:
        return options.command(options)
    except LabError as error:
        print(f"aisys: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("aisys: interrupted.", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser("aisys", description="Checks answers to the course's labs.")
    commands = parser.add_subparsers(required=True, metavar="check | list")
    one = commands.add_parser("check", help="judge answers, each in a process of its own")
    one.add_argument("exercise", nargs="?", help="id or code; all exercises without it")
    one.add_argument("--lab", help="only the exercises of one lab, as I.1")
    one.add_argument("--from", dest="source", metavar="PATH",
                     help="a notebook or a folder of kept answers (default: my_aisys)")
    one.add_argument("--seed", type=int, default=0, help="what the inputs are drawn from")
    one.add_argument("--json", action="store_true", help="print one JSON object")
    one.set_defaults(command=check)
    every = commands.add_parser("list", help="list the exercises")
    every.add_argument("--json", action="store_true", help="print one JSON object")
    every.set_defaults(command=listed)
    return parser


def chosen(exercise=None, lab=None):
    """The rows asked for, by id or code and by lab, in the order of their codes."""
    rows = list(EXERCISES.values())
    if exercise:
        rows = [row for row in rows if row.code == exercise] or [EXERCISES[exercise]]
    if lab:
        labs = sorted({row.lab for row in EXERCISES.values()})
        if lab not in labs:
            raise LabError(f"no lab {lab!r} has exercises; these have: {', '.join(labs)}.")
        rows = [row for row in rows if row.lab == lab]
    return sorted(rows, key=lambda row: row.code)


def check(options):
    """``aisys check``: verdicts on the kept answers, or on a notebook's."""
    rows = chosen(options.exercise, options.lab)
    if options.source is None and not home().exists():
        cells = {}
    else:
        cells = extract(options.source or home())
    verdicts = judge_all(rows, cells, seed=options.seed, public=True, quiet=options.json)
    pairs = list(zip(rows, verdicts, strict=True))
    print(json.dumps(result(pairs, options.seed), indent=1) if options.json else shown(pairs))
    return 0 if all(verdict.status == "ok" for verdict in verdicts) else 1


def shown(pairs):
    """Verdicts and points as text, the reasons below."""
    lines = [(row.code, row.id, verdict.word, f"{verdict.points}/{row.points}")
             for row, verdict in pairs]
    lines.append(("", "all", "", f"{sum(v.points for _, v in pairs)}/"
                                 f"{sum(row.points for row, _ in pairs)}"))
    reasons = [f"{row.id}: {verdict}" for row, verdict in pairs if verdict.message]
    return "\n".join([table(lines, ("code", "exercise", "verdict", "points"), "lllr"), *reasons])


def result(pairs, seed):
    """The same as a JSON value."""
    return {"schema": SCHEMA, "seed": seed, "score": sum(v.points for _, v in pairs),
            "max": sum(row.points for row, _ in pairs),
            "exercises": [_entry(row, verdict) for row, verdict in pairs]}


def _entry(row, verdict):
    cases = [{"visibility": "public", "status": "pass" if case.ok else "wrong",
              "message": "" if case.ok else case.message} for case in verdict.cases]
    return {"id": row.id, "code": row.code, "status": verdict.status, "score": verdict.points,
            "max": row.points, "message": verdict.message, "cases": cases}


def listed(options):
    """``aisys list``: every exercise, one line each."""
    rows = chosen()
    if options.json:
        keys = ("id", "code", "lab", "points", "needs", "hides", "task")
        print(json.dumps({"schema": SCHEMA, "exercises": [
            {key: getattr(row, key) for key in keys} for row in rows]}, indent=1))
    else:
        print(table([(row.code, row.id, row.points) for row in rows],
                    ("code", "exercise", "points")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
