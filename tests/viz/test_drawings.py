"""Pictures of nouns, and the maps of tour and stack."""

import re
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.viz.static import DIAGRAMS
from aisys_lab.viz.tour import CURRICULUM, TOUR

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph():
    """A small joint graph."""
    model = lab.models.MLP([8, 4, 3])
    x, y = np.zeros((5, 8), "float32"), np.zeros(5, int)
    return lab.trace(lab.value_and_grad(model.loss), model.params, x, y)


def texts(picture):
    """What a picture says, line by line."""
    return [text.text for text in xml.fromstring(picture.svg).iter() if text.tag.endswith("text")]


def test_graph_shows_every_node(graph):
    said = texts(lab.show(graph))
    assert len(said) == 2 * len(graph)
    assert said.count("matmul") == sum(node.op == "matmul" for node in graph.nodes)
    assert f"{len(graph)} nodes" in repr(lab.show(graph))


def test_boxes_stand_below_what_they_read(graph):
    from aisys_lab.viz.drawings import levels
    level = {name: i for i, row in enumerate(levels(graph)) for node in row for name in node.outs}
    assert all(level[name] < level[node.outs[0]] for node in graph.nodes
               for name in node.inputs if name in level)


def test_anything_has_a_picture():
    picture = lab.show("two\nlines")
    assert texts(picture) == ["two", "lines"]
    assert lab.show(picture) is picture
    long = texts(lab.show("\n".join(map(str, range(100)))))
    assert long[-1] == "… 60 more lines"


def test_a_new_row_draws_a_new_noun():
    class Thing:
        pass
    with lab.attempt():
        lab.SHOW["Thing"] = lambda noun: lab.show("drawn")
        assert texts(lab.show(Thing())) == ["drawn"]


def test_the_tour_is_the_readmes():
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) == len(TOUR)
    assert all(name in line for (name, _), line in zip(TOUR[1:], lines[1:], strict=True))


@pytest.mark.parametrize("topic", CURRICULUM)
def test_each_topic_lights_a_box(topic):
    picture = lab.tour_map(topic)
    assert sum(text.endswith("here") for text in texts(picture)) >= 1
    assert f"chapter {topic}:" in picture.alt


def test_unknown_topic_and_layer_are_sentences():
    with pytest.raises(lab.LabError, match="no topic 'IX'; the topics are: I.1"):
        lab.tour_map("IX")
    with pytest.raises(lab.LabError, match="no layer 'glue'; the layers are: application"):
        lab.stack("glue")


@pytest.mark.parametrize("name", DIAGRAMS)
def test_stored_diagrams_are_up_to_date(name):
    stored = (ROOT / "book/figures" / name).read_text(encoding="utf-8")
    assert stored == DIAGRAMS[name]().svg + "\n"


def test_report_has_a_bar_a_row(graph):
    report = lab.estimate(graph, chip="a100-sxm-80")
    picture = lab.show(report)
    bars = [rect.get("class") for rect in xml.fromstring(picture.svg).iter()
            if rect.tag.endswith("rect")]
    assert len(bars) == min(len(report), 10)
    assert f"{len(report) - 10} more" in texts(picture)[-1]
    assert report.chip.id in picture.alt


@pytest.mark.parametrize("noun", ["chip", "network", "counts", "memory", "dataset", "batch"])
def test_nouns_have_pictures_of_their_own(noun):
    train, _ = lab.datasets.digits()
    net = lab.NETS["squeezenet-1.1"]
    nouns = {"chip": lab.CHIPS["a100-sxm-80"], "network": net, "counts": net.counts(),
             "memory": lab.training_memory(net, 8, "adam"), "dataset": train,
             "batch": train[:20]}
    picture = lab.show(nouns[noun])
    assert len(list(xml.fromstring(picture.svg))) > 8
    assert picture.alt.endswith(".")
    assert len(picture.svg) < 40_000


def test_every_card_can_be_drawn():
    for chip in lab.CHIPS.values():
        assert "nan" not in lab.show(chip).svg


def test_a_roof_for_each_peak():
    picture = lab.show(lab.CHIPS["a100-sxm-80"])
    roofs = [text for text in texts(picture) if text.endswith("op/s")]
    assert [roof.split()[0] for roof in roofs] == ["f64", "f32", "tf32", "f16", "i8"]
    assert "2.04 TB/s" in texts(picture)
