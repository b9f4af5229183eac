"""Broken files: whatever the damage, loading ends in a graph or in a sentence."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aisys_lab as lab
from aisys_lab.core import LabError
from aisys_lab.inference.onnx_schema import OPSET, SCHEMA
from aisys_lab.inference.onnx_values import tensor
from aisys_lab.inference.wire import encode

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def real(mlp, tmp_path_factory):
    """A real file of 10 kB, nearly all weights."""
    return lab.save_onnx(mlp, tmp_path_factory.mktemp("fuzz") / "digits.onnx").read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A file that is nearly all structure: forward and backward of a tiny network."""
    model = lab.models.MLP([3, 2, 2])
    graph = lab.trace(lab.value_and_grad(model.loss), model.params, np.ones((2, 3), np.float32),
                      np.zeros(2, np.int64))
    return lab.save_onnx(graph, tmp_path_factory.mktemp("fuzz") / "small.onnx").read_bytes()


def outcome(data, tmp_path):
    """The graph (which then prints and parses), or the sentence."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(data)
    try:
        graph = lab.load_onnx(path)
    except LabError as sentence:
        assert len(str(sentence)) < 5000
        return str(sentence)
    assert lab.parse(str(graph), graph.constants) == graph
    return graph


@RELAXED
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncations_are_noticed_or_harmless(real, tmp_path, share):
    assert isinstance(outcome(real[:int(share * len(real))], tmp_path), str)


@RELAXED
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
                      min_size=1, max_size=8))
def test_bit_flips(real, tmp_path, flips):
    data = bytearray(real)
    for share, bit in flips:
        data[int(share * len(data))] ^= 1 << bit
    outcome(bytes(data), tmp_path)


def test_many_bit_flips_in_structure(small, tmp_path):
    rng = random.Random(0)
    for _ in range(600):
        data = bytearray(small)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        outcome(bytes(data), tmp_path)


@RELAXED
@given(cut=st.tuples(st.floats(0, 1), st.floats(0, 1)), between=st.binary(max_size=20))
def test_pieces_cut_out_and_put_in(small, tmp_path, cut, between):
    start, end = sorted(int(c * len(small)) for c in cut)
    outcome(small[:start] + between + small[end:], tmp_path)


def crafted(nodes, tensors, shape=(2,)):
    value = {"type": {"tensor_type": {"elem_type": 1, "shape": {
        "dim": [{"dim_value": n} for n in shape]}}}}
    graph = {"node": nodes, "initializer": tensors, "input": [value | {"name": "x"}],
             "output": [{"name": nodes[-1]["output"][0]}]}
    return encode(SCHEMA, "Model", {"graph": graph, "opset_import": [{"version": OPSET}]})


def test_a_small_file_that_claims_a_huge_tensor(tmp_path):
    huge = tensor("w", np.zeros(2, np.float32)) | {"dims": [2**40, 2**20]}
    node = {"op_type": "Add", "input": ["x", "w"], "output": ["y"]}
    assert "holds 2 numbers" in outcome(crafted([node], [huge]), tmp_path)


def test_constants_that_would_double_thirty_times_are_not_computed(tmp_path):
    """Loading infers shapes and never runs such nodes, so a small file stays small."""
    nodes = [{"op_type": "Concat", "input": [f"w{k}"] * 2, "output": [f"w{k + 1}"],
              "attribute": [{"name": "axis", "i": 0, "type": 2}]} for k in range(60)]
    graph = outcome(crafted(nodes, [tensor("w0", np.zeros(8, np.float32))]), tmp_path)
    assert graph.nbytes == 32


def test_an_expansion_is_not_computed(tmp_path):
    node = {"op_type": "Expand", "input": ["x", "s"], "output": ["y"]}
    big = tensor("s", np.array([2**20, 2**20, 2**20, 2], np.int64))
    assert outcome(crafted([node], [big]), tmp_path).nbytes == 0
