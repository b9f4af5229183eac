"""Values survive the wire exactly; bytes that are no values are refused in a sentence."""

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aisys_lab.core.timing import Timing
from aisys_lab.exercises import equal
from aisys_lab.grading.codec import (
    BYTES_MOST,
    DTYPES,
    HEADER_MOST,
    ProtocolError,
    read_frame,
    travel,
    write_frame,
)

ARRAYS = hnp.arrays(st.sampled_from(sorted(DTYPES)), hnp.array_shapes(min_dims=0, min_side=0))
KEYS = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.tuples(st.integers()))
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
                  st.complex_numbers(), ARRAYS)
VALUES = st.recursive(PLAIN, lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple),
    st.dictionaries(KEYS, inner, max_size=3)), max_leaves=8)


def through(value):
    stream = io.BytesIO()
    write_frame(stream, "result", value)
    stream.seek(0)
    kind, came = read_frame(stream)
    assert kind == "result" and not stream.read()
    return came


def frame(header, payload=b""):
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">I", len(data)) + data + payload


def types(value):
    if isinstance(value, np.ndarray):
        return value.dtype.newbyteorder("="), value.shape
    inside = list(value.items()) if isinstance(value, dict) else value
    nested = isinstance(value, list | tuple | dict)
    return type(value), [types(v) for v in inside] if nested else None


@given(VALUES)
def test_values_come_back_exactly(value):
    came = through(value)
    assert types(came) == types(value) and equal(value, came)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_sentence(data):
    try:
        read_frame(io.BytesIO(data))
    except ProtocolError as error:
        assert str(error).endswith(".")


@given(VALUES, st.data())
def test_a_frame_cut_short_or_changed_is_refused_or_read(value, data):
    stream = io.BytesIO()
    write_frame(stream, "result", value)
    whole = stream.getvalue()
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(whole[:data.draw(st.integers(0, len(whole) - 1))]))
    place = data.draw(st.integers(4, len(whole) - 1))
    try:
        read_frame(io.BytesIO(whole[:place] + b"\x00" + whole[place + 1:]))
    except ProtocolError as error:
        assert str(error)


JSON = st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=8), st.floats()),
                    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(
                        st.sampled_from(["array", "tuple", "dict", "noun", "graph", "callback",
                                         "bytes", "set", "dtype", "float", "complex"]),
                        inner, max_size=2)), max_leaves=10)


@given(JSON)
def test_any_body_is_a_value_or_a_sentence(body):
    data = json.dumps(["result", body, []]).encode()
    try:
        read_frame(io.BytesIO(struct.pack(">I", len(data)) + data))
    except ProtocolError as error:
        assert str(error)


@pytest.mark.parametrize("bad", [
    frame(b"[" * 100_000), frame(b'["r", NaN, []]'), frame(b'["r", {"a":1,"a":2}, []]'),
    frame(b"\xff\xfe"), frame({"kind": "r"}), frame([1, 2, 3]),
    struct.pack(">I", HEADER_MOST + 1), struct.pack(">I", 1 << 31) + b"x",
    frame(["r", None, [BYTES_MOST, 1]]), frame(["r", None, [-1]]), frame(["r", None, [True]]),
    frame(["r", {"array": ["|O", [1], 0]}, [8]], b"8" * 8),
    frame(["r", {"array": [">f8", [1], 0]}, [8]], b"8" * 8),
    frame(["r", {"array": ["<f8", [2], 0]}, [8]], b"8" * 8),
    frame(["r", {"array": ["<f8", [-1], 0]}, [8]], b"8" * 8),
    frame(["r", {"array": ["<f8", [0, 1 << 40], 0]}, [0]]),
    frame(["r", {"noun": ["os:system", ["true"]]}, []]), frame(["r", {"callback": 0}, []]),
    frame(["r", {"dict": [[[], 1]]}, []]), frame(["r", {"tuple": 3}, []]),
    frame(["r", {"bytes": 5}, []]), frame(["r", {"dtype": "|O"}, []]), frame(b"1" * 5000)])
def test_frames_that_are_refused(bad):
    with pytest.raises(ProtocolError):
        read_frame(io.BytesIO(bad))


class Odd:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize("value", [Odd(), [object()], np.array([object()]), print, {1: Odd()},
                                   np.zeros(2, "i4,f4"), np.array(["a"]),
                                   pytest.param(10**5000, id="huge")])
def test_what_cannot_travel_says_so(value):
    with pytest.raises(ProtocolError, match="cannot travel"):
        write_frame(io.BytesIO(), "result", value)


def test_too_deep_and_too_big():
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ProtocolError, match="deep"):
        travel(deep)
    with pytest.raises(ProtocolError, match="too big"):
        write_frame(io.BytesIO(), "result", np.zeros(BYTES_MOST // 8 + 1))


class Sub(np.ndarray):
    def __array_finalize__(self, other):
        self.forged = True


def test_subclasses_become_plain():
    array = np.arange(6.0).reshape(2, 3)[:, ::2].view(Sub)
    came = through({"a": array, "b": np.array([1], ">i4"), "c": type("I", (int,), {})(3)})
    assert type(came["a"]) is np.ndarray and came["a"].tolist() == [[0, 2], [3, 5]]
    assert came["a"].flags.writeable and came["b"].dtype == np.int32 and type(came["c"]) is int


def test_nouns_travel():
    timing = Timing(1.0, 2.0, 1.9, 2.1, "f")
    assert through([timing, np.dtype("float32"), {1, 2}]) == [timing, np.dtype("float32"), {1, 2}]


def test_graphs_travel_as_text():
    from aisys_lab.autodiff import trace
    big = np.arange(20.0)
    graph = trace(lambda x: x * big + 1.0, np.ones(20))
    came = through(graph)
    assert str(came) == str(graph)
    assert all(equal(graph.constants[name], came.constants[name]) for name in graph.constants)


def test_callables_become_stand_ins():
    came = travel({"f": abs}, lambda function: ("stand-in", function))
    assert came == {"f": ("stand-in", abs)}
