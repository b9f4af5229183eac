"""What a reader does on the site: search, formulas, terms, dark mode, keyboard."""

import re


def test_search_finds_a_term(page, site):
    page.goto(f"{site}/book/intro.html")
    assert page.locator("form.bd-search:visible, .search-button-field:visible").count() == 1
    page.goto(f"{site}/search.html?q=roofline")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("Glossary" in text for text in found)


def test_formulas_are_typeset(page, site):
    page.goto(f"{site}/book/notation.html", wait_until="networkidle")
    page.wait_for_selector("mjx-container")
    assert page.locator("mjx-container").count() > 10
    assert page.locator("mjx-merror").count() == 0
    assert "frac" not in page.locator("article").first.inner_text()


def test_a_term_explains_itself(page, site):
    page.goto(f"{site}/book/1_overview/index.html")
    term = page.locator("a[data-tip]").first
    term.focus()
    tip = page.locator("#aisys-tip")
    assert tip.is_visible()
    assert tip.inner_text() == term.get_attribute("data-tip")
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_pictures_follow_the_theme(page, site):
    page.goto(f"{site}/book/intro.html")
    ink = "getComputedStyle(document.querySelector('svg.aisys-svg text')).fill"
    seen = []
    for mode in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{mode}'")
        seen.append(page.evaluate(ink))
    light, dark = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in seen)
    assert light < 200 < 500 < dark


def test_predictions_unfold(page, site):
    page.goto(f"{site}/book/1_overview/1_ai_systems.html")
    folded = page.locator(".bd-article details", has_text="The answer to the prediction")
    answer = folded.locator("p").first
    assert not answer.is_visible()
    folded.locator("summary").click()
    assert answer.is_visible()
