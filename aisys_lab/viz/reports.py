"""Reports as bars: one a row, as long as its time, in the colour of what bounds it."""

from aisys_lab.core.text import si
from aisys_lab.viz.drawings import SHOW, clip
from aisys_lab.viz.svg import WIDTH, box, picture, words

LOOKS = {"compute": "compute", "memory": "memory", "overhead": "rest"}
MOST = 10  # rows that get a bar of their own


@SHOW.row("Report")
def show_report(report):
    """The longest rows, longest first, and the rest as one line of text."""
    rows = sorted(report.rows, key=lambda row: -row.time)
    parts = [words(0, 14, f"{clip(report.name, 36)} on {report.chip.id}", bold=True),
             words(WIDTH, 14, si(report.time, "s"), anchor="end", bold=True)]
    for i, row in enumerate(rows[:MOST]):
        parts += bar(row, 26 + 36 * i, rows[0].time)
    high = 26 + 36 * min(len(rows), MOST)
    if len(rows) > MOST:
        rest = sum(row.time for row in rows[MOST:])
        parts.append(words(0, high + 14, f"{len(rows) - MOST} more: {si(rest, 's')}", "quiet"))
        high += 20
    shares = ", ".join(f"{bound} {share:.0%}" for bound, share in report.shares.items() if share)
    return picture(high + 4, parts, f"{report.name} on {report.chip.id}: {si(report.time, 's')}, "
                                    f"bound by {shares or 'nothing'}.")


def bar(row, y, longest):
    """One row: its name and op, its time and bound, its bar."""
    label = row.name if row.name == row.op else f"{row.name} {row.op}"
    return [words(0, y + 12, clip(label, 34), size=13),
            words(WIDTH, y + 12, f"{si(row.time, 's')}, {row.bound}", anchor="end", size=13),
            box(0, y + 17, WIDTH * row.time / (longest or 1), 12, LOOKS[row.bound])]
