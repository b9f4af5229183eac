"""The map of module V: one door for every operation, and what the modes behind it make."""

from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

PROGRAM = ("model, loss, data", "x @ w + b, written once")
DOOR = ("bind(op, *inputs)", "tensors, operations, dispatch")
BEHIND = (  # what a call is turned into, what is asked of it, and the chapter that opens it
    ("numbers", "run it now", "V.1"),
    ("a tape", "derive it", "V.2"),
    ("a graph", "hold it", "V.3"),
    ("messages", "share it", "V.4"),
)


def frameworks_map():
    """A program above, the door below it, and the four things that a call can become."""
    wide = (WIDTH - 8 - 3 * 8) / len(BEHIND)
    parts = [*wide_box(4, *PROGRAM, "the program", "soft", "ink"),
             stroke([(WIDTH / 2, 52), (WIDTH / 2, 76)], arrow=True),
             *wide_box(76, *DOOR, "V.1", "accent", "light")]
    for i, (what, why, chapter) in enumerate(BEHIND):
        x = 4 + i * (wide + 8)
        middle = x + wide / 2
        parts += [stroke([(middle, 124), (middle, 148)], arrow=True),
                  box(x, 148, wide, 64, "soft", "compute"),
                  words(middle, 169, what, "ink", "middle", bold=True),
                  words(middle, 187, why, "ink", "middle", 13),
                  words(middle, 204, chapter, "ink", "middle", 12)]
    return picture(216, parts, "A program calls operations through one door; behind it a call "
                   "becomes " + ", ".join(f"{what} ({chapter})" for what, _, chapter in BEHIND)
                   + ".")


def wide_box(y, left, right, corner, look, ink):
    """A box over the whole width: code, what it is, and where it belongs."""
    return [box(4, y, WIDTH - 8, 48, look, "rest"),
            words(16, y + 20, left, ink, size=13, mono=True, bold=True),
            words(16, y + 38, right, ink, size=13),
            words(WIDTH - 16, y + 30, corner, ink, "end", 13)]
