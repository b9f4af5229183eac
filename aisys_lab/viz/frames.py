"""Frames for the site: every picture of a figure, packed as what differs between them."""

import html
import json
import re
from collections import defaultdict

PIECE = re.compile(r"('[^']*'|>[^<]*<)")  # an attribute's value, or the text between two tags


def frames(figure):
    """``[sentence + picture]`` of every point of the grid, as one text each."""
    pictures = [figure.frame(**point) for point in figure.points()]
    return [f"<p>{html.escape(p.alt, quote=False)}</p>{p.svg}" for p in pictures]


def pack(texts):
    """``(shapes, rows)``: texts of one shape share it, and a row holds only what varies."""
    groups = defaultdict(list)
    for i, text in enumerate(texts):
        pieces = PIECE.split(text)
        groups[tuple(pieces[::2])].append((i, pieces))
    shapes, rows = [], [None] * len(texts)
    for members in groups.values():
        varies = [len({pieces[j] for _, pieces in members}) > 1
                  for j in range(len(members[0][1]))]
        shapes.append(shape(members[0][1], varies))
        for i, pieces in members:
            rows[i] = [len(shapes) - 1, *(p for p, v in zip(pieces, varies, strict=True) if v)]
    return shapes, rows


def shape(pieces, varies):
    """The constant stretches of a text; between two of them stands one varying piece."""
    stretches = [""]
    for piece, moves in zip(pieces, varies, strict=True):
        if moves:
            stretches.append("")
        else:
            stretches[-1] += piece
    return stretches


def unpack(shapes, row):
    """One text again; ``figures.js`` does the same."""
    stretches, values = shapes[row[0]], row[1:]
    return stretches[0] + "".join(v + s for v, s in zip(values, stretches[1:], strict=True))


def controls(figure):
    """What the script needs to draw the controls."""
    return [{"name": key, "label": figure.label(key),
             "texts": [figure.text(key, value) for value in values],
             "slides": not any(isinstance(value, str) for value in values)}
            for key, values in figure.grid.items()]


def script(figure):
    """The data file of a figure: one call that hands it to ``figures.js``."""
    shapes, rows = pack(frames(figure))
    data = {"title": figure.title, "controls": controls(figure), "shapes": shapes, "rows": rows}
    return f"aisysFigure({json.dumps(figure.name)}, {json.dumps(data, separators=(',', ':'))});\n"
