"""The figures of the built site, moved with keys: what they show is what compute() gives."""

import random
import re

import pytest

import aisys_lab as lab
from tests.course import contents

SHOWN = """figure => [
  figure.querySelector("figcaption").textContent,
  [...figure.querySelectorAll(".aisys-picture svg text")].map(text => text.textContent),
  figure.querySelector(".aisys-picture svg").getAttribute("aria-label")]"""


def expected(figure, point):
    """The same three things, from the figure itself."""
    import html
    picture = figure.frame(**point)
    texts = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)<", picture.svg)]
    return [picture.alt, texts, picture.alt]


def move(page, place, figure, goal):
    """Brings every control of a figure to a point, by keys for sliders."""
    for key, value in goal.items():
        control = place.locator(f"[data-control={key}]")
        index = list(figure.grid[key]).index(value)
        if control.evaluate("c => c.tagName") == "SELECT":
            control.select_option(index=index)
            continue
        control.focus()
        page.keyboard.press("Home")
        for _ in range(index):
            page.keyboard.press("ArrowRight")
        assert control.get_attribute("aria-valuetext") == figure.text(key, value)


@pytest.fixture(scope="module")
def places(built):
    """Figure name -> the page that holds it."""
    found = {}
    for name in contents():
        text = (built / f"{name}.html").read_text(encoding="utf-8")
        found |= dict.fromkeys(re.findall(r'<figure class="aisys-figure" data-figure="(\w+)"',
                                          text), name)
    return found


@pytest.mark.parametrize("name", list(lab.FIGURES))
def test_a_figure_moves_and_tells_the_truth(page, site, places, name):
    assert name in places, f"figure {name} stands on no page"
    figure = lab.FIGURES[name]
    page.goto(f"{site}/{places[name]}.html")
    place = page.locator(f"figure[data-figure={name}][data-alive]").first
    before = place.evaluate(SHOWN)
    start = figure.default()
    assert before == expected(figure, start)
    points = figure.points()
    for goal in random.Random(0).sample(points, min(4, len(points))):
        move(page, place, figure, goal)
        assert place.evaluate(SHOWN) == expected(figure, goal)
    assert place.locator("figcaption").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("name", list(lab.FIGURES))
def test_controls_have_names(page, site, places, name):
    page.goto(f"{site}/{places[name]}.html")
    place = page.locator(f"figure[data-figure={name}][data-alive]").first
    for key in lab.FIGURES[name].grid:
        label = lab.FIGURES[name].label(key)
        assert place.get_by_label(label, exact=True).count() == 1


def test_a_figure_is_seen_without_script(browser, site, places):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    name, where = next(iter(places.items()))
    page.goto(f"{site}/{where}.html")
    assert page.locator(f"figure[data-figure={name}] svg").first.is_visible()
    context.close()
