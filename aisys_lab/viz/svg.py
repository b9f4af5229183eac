"""Pictures as text: a few shapes, one palette, and the sentence that says what is seen."""

import html
from dataclasses import dataclass
from urllib.parse import quote

WIDTH = 440  # of every figure: 14-unit letters stay readable on a phone
PALETTE = {  # two blues for compute and memory, one warm accent, grey for the rest
    "compute": "#1f5f99", "memory": "#8cbbe3", "accent": "#c4541a", "rest": "#9aa0a8",
    "ink": "#1f2328", "quiet": "#57606a", "light": "#ffffff", "soft": "#e4e7eb",
}
SANS, MONO = "system-ui, sans-serif", "ui-monospace, Menlo, Consolas, monospace"


@dataclass(frozen=True)
class Picture:
    """An SVG and its point in one sentence; a notebook shows the picture, text shows the sentence.

    The notebook carries it as an image on white; the site puts it into the page, where the
    classes follow the theme, light or dark.
    """

    svg: str
    alt: str

    def __repr__(self):
        return self.alt

    def _repr_html_(self):
        return (f'<img class="aisys-svg" alt="{html.escape(self.alt)}" '
                f'style="background:#fff;width:100%;max-width:34rem" src="{data_uri(self.svg)}">')


def data_uri(svg):
    """The SVG as an address that holds it, still readable."""
    return "data:image/svg+xml," + quote(svg, safe=" '/:=;,().!?*+-_~@$[]{}|")


def picture(height, parts, alt, width=WIDTH):
    """The frame around the parts."""
    label = html.escape(alt, quote=True).replace("\n", " ")
    return Picture(f"<svg xmlns='http://www.w3.org/2000/svg' class='aisys-svg' role='img' "
                   f"aria-label='{label}' viewBox='0 0 {width} {num(height)}' "
                   f"font-family='{SANS}' font-size='14'>{''.join(parts)}</svg>", alt)


def num(value):
    """A coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def paint(look):
    """Fill by name: the attribute serves anywhere, the class lets the site's theme win."""
    return f"class='f-{look}' fill='{PALETTE[look]}'"


def box(x, y, w, h, look="rest", edge=None, r=2, dash=None):
    """A rectangle, with an outline if ``edge`` names its colour; look ``none`` leaves it empty."""
    fill = PALETTE.get(look, "none")
    kind = f"class='f-{look} s-{edge}'" if edge else f"class='f-{look}'"
    outline = f" stroke='{PALETTE[edge]}' stroke-width='1.5'" if edge else ""
    outline += f" stroke-dasharray='{dash}'" if dash else ""
    return (f"<rect {kind} fill='{fill}'{outline} x='{num(x)}' y='{num(y)}' "
            f"width='{num(max(w, 0))}' height='{num(h)}' rx='{r}'/>")


def words(x, y, what, look="ink", anchor="start", size=14, bold=False, mono=False):
    """One line of text; ``anchor`` is start, middle or end."""
    extra = (f" text-anchor='{anchor}'" if anchor != "start" else "") \
        + (f" font-size='{num(size)}'" if size != 14 else "") \
        + (" font-weight='600'" if bold else "") \
        + (f" font-family='{MONO}' xml:space='preserve'" if mono else "")
    return (f"<text {paint(look)} x='{num(x)}' y='{num(y)}'{extra}>"
            f"{html.escape(str(what), quote=False)}</text>")


def stroke(points, look="quiet", width=1.5, dash=None, arrow=False):
    """A polyline; ``arrow`` puts a head on its end, which must come straight."""
    path = " ".join(f"{num(x)},{num(y)}" for x, y in points)
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    line = (f"<polyline class='s-{look}' fill='none' stroke='{PALETTE[look]}' "
            f"stroke-width='{num(width)}'{dashes} points='{path}'/>")
    return line + (head(points, look) if arrow else "")


def head(points, look):
    """The arrow head at the end of a polyline, in the nearer of the four directions."""
    (x0, y0), (x, y) = points[-2:]
    upright = abs(y - y0) > abs(x - x0)
    back = -7 if (y > y0 if upright else x > x0) else 7
    corners = [(x, y), (x - 4, y + back), (x + 4, y + back)] if upright else \
        [(x, y), (x + back, y - 4), (x + back, y + 4)]
    return f"<polygon {paint(look)} points='{' '.join(f'{num(a)},{num(b)}' for a, b in corners)}'/>"


def bars(rows, top, left=0, right=WIDTH, tall=20, gap=26):
    """Stacked horizontal bars on one scale: rows of ``[(value, look), …]``."""
    longest = max((sum(value for value, _ in row) for row in rows), default=0) or 1
    parts = []
    for i, row in enumerate(rows):
        x = left
        for value, look in row:
            wide = (right - left) * (float(value) / longest)
            parts.append(box(x, top + i * (tall + gap), wide, tall, look, r=0))
            x += wide
    return parts
