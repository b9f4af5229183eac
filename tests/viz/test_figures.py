"""Figures: frames are what compute() and draw() give, packed and unpacked without loss."""

import html
import json
import re

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.viz import frames

NAMES = list(lab.FIGURES)


@pytest.fixture(scope="module", params=NAMES)
def figure(request):
    """Every figure of the package."""
    return lab.FIGURES[request.param]


def data_of(figure):
    """What the data file of a figure hands to the script."""
    return json.loads(re.fullmatch(r'aisysFigure\("\w+", (.*)\);\n', frames.script(figure))[1])


def test_every_frame_equals_compute(figure):
    data = data_of(figure)
    points = figure.points()
    assert len(data["rows"]) == len(points)
    for row, point in zip(data["rows"], points, strict=True):
        picture = figure.draw(figure.compute(**point))
        sentence = html.escape(picture.alt, quote=False)
        assert frames.unpack(data["shapes"], row) == f"<p>{sentence}</p>{picture.svg}"


def test_controls_name_every_value(figure):
    for control, values in zip(frames.controls(figure), figure.grid.values(), strict=True):
        assert len(control["texts"]) == len(set(control["texts"])) == len(values)
        assert control["label"]


def test_files_are_small(figure):
    import gzip
    assert len(gzip.compress(frames.script(figure).encode())) < 100_000


def test_pictures_are_sound(figure):
    import xml.etree.ElementTree as xml
    for point in figure.points():
        picture = figure.frame(**point)
        assert xml.fromstring(picture.svg).get("role") == "img"
        assert picture.alt.endswith(".")
        assert "nan" not in picture.svg


def test_stored_output_is_deterministic(figure):
    first, second = (lab.figure(figure.name)._repr_mimebundle_() for _ in range(2))
    assert first["text/html"] == second["text/html"]
    assert first["text/plain"] == second["text/plain"] == repr(lab.figure(figure.name))
    assert "application/vnd.jupyter.widget-view+json" in first


def test_unknown_control_and_value_are_sentences():
    with pytest.raises(lab.LabError, match="no control 'size'; it has model, batch"):
        lab.figure("training_vs_inference", size=3)
    with pytest.raises(lab.LabError, match="batch can be 1, 2, .* not 3"):
        lab.figure("training_vs_inference", batch=3)
    with pytest.raises(lab.LabError, match="no figure 'nothing' in FIGURES"):
        lab.figure("nothing")


def test_widget_redraws_with_its_sliders():
    import ipywidgets

    from aisys_lab.viz.live import panel
    figure = lab.FIGURES["training_vs_inference"]
    *controls, seen, said = panel(figure, figure.default(), ipywidgets).children
    before = seen.value
    next(c for c in controls if c.description == "Batch").value = 256
    picture = figure.frame(**figure.default(batch=256))
    assert seen.value != before
    assert picture.svg in seen.value
    assert picture.alt in said.value


def test_pack_shares_shapes():
    texts = [f"<p x='{i}'>same</p>" for i in range(5)] + ["<q/>"]
    shapes, rows = frames.pack(texts)
    assert [frames.unpack(shapes, row) for row in rows] == texts
    assert len(shapes) == 2
    assert rows[3] == [0, "'3'"]


class TestTrainingVsInference:
    """The numbers behind the figure."""

    def data(self, **params):
        """One point of the figure."""
        return lab.figure("training_vs_inference", **params).data

    def test_weights_are_parameters_times_four_bytes(self):
        data = self.data(model="resnet-50", precision="f32")
        assert data["training"][0] == data["inference"][0] == 4 * 25_557_032

    def test_adam_keeps_two_numbers_a_weight(self):
        kept = {name: self.data(optimizer=name)["training"] for name in ("sgd", "adam")}
        assert kept["sgd"][2] == 0
        assert kept["adam"][2] == 2 * kept["adam"][0]

    def test_only_activations_grow_with_the_batch(self):
        one, many = (self.data(batch=n) for n in (1, 128))
        assert np.array_equal(one["training"][:3], many["training"][:3])
        assert many["training"][3] == 128 * one["training"][3]
        assert np.array_equal(128 * one["flops"], many["flops"])

    def test_backward_by_hand(self):
        forward, back = self.data(model="mlp", batch=1)["flops"]
        assert forward == 2 * (64 * 128 + 128 * 10)
        assert back == 2 * (64 * 128 + 2 * 128 * 10)

    def test_llama_keeps_its_keys_and_values(self):
        data = self.data(model="llama-2-7b", batch=1, precision="mixed")
        assert data["inference"][3] == 2 * 32 * 4096 * 4096 * 2
        assert data["held"] == "KV cache"
