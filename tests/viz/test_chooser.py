"""The chooser of ways to convolve: counts by hand and by the package, and who wins."""

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.viz import chooser
from aisys_lab.viz.convolutions import F32, WAYS, Stage, bandwidth, cost, shape_of

POINTS = lab.FIGURES["conv_chooser"].points()
SOME = POINTS[::7]


def data(**params):
    """One point of the figure, by way."""
    return chooser.compute(**lab.FIGURES["conv_chooser"].default(**params))


def of(name, way, **params):
    """One number."""
    found = data(**params)
    return found[name][found["ways"].index(way)]


def test_direct_by_hand():
    assert of("multiplications", "direct", side=14, channels=32, window="5×5") == \
        14 * 14 * 32 * 32 * 25
    assert of("bytes", "direct", side=14, channels=32, window="5×5") == \
        F32 * (2 * 14 * 14 * 32 + 25 * 32 * 32)
    assert of("workspace", "direct") == 0


def test_im2col_keeps_the_image_as_often_as_the_window_has_taps():
    for window, taps in (("3×3", 9), ("5×5", 25)):
        assert of("workspace", "im2col", side=28, window=window) == taps * F32 * 28 * 28 * 32
    assert of("workspace", "im2col", window="1×1") == 0
    assert of("workspace", "im2col", window="1×1", stride=2) == F32 * 14 * 14 * 32


def test_indirect_keeps_a_pointer_a_tap_whatever_the_channels():
    assert {of("workspace", "indirect", side=14, channels=c) for c in (8, 32, 128)} == \
        {8 * 14 * 14 * 9}


def test_winograd_saves_the_famous_factors():
    whole = of("multiplications", "direct", side=28)
    assert whole / of("multiplications", "F(2,3)", side=28) == 36 / 16
    assert whole / of("multiplications", "F(4,3)", side=28) == 144 / 36
    assert of("multiplications", "F(2,3)", side=7) == 16 * 4 * 4 * 32 * 32  # ragged: 16 tiles


def test_winograds_transforms_are_counted_as_in_the_paper():
    _, _, (ahead, _, back) = WAYS["F(2,3)"].counts(shape_of(28, 32, "3×3", 1))
    assert ahead.flops == 32 * 14 * 14 * 32  # 32 additions a tile, Lavin and Gray 2016
    assert back.flops == 24 * 14 * 14 * 32


@pytest.mark.parametrize("point", SOME, ids=str)
def test_multiplications_and_refusals_are_those_of_the_kernels(point):
    from aisys_lab.kernels import conv2d_multiplications, conv2d_workspace
    g = shape_of(**point)
    for way, row in WAYS.items():
        shapes = (row.rung(g), (1, *g.image, g.channels),
                  (*g.window, g.channels // g.groups, g.out), g.stride, g.pads, 1, g.groups)
        mine = cost(way, g)
        if mine.why:
            with pytest.raises(lab.LabError, match="does not serve"):
                conv2d_multiplications(*shapes)
        else:
            assert mine.multiplications == conv2d_multiplications(*shapes)
            assert way in ("F(2,3)", "F(4,3)") or mine.workspace <= conv2d_workspace(*shapes)


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_every_way_that_serves_was_measured(point):
    found = chooser.compute(**point)
    for why, seconds, predicted in zip(found["why"], found["measured"], found["predicted"],
                                       strict=True):
        assert (seconds > 0) == (predicted > 0) == (not why)


def test_a_stage_takes_the_longer_of_arithmetic_and_traffic():
    levels = [(1000, 10.0), (1e9, 2.0)]
    assert bandwidth(1000, levels) == 10
    assert bandwidth(1001, levels) == bandwidth(1e12, levels) == 2
    both = cost("direct", shape_of(7, 8, "1×1", 1))
    assert both.stages == (Stage(2 * 7 * 7 * 8 * 8, F32 * (2 * 7 * 7 * 8 + 64)),)
    assert both.seconds(1e12, levels) == both.bytes / 2
    assert both.seconds(1.0, levels) == both.stages[0].flops


def test_the_sentence_names_both_winners():
    for point in POINTS:
        found = chooser.compute(**point)
        said = chooser.sentence(found)
        best = found["ways"][chooser.winner(found, "measured")]
        guess = found["ways"][chooser.winner(found, "predicted")]
        assert f"{best} wins" in said
        assert ("as the model says" in said) == (best == guess)
        assert np.argmin(np.where(found["measured"] > 0, found["measured"], 9)) == \
            chooser.winner(found, "measured")
