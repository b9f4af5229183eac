"""Every page of the built site, read in a real browser."""

import gzip
import re
from functools import cache
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlparse

import pytest

from tests.course import contents

PAGES = [*contents(), "search", "genindex"]
PACKED = re.compile(r"\.(woff2?|png|jpg|zip)$")  # compressed already


@cache
def visit(browser, site, name):
    """What a reader meets on one page: everything the tests below ask for, in one visit."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    facts = {"requests": []}
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: facts["requests"].append(request.url))
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{site}/{name}.html", wait_until="networkidle")
    facts["failed"] = [a.url for a in answers if a.status >= 400]
    facts["weight"] = sum(weight(a) for a in answers if a.ok)
    facts["images"] = page.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)")
    facts["errors"] = list(errors)  # axe fetches style sheets again and reports its own
    facts["axe"] = {mode: axe(page, mode) for mode in ("light", "dark")}
    page.set_viewport_size({"width": 390, "height": 844})
    facts["wide"] = page.evaluate("document.documentElement.scrollWidth")
    facts["axe"]["phone"] = axe(page, "light")
    context.close()
    return facts


def weight(answer):
    """Bytes of an answer as a server with compression would send it."""
    body = answer.body()
    return len(body if PACKED.search(urlparse(answer.url).path) else gzip.compress(body))


def axe(page, mode):
    """Critical and serious findings of axe-core in one colour mode."""
    from axe_playwright_python.sync_playwright import Axe
    page.evaluate("mode => { document.documentElement.dataset.theme = mode;"
                  " document.documentElement.dataset.mode = mode; }", mode)
    page.wait_for_timeout(300)  # colours fade in
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0].get("failureSummary", "")[:300])
            for v in found if v["impact"] in ("critical", "serious")]


@pytest.fixture(params=PAGES)
def facts(request, browser, site):
    """The facts of one page."""
    return visit(browser, site, request.param)


def test_no_console_error(facts):
    assert facts["errors"] == []


def test_no_outside_request(facts, site):
    assert [url for url in facts["requests"] if not url.startswith((site, "data:"))] == []


def test_nothing_missing(facts):
    assert facts["failed"] == []
    assert facts["images"] == []


@pytest.mark.parametrize("how", ["light", "dark", "phone"])
def test_axe_finds_nothing(facts, how):
    assert facts["axe"][how] == []


def test_fits_a_phone(facts):
    assert facts["wide"] <= 390


def test_weight(facts):
    assert facts["weight"] < 1_000_000


class Links(HTMLParser):
    """Targets and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Collects ``href`` and ``id``."""
        attrs = dict(attrs)
        self.ids.update(filter(None, (attrs.get("id"), attrs.get("name"))))
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])


@cache
def parsed(path):
    return Links(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_no_dead_link(built, name):
    dead = []
    for link in parsed(built / f"{name}.html").links:
        target = urlparse(urljoin(f"http://here/{name}.html", link))
        if target.netloc != "here" or target.scheme != "http":
            continue
        path = built / unquote(target.path.lstrip("/"))
        anchored = path.suffix != ".html" or not target.fragment
        if not path.exists() or not (anchored or unquote(target.fragment) in parsed(path).ids):
            dead.append(link)
    assert dead == []
