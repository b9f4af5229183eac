"""Last touches on built pages: icons without their half-megabyte script, names for controls."""

import re
from pathlib import Path

ICON = re.compile(r'<i class="fa-(?:solid|regular|brands) ([^"]*)"[^>]*></i>')
SHAPE = r'"?{}"?:\[(\d+),(\d+),\[[^\]]*\],"\w+","([^"]+)"\]'
RULES = (  # what is found, what takes its place
    (re.compile(r'\s*<(?:script|link)[^>]*scripts/fontawesome\.js[^>]*>(?:</script>)?'), ""),
    (re.compile(r'<meta property="og:url" content="(?!http)[^"]*" ?/>\n?'), ""),  # no address yet
    (re.compile(r"<summary>"), '<summary aria-label="pages below">'),
)


def polish(folder):
    """Every page of a built site; a page that has been polished stays as it is."""
    library = Path(folder, "_static/scripts/fontawesome.js")
    shapes = library.read_text(encoding="utf-8") if library.exists() else ""
    for page in Path(folder).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        better = ICON.sub(lambda icon: drawn(icon, shapes), text)
        for found, instead in RULES:
            better = found.sub(instead, better)
        if better != text:
            page.write_text(better, encoding="utf-8")


def drawn(icon, shapes):
    """One icon as an SVG, cut out of the theme's own library; unknown ones stay."""
    names = icon[1].split()
    found = next(filter(None, (re.search(SHAPE.format(name.removeprefix("fa-")), shapes)
                               for name in names)), None)
    if found is None:
        return icon[0]
    wide, high, path = found.groups()
    return (f'<svg class="svg-inline--fa {" ".join(names)}" aria-hidden="true" role="img" '
            f'viewBox="0 0 {wide} {high}"><path fill="currentColor" d="{path}"/></svg>')
