"""The layer tables of published networks give the published totals."""

import json

import pytest

import aisys_lab as lab
from aisys_lab.core.text import si
from aisys_lab.ir import out_shape
from aisys_lab.models import convnets, transformers

PUBLISHED = {  # parameters, and the MACs of one image of 224×224 to the digits that are given
    "resnet-50": (25_557_032, "4.089 GMAC"), "mobilenet-v1": (4_231_976, "568.74 MMAC"),
    "mobilenet-v2": (3_504_872, "300.77 MMAC"), "squeezenet-1.0": (1_248_424, "818.9 MMAC"),
    "squeezenet-1.1": (1_235_496, "349.2 MMAC"), "shufflenet-v2": (2_278_604, "144.9 MMAC"),
    "gpt2-small": (124_439_808, None), "bert-base": (109_482_240, None),
    "llama-2-7b": (6_738_415_616, None), "llama-2-70b": (68_976_648_192, None)}
NAMES = pytest.mark.parametrize("name", PUBLISHED)


@NAMES
def test_published_totals(name):
    params, macs = PUBLISHED[name]
    total = lab.NETS[name].counts().total
    assert total.params == params
    if macs:
        assert si(total.macs, "MAC", len(macs.split()[0]) - 1) == macs


def test_the_published_networks_are_all_there():
    assert list(lab.NETS) == list(PUBLISHED)


@NAMES
def test_names_are_unique_and_rows_are_values(name):
    network = lab.NETS[name]
    assert len({row.name for row in network}) == len(network)
    assert json.loads(json.dumps([row.plain for row in network]))[0] == network.layers[0].plain
    assert network[network.layers[3].name] is network.layers[3]


@NAMES
def test_a_network_prints_with_its_source(name):
    text = str(lab.NETS[name])
    assert text.splitlines()[1] == lab.NETS[name].source and len(text.splitlines()) <= 18
    assert len(lab.NETS[name].table(limit=None).splitlines()) == len(lab.NETS[name]) + 2


@NAMES
def test_counts_by_kind_add_up(name):
    counts = lab.NETS[name].counts(batch=3)
    assert counts.by_kind().total == counts.total
    assert counts.total.macs == 3 * lab.NETS[name].counts().total.macs


@pytest.mark.parametrize("size", [224, 192, 96])
def test_images_shrink_by_32(size):
    for build in (convnets.resnet50, convnets.mobilenet_v1, convnets.mobilenet_v2,
                  convnets.shufflenet_v2):
        network = build(size)
        assert network["pool"].shape[2:] == (size // 32, size // 32)
        assert out_shape(network.layers[-1]) == (1, 1000)
        assert network.counts().total.params == build().counts().total.params


def test_attention_grows_with_the_square_of_the_tokens():
    long, short = (transformers.gpt2(seq).counts() for seq in (1024, 512))
    assert long.total.params == short.total.params
    linear = 2 * 768 * 1024 * 1024  # one layer's scores and mixing at 1024 tokens
    assert long["block1.attention"].macs - 2 * short["block1.attention"].macs == linear // 2


def test_shared_keys_make_attention_smaller():
    full = transformers.llama2(depth=1).counts()["block1.attention"]
    shared = transformers.llama2(depth=1, kv_heads=8).counts()["block1.attention"]
    assert full.params - shared.params == 2 * 4096 * (4096 - 1024)


def test_unknown_layers_are_sentences():
    with pytest.raises(lab.LabError, match="no layer 'stem'"):
        lab.NETS["resnet-50"]["stem"]
    with pytest.raises(lab.LabError, match="no layer 'stem'"):
        lab.NETS["resnet-50"].counts()["stem"]
    with pytest.raises(lab.LabError, match="did you mean: resnet-50"):
        lab.NETS["resnet50"]
