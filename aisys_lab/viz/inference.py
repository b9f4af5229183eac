"""The map of module IV: what lies between a trained network and its answers."""

from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

SMALLER = (  # what is done to a network before it runs, and the chapter that opens it
    ("fewer operations", "slim layers", "IV.2"),
    ("fewer bits", "and fewer weights", "IV.3"),
    ("another form", "files, graphs", "IV.4"),
)
BELOW = (  # what runs it: name, what it does, the chapter
    ("the engine", "requests, batches, memory, order", "IV.1"),
    ("the kernels", "the loops that do the arithmetic", "IV.5"),
)


def inference_map(lit="IV.5"):
    """A trained network above, what is done to it, and the engine and kernels that run it."""
    wide = (WIDTH - 8 - 2 * 8) / len(SMALLER)
    parts = [*band(4, "a trained network", "weights that will not change any more", "", lit)]
    for i, (what, how, chapter) in enumerate(SMALLER):
        x = 4 + i * (wide + 8)
        look, ink = look_of(chapter, lit)
        middle = x + wide / 2
        parts += [stroke([(middle, 52), (middle, 76)], arrow=True),
                  box(x, 76, wide, 62, look, "compute"),
                  words(middle, 96, what, ink, "middle", 13, bold=True),
                  words(middle, 113, how, ink, "middle", 13),
                  words(middle, 130, chapter, ink, "middle", 12),
                  stroke([(middle, 138), (middle, 162)], arrow=True)]
    for i, (what, how, chapter) in enumerate(BELOW):
        parts += band(162 + 72 * i, what, how, chapter, lit)
    parts.append(stroke([(WIDTH / 2, 210), (WIDTH / 2, 234)], arrow=True))
    before = ", ".join(f"{what} ({chapter})" for what, _, chapter in SMALLER)
    after = " and ".join(f"{what} ({chapter})" for what, _, chapter in BELOW)
    return picture(286, parts, f"A trained network gets {before}; {after} run it.")


def look_of(chapter, lit):
    """Fill and ink of a box."""
    return ("accent", "light") if chapter == lit else ("soft", "ink")


def band(y, what, how, chapter, lit):
    """A box over the whole width."""
    look, ink = look_of(chapter, lit)
    return [box(4, y, WIDTH - 8, 48, look, "rest"), words(16, y + 20, what, ink, bold=True),
            words(16, y + 38, how, ink, size=13),
            words(WIDTH - 16, y + 30, chapter, ink, "end", 13)]
