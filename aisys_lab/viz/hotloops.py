"""Hot loops as text: the instructions that multiply and add stand out."""

from textwrap import wrap

from aisys_lab.viz.drawings import SHOW, clip
from aisys_lab.viz.svg import picture, words

MOST = 60  # instructions that are shown


@SHOW.row("HotLoop")
def show_hot_loop(hot):
    """What the loop is and does, and its instructions, a line each."""
    marked = set(hot.loop.all("fma"))
    lines = list(hot.loop.lines[:MOST])
    counts = wrap(hot.counts, 68)
    parts = [words(0, 14, clip(hot.title, 64), bold=True, size=12),
             *(words(0, 32 + 15 * i, part, "quiet", size=11) for i, part in enumerate(counts))]
    top = 40 + 15 * len(counts)
    for i, line in enumerate(lines):
        name, _, rest = line.partition(" ")
        look = "accent" if line in marked else "ink"
        parts.append(words(4, top + 15 * i, clip(f"{name:<14}{rest}", 62), look, size=11,
                           bold=line in marked, mono=True))
    if len(hot.loop.lines) > MOST:
        parts.append(words(4, top + 15 * MOST, f"… {len(hot.loop.lines) - MOST} more", "quiet",
                           size=11))
    return picture(top + 15 * (len(lines) + 1), parts, f"{hot.title}: {hot.counts}.")
