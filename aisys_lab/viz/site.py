"""The book's Sphinx extension: figures come alive, pictures follow the theme, terms explain."""

import hashlib
import html
import importlib.util
import json
import re
import shutil
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from aisys_lab.viz.figures import FIGURES
from aisys_lab.viz.frames import script
from aisys_lab.viz.polish import polish

ASSETS = Path(__file__).parent / "assets"
FIGURE = re.compile(r'<div class="aisys-figure" data-figure="(\w+)" data-start="([^"]*)">'
                    r'(.*?)</div>', re.S)
PICTURE = re.compile(r'<img class="aisys-svg"[^>]* src="data:image/svg\+xml,([^"]*)"[^>]*>')
STATIC = re.compile(r'<img alt="[^"]*"[^>]* src="[^"]*_images/([^"]+\.svg)"[^>]*/?>')
TERM = re.compile(r'<a class="reference internal" href="[^"]*#(term-[^"]+)"')
CITED = re.compile(r"\(\[[^\]\[]+\]\([./\w]*bibliography\.md#(\w+)\)\)")
TEX = "vendor/mathjax"


def setup(app):
    """What Sphinx calls; the order below is the order of a build."""
    app.add_config_value("aisys_lab", package_digest(), "html")  # pages follow our own changes
    app.connect("config-inited", configure)
    app.connect("builder-inited", bring_mathjax)
    app.connect("source-read", cite)
    app.connect("html-page-context", weave)
    app.connect("build-finished", finish)
    app.add_css_file("aisys/book.css")
    app.add_js_file("aisys/book.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def package_digest():
    """Changes whenever a file of the package does."""
    digest = hashlib.sha256()
    for path in sorted(ASSETS.parents[1].rglob("*")):
        if path.suffix in (".py", ".js", ".css", ".json"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def configure(app, config):
    """Our assets, the local MathJax, and the repository's buttons once its address is known."""
    config.html_static_path.append(str(ASSETS))
    config.mathjax_path = f"{TEX}/tex-chtml.js"
    config.html_context.setdefault("default_mode", "auto")
    known = bool(config.html_theme_options.get("repository_url"))
    for button in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        config.html_theme_options[button] = known


def bring_mathjax(app):
    """Copies the one bundle and its fonts out of the package that carries MathJax."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None:
        raise RuntimeError("the book needs the package sphinx-mathjax-offline: "
                           "pip install -r requirements.txt")
    source, target = Path(spec.origin).parent / "static/mathjax", Path(app.outdir, "_static", TEX)
    fonts = "output/chtml/fonts/woff-v2"
    shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)
    shutil.copy(source / "tex-chtml.js", target)


def cite(app, page, source):
    """Links to the bibliography, which read well in JupyterLab too, become citations."""
    source[0] = CITED.sub(r"{cite}`\1`", source[0])


def weave(app, page, template, context, doctree):
    """Rewrites the body of one page."""
    body = context.get("body")
    if not body:
        return
    used = {name for name, *_ in FIGURE.findall(body)}
    body = FIGURE.sub(lambda m: alive(page, *m.groups()), body)
    body = PICTURE.sub(lambda m: unquote(html.unescape(m[1])), body)
    body = STATIC.sub(lambda m: inline(app, m), body)
    body = TERM.sub(lambda m: explained(app.env, m), body)
    # docutils calls it a list and the entries something else, which screen readers stumble on
    body = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    context["body"] = body + "".join(
        f'<script defer src="{context["pathto"](f"_static/aisys/{file}.js", 1)}"></script>'
        for file in ["figures", *(f"data/{name}" for name in sorted(used))] if used)


def inline(app, image):
    """One of our own SVG files, put into the page so that it follows the theme."""
    path = next((p for p, name in app.builder.images.items() if name == image[1]), None)
    text = Path(app.srcdir, path).read_text(encoding="utf-8") if path else ""
    return text if "class='aisys-svg'" in text else image[0]


def alive(page, name, start, stored):
    """The figure as the script expects it, drawn anew; a stale stored picture is an error."""
    figure, params = FIGURES[name], json.loads(html.unescape(start))
    picture = figure.frame(**params)
    if unquote(html.unescape(PICTURE.search(stored)[1])) != picture.svg:
        warn(f"{page}: the stored picture of figure {name!r} is stale; run `make notebooks`")
    at = ",".join(str(list(values).index(params[key])) for key, values in figure.grid.items())
    return (f'<figure class="aisys-figure" data-figure="{name}" data-start="{at}">'
            f'<div class="aisys-picture">{picture.svg}</div>'
            f'<figcaption>{html.escape(picture.alt, quote=False)}</figcaption></figure>')


def warn(sentence):
    """A build warning, which the book treats as an error."""
    from sphinx.util import logging
    logging.getLogger(__name__).warning(sentence)


def explained(env, link):
    """A link to a glossary term, with the entry beside it for ``book.js``."""
    entry = glossary(env).get(link[1])
    return f'{link[0]} data-tip="{html.escape(entry)}"' if entry else link[0]


@cache
def glossary(env):
    """``{term id: its definition}`` of the page that holds the glossary."""
    from docutils import nodes
    entries = {}
    for item in env.get_doctree("book/glossary").findall(nodes.definition_list_item):
        words = item[-1].astext().replace("\n", " ")
        entries |= {name: words for term in item if isinstance(term, nodes.term)
                    for name in term["ids"]}
    return entries


def finish(app, problem):
    """One data file a figure, and the last touches, after Sphinx has written the rest."""
    if problem is None and app.builder.format == "html":
        folder = Path(app.outdir, "_static/aisys/data")
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in FIGURES.items():
            (folder / f"{name}.js").write_text(script(figure), encoding="utf-8")
        polish(app.outdir)
