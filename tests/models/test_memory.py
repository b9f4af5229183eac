"""Training memory against real steps: a ledger of arrays, and the tape of our own engine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.reverse import Reverse
from aisys_lab.exercises.ledger import train_step
from aisys_lab.ir import Network, layer
from aisys_lab.models.memory import memory_rows, memory_values


@st.composite
def chains(draw):
    layers, width = [], draw(st.integers(1, 6))
    for number in range(draw(st.integers(1, 5))):
        out = draw(st.integers(1, 6))
        layers.append({"name": f"fc{number}", "params": width * out, "values": out,
                       "inplace": False, "inputs": width})
        for extra in range(draw(st.integers(0, 2))):
            layers.append({"name": f"relu{number}.{extra}", "params": 0, "values": out,
                           "inplace": draw(st.booleans())})
        width = out
    return layers


@given(chains(), st.integers(1, 4), st.sampled_from(["sgd", "momentum", "adam"]), st.booleans(),
       st.integers(0, 8))
def test_bytes_are_those_of_a_real_step(layers, batch, optimizer, mixed, every):
    real = train_step(layers, batch, optimizer, mixed, every, np.random.default_rng(0))
    assert memory_values(layers, batch, optimizer, mixed, every) == real


@given(chains(), st.integers(1, 5), st.integers(1, 12))
def test_recomputation_never_increases_the_peak(layers, batch, every):
    saved, less = memory_values(layers, batch), memory_values(layers, batch, every=every)
    assert less["activations"] <= saved["activations"]
    assert saved["activations"] == batch * memory_values(layers)["activations"]


def engine_bytes(layers, batch):
    """Bytes of the results that our engine's tape holds after a forward pass."""
    mode, rng = Reverse(), np.random.default_rng(0)
    x, weights = rng.normal(size=(batch, layers[0]["inputs"])).astype(np.float32), []
    for row in layers:
        if row["params"]:
            weights.append(mode.variable(np.ones((x.shape[-1], row["values"]), np.float32)))
            x = x @ weights[-1]
        else:
            x = anp.relu(x)
    results = {id(out): out.nbytes for op, _, _, out, _ in mode.tape if op}
    held = sum(w.value.nbytes for w in weights)
    gradients = mode.gradients([(x, np.ones(x.shape, np.float32))], weights)
    return sum(results.values()), held, sum(g.nbytes for g in gradients)


@given(chains(), st.integers(1, 4))
def test_bytes_are_those_of_our_engine(layers, batch):
    layers = [{**row, "inplace": False} for row in layers]  # the engine writes nothing in place
    values = memory_values(layers, batch)
    assert (values["activations"], values["weights"],
            values["gradients"]) == engine_bytes(layers, batch)


def test_sixteen_bytes_a_parameter():
    """Rajbhandari, Rasley, Ruwase, He, ZeRO, SC 2020, section 3.1: mixed precision with Adam."""
    memory = lab.training_memory(lab.NETS["gpt2-small"], optimizer="adam", mixed=True)
    assert memory.weights + memory.gradients + memory.optimizer == 16 * 124_439_808


def test_in_place_saves_what_follows_the_norms():
    network = lab.NETS["resnet-50"]
    kept = lab.training_memory(network).saved
    assert "stem.conv" in kept and "stem.act" not in kept


def test_attention_keeps_its_insides():
    rows = memory_rows(layer("attention", "a", (4, 10, 6), heads=3, kv_heads=1, head_dim=2))
    assert {row["name"]: row["values"] for row in rows} == {
        "a.qkv": 10 * (6 + 4), "a.probabilities": 3 * 10 * 10, "a.mixed": 60, "a.out": 60}
    assert sum(row["params"] for row in rows) == 6 * 6 + 6 + 2 * (6 * 2 + 2) + 6 * 6 + 6


def test_a_memory_prints():
    small = Network("small", (layer("linear", "fc", (1, 100), out=10, bias=False),
                              layer("activation", "act", (1, 10), inplace=True)))
    assert str(lab.training_memory(small, 8, "adam")) == """small, batch 8, adam, float32
weights      4.00 kB   25%
gradients    4.00 kB   25%
optimizer    8.00 kB   49%
activations    320 B    2%
total        16.3 kB  100%"""


@pytest.mark.parametrize(("how", "sentence"), [
    ({"optimizer": "adamw"}, "did you mean: adam"), ({"every": -1}, "every=-1")])
def test_errors_are_sentences(how, sentence):
    with pytest.raises(lab.LabError, match=sentence):
        lab.training_memory(lab.NETS["resnet-50"], **how)
