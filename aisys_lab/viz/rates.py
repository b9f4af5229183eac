"""Rates as bars: how far each call comes up to the peak of one thread."""

from aisys_lab.core.text import si
from aisys_lab.viz.drawings import SHOW, clip
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

LEFT, TOP, STEP, TALL = 132, 44, 26, 16
RIGHT, ROOM = WIDTH - 6, 140


@SHOW.row("Rates")
def show_rates(rates):
    """A bar a call, the best in the accent; the dashes between them are the peak. An algorithm that
    leaves work out may pass it."""
    shares = {name: rates.rate(name) / rates.peak for name in rates.seconds}
    unit, low = (RIGHT - LEFT) / max(1, *shares.values()), TOP + STEP * len(shares)
    roof = LEFT + unit
    parts = [words(0, 14, clip(rates.title, 52), bold=True, size=13),
             words(RIGHT, 34, f"dashed: peak of one thread, {si(rates.peak, 'op/s')}", "quiet",
                   "end", 12)]
    for row, (name, share) in enumerate(shares.items()):
        parts += bar(TOP + STEP * row, name, share * unit, name == rates.best,
                     f"{si(rates.rate(name), 'op/s')}, {rates.share(name)}")
    parts += [stroke([(roof, y - STEP + TALL), (roof, y)], "ink", 1.5)
              for y in range(TOP, low + 1, STEP)]  # no dash runs through a word
    return picture(low + 6, parts, sentence(rates))


def bar(y, name, wide, best, said):
    """The name, the bar, and what it says, inside where there is room."""
    inside = wide > ROOM
    return [words(LEFT - 6, y + 13, clip(name, 18), anchor="end", size=13),
            box(LEFT, y, max(wide, 1), TALL, "accent" if best else "compute", r=0),
            words(LEFT + wide - 6 if inside else LEFT + wide + 6, y + 12.5, said,
                  "light" if inside else "ink", "end" if inside else "start", 12)]


def sentence(rates):
    """The point of the picture."""
    said = "; ".join(f"{name} {si(rates.rate(name), 'op/s')}, {rates.share(name)}"
                     for name in rates.seconds)
    return f"{rates.title}, as shares of the peak of one thread, {si(rates.peak, 'op/s')}: {said}."
