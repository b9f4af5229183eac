"""Layer tables and their counts, against naive loops whose operations are written down."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.exercises.loops import RUN, Meter, counted
from aisys_lab.ir import COUNTS, LAYERS, count_layer, count_values, layer, out_shape

few = st.integers(1, 4)


@st.composite
def convs(draw):
    groups, kernel, padding = draw(few), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    size = st.integers(max(1, kernel - 2 * padding), 6)
    return layer("conv", "c", (draw(st.integers(1, 2)), groups * draw(few), draw(size), draw(size)),
                 out=groups * draw(st.integers(1, 2)), kernel=kernel, stride=draw(few),
                 padding=padding, groups=groups, bias=draw(st.booleans()))


@st.composite
def linears(draw):
    shape = (draw(few), *draw(st.lists(few, max_size=2)), draw(few))
    return layer("linear", "l", shape, out=draw(few), bias=draw(st.booleans()))


@st.composite
def attentions(draw):
    shared = draw(st.integers(1, 2))
    return layer("attention", "a", (draw(st.integers(1, 2)), draw(few), draw(few)),
                 heads=shared * draw(st.integers(1, 3)), kv_heads=shared,
                 head_dim=draw(st.integers(1, 3)), bias=draw(st.booleans()))


@st.composite
def norms(draw):
    shape = draw(st.lists(few, min_size=2, max_size=4))
    return layer("norm", "n", shape, form=draw(st.sampled_from(["batch", "layer", "rms"])))


@given(st.one_of(convs(), linears(), attentions(), norms()), st.sampled_from([1, 2, 4, 8]))
def test_counts_are_those_of_naive_loops(row, itemsize):
    assert count_values(row.plain, itemsize) == counted(row.plain, itemsize)


@given(st.one_of(convs(), linears(), attentions()), few)
def test_work_grows_with_the_batch_and_weights_do_not(row, times):
    one, more = count_layer(row), count_layer(row.at(times * row.batch))
    assert more.macs == times * one.macs and more.flops == times * one.flops
    assert (more.params, more.weight_bytes) == (one.params, one.weight_bytes)


def test_every_kind_has_a_counting_rule():
    assert set(LAYERS) == set(COUNTS)


@pytest.mark.parametrize("kind", RUN)
def test_the_loops_count_something(kind):
    assert callable(RUN[kind]) and Meter().array(2, 3).shape == (2, 3)


def test_a_layer_is_plain_values():
    conv = layer("conv", "c", (1, 4, 8, 8), out=8, kernel=3, padding=1)
    assert json.loads(json.dumps(conv.plain)) == conv.plain
    assert conv["padding"] == 1 and conv.at(5).shape == (5, 4, 8, 8)
    assert str(conv) == "conv c[1,4,8,8] out=8 kernel=3 padding=1"


def test_a_count_prints():
    conv = layer("conv", "conv1", (1, 3, 224, 224), out=64, kernel=7, stride=2, padding=3,
                 bias=False)
    assert str(count_layer(conv)) == ("conv conv1: 9 408 parameters, 118 MMAC, 236 MFLOP; "
                                      "602 kB in, 3.21 MB out, 37.6 kB weights")
    assert count_layer(conv, "f16").bytes * 2 == count_layer(conv).bytes
    assert count_layer(conv).intensity == pytest.approx(61.3, abs=0.1)


def test_pools_round_down_or_up():
    for ceil, size in ((False, 3), (True, 4)):
        pool = layer("pool", "p", (1, 2, 8, 8), kernel=3, stride=2, ceil=ceil)
        assert out_shape(pool) == (1, 2, size, size)


def test_an_embedding_reads_the_rows_it_looks_up():
    table = count_layer(layer("embedding", "token", (2, 5), rows=1000, out=8))
    assert (table.params, table.in_bytes, table.weight_bytes) == (8000, 80, 2 * 5 * 8 * 4)


def test_a_tied_layer_reads_weights_that_another_holds():
    head = count_layer(layer("linear", "head", (1, 8), out=100, bias=False, tied="token"))
    assert (head.params, head.macs, head.weight_bytes) == (0, 800, 3200)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: layer("convolution", "c", (1, 3, 8, 8), out=8), "did you mean"),
    (lambda: layer("conv", "c", (1, 3, 8, 8), out=8), "'c': give kernel"),
    (lambda: layer("linear", "l", (1, 3), out=8, biass=True), "no attribute 'biass'; there are"),
    (lambda: out_shape(layer("conv", "c", (1, 3, 2, 2), out=8, kernel=5)), "5 does not fit"),
    (lambda: count_layer(layer("linear", "l", (1, 3), out=8), "f99"), "no dtype 'f99'"),
])
def test_errors_are_sentences(call, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        call()


def test_a_row_of_yours_counts_everywhere():
    before = lab.NETS["resnet-50"].counts().total.params
    with lab.attempt():
        lab.SLOTS["nets.count_layer"] = lambda x, itemsize=4: dict.fromkeys(
            ("params", "macs", "flops", "in_bytes", "out_bytes", "weight_bytes"), 1)
        assert lab.NETS["resnet-50"].counts().total.params == 107  # 53 convs, 53 norms, 1 linear
        lab.SLOTS["nets.count_layer"] = lambda x, itemsize=4: {"params": 1}
        with pytest.raises(lab.LabError, match="missing in 'stem.conv'"):
            lab.NETS["resnet-50"].counts()
    assert lab.NETS["resnet-50"].counts().total.params == before
