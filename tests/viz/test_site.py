"""What the Sphinx extension does to the text of a page, without a build."""

import html

import aisys_lab as lab
from aisys_lab.viz import polish, site


def test_a_figure_is_drawn_anew(monkeypatch):
    view = lab.figure("training_vs_inference", batch=8)
    said = []
    monkeypatch.setattr(site, "warn", said.append)
    woven = site.FIGURE.sub(lambda m: site.alive("page", *m.groups()), view._repr_html_())
    assert woven.startswith('<figure class="aisys-figure" data-figure="training_vs_inference" '
                            'data-start="1,3,0,2">')
    assert f"<figcaption>{html.escape(repr(view), quote=False)}</figcaption>" in woven
    assert said == []


def test_a_stale_picture_is_an_error(monkeypatch):
    view = lab.figure("training_vs_inference")
    said = []
    monkeypatch.setattr(site, "warn", said.append)
    old = view._repr_html_().replace("3.99", "4.01")
    woven = site.FIGURE.sub(lambda m: site.alive("page", *m.groups()), old)
    assert "4.01" not in woven
    assert said == ["page: the stored picture of figure 'training_vs_inference' is stale; "
                    "run `make notebooks`"]


def test_a_stored_picture_comes_back_whole():
    picture = lab.show('a "quoted" <tag> & 100 % of \'it\' # in naïve text')
    stored = picture._repr_html_()
    assert site.PICTURE.fullmatch(stored)
    assert site.unquote(html.unescape(site.PICTURE.fullmatch(stored)[1])) == picture.svg


def test_icons_are_cut_out_of_the_library(tmp_path):
    (tmp_path / "_static/scripts").mkdir(parents=True)
    (tmp_path / "_static/scripts/fontawesome.js").write_text(
        'x={"moon":[384,512,[127769],"f186","M1 2z"]}')
    page = tmp_path / "page.html"
    page.write_text('<script src="_static/scripts/fontawesome.js?d=1"></script><summary>'
                    '<i class="fa-solid fa-moon fa-lg"></i><i class="fa-solid fa-odd"></i>')
    for _ in range(2):  # the second time finds nothing to do
        polish.polish(tmp_path)
        assert page.read_text() == (
            '<summary aria-label="pages below"><svg class="svg-inline--fa fa-moon fa-lg" '
            'aria-hidden="true" role="img" viewBox="0 0 384 512"><path fill="currentColor" '
            'd="M1 2z"/></svg><i class="fa-solid fa-odd"></i>')


def test_a_link_to_the_bibliography_is_a_citation():
    source = ["the roofline ([Williams et al., 2009](../bibliography.md#williams2009roofline));"]
    site.cite(None, "page", source)
    assert source == ["the roofline {cite}`williams2009roofline`;"]
