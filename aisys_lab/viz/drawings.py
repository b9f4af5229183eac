"""Any noun as a picture: one row of SHOW a type; what has no row shows its text."""

import textwrap

from aisys_lab.core import Table
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

SHOW = Table("SHOW", "type name -> how to draw a noun of that type", noun="drawing")


def show(noun):
    """The picture of a noun: ``lab.show(graph)``."""
    kinds = [kind.__name__ for kind in type(noun).__mro__]
    return next((SHOW[kind] for kind in kinds if kind in SHOW), show_text)(noun)


@SHOW.row("Picture")
def show_picture(noun):
    """A picture is drawn already."""
    return noun


def show_text(noun, most=40):
    """The noun's own text form, line by line."""
    lines = [part for line in str(noun).splitlines() or [""]
             for part in textwrap.wrap(line, 66, subsequent_indent="    ",
                                       drop_whitespace=False) or [""]]
    cut = lines[:most] + ([f"… {len(lines) - most} more lines"] if len(lines) > most else [])
    parts = [words(4, 16 + 18 * i, line, size=11, mono=True) for i, line in enumerate(cut)]
    return picture(10 + 18 * len(cut), parts, f"{type(noun).__name__}: {lines[0]}")


@SHOW.row("Graph")
def show_graph(graph):
    """Nodes as boxes, each below all that it reads; every arrow carries one array."""
    rows = levels(graph)
    place = {node.outs[0]: (i, j, len(row)) for i, row in enumerate(rows)
             for j, node in enumerate(row)}
    where = {name: place[node.outs[0]] for node in graph.nodes for name in node.outs}
    arrows = [arrow(where[name], place[node.outs[0]])
              for node in graph.nodes for name in dict.fromkeys(node.inputs) if name in where]
    boxes = [part for node in graph.nodes for part in node_box(graph, node, *place[node.outs[0]])]
    alt = (f"Graph {graph.name}: {len(graph.inputs)} inputs, {len(graph.nodes)} nodes in "
           f"{len(rows)} levels, {len(graph.outputs)} outputs.")
    return picture(8 + 62 * len(rows), arrows + boxes, alt)


def levels(graph, wide=4):
    """Nodes by depth, at most ``wide`` side by side."""
    depth, rows = {}, {}
    for node in graph.nodes:
        level = 1 + max((depth.get(name, 0) for name in node.inputs), default=0)
        depth.update(dict.fromkeys(node.outs, level))
        rows.setdefault(level, []).append(node)
    return [row[i:i + wide] for _, row in sorted(rows.items()) for i in range(0, len(row), wide)]


def centre(row, column, of):
    """Middle of the box at that place."""
    return WIDTH * (column + 0.5) / of, 8 + 62 * row + 21


def arrow(start, end):
    """From the foot of one box to the head of another."""
    (x0, y0), (x1, y1) = centre(*start), centre(*end)
    return stroke([(x0, y0 + 21), (x1, y1 - 21)], "rest", width=1.2)


LOOK_OF_KIND = {"matmul": "compute", "opaque": "accent", "fused": "accent"}


def node_box(graph, node, row, column, of):
    """Op above, spec of the first output below."""
    from aisys_lab.ir import OPS
    x, y = centre(row, column, of)
    wide = min(WIDTH / of - 6, 150)
    look = LOOK_OF_KIND.get(OPS[node.op].kind, "soft")
    ink = "ink" if look == "soft" else "light"
    body = node.attrs["body"] if node.op == "fused" else None
    op = "+".join(n.op for n in body.nodes) if body is not None else node.op
    return [box(x - wide / 2, y - 21, wide, 42, look, "quiet"),
            words(x, y - 3, clip(op, wide / 9.4), ink, "middle", 13, bold=True),
            words(x, y + 14, clip(str(graph.specs[node.outs[0]]), wide / 7), ink, "middle", 11,
                  mono=True)]


def clip(text, most):
    """The text, cut to fit."""
    return text if len(text) <= most else text[:max(int(most) - 1, 1)] + "…"
