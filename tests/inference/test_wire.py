"""The wire format against hand-made bytes, and round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisys_lab.core import LabError
from aisys_lab.inference.wire import (
    BYTES,
    VARINT,
    decode,
    encode,
    fields,
    put_field,
    put_varint,
    take_varint,
)

SCHEMA = {"Pair": {1: ("key", "string", False), 2: ("values", "int", True),
                   3: ("weight", "float", False), 4: ("child", "Pair", True),
                   5: ("shares", "double", True)}}


@pytest.mark.parametrize(("n", "data"), [
    (0, b"\x00"), (1, b"\x01"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02"),
    (-1, b"\xff" * 9 + b"\x01")])
def test_golden_varints(n, data):
    """Bytes of the protobuf guide; -1 takes ten, as 64-bit two's complement."""
    assert put_varint(n) == data
    assert take_varint(data, 0) == (n % 2**64, len(data))


def test_golden_fields():
    """150 in field 1, and «testing» in field 2, as in the protobuf guide."""
    assert put_field(1, VARINT, put_varint(150)) == b"\x08\x96\x01"
    assert put_field(2, BYTES, b"testing") == b"\x12\x07testing"
    found = list(fields(b"\x08\x96\x01\x12\x07testing"))
    assert found == [(1, VARINT, 150), (2, BYTES, b"testing")]


numbers = st.integers(-2**63, 2**63 - 1)
pairs = st.recursive(
    st.fixed_dictionaries({"key": st.none() | st.text(), "values": st.lists(numbers),
                           "weight": st.none() | st.floats(width=32, allow_nan=False),
                           "child": st.just([]), "shares": st.lists(st.floats(allow_nan=False))}),
    lambda inner: st.fixed_dictionaries({
        "key": st.none(), "values": st.just([]), "weight": st.none(), "child": st.lists(inner),
        "shares": st.just([])}), max_leaves=6)


@given(pairs)
def test_round_trip(pair):
    data = encode(SCHEMA, "Pair", pair)
    assert decode(SCHEMA, "Pair", memoryview(data)) == pair


@given(pairs, st.integers(6, 1000), st.binary())
def test_unknown_fields_are_skipped(pair, number, payload):
    data = put_field(number, BYTES, payload) + encode(SCHEMA, "Pair", pair)
    assert decode(SCHEMA, "Pair", memoryview(data)) == pair


@given(st.lists(numbers), st.lists(st.floats(allow_nan=False)))
def test_packed_numbers_read_like_single_ones(values, shares):
    import struct
    data = put_field(2, BYTES, b"".join(map(put_varint, values)))
    data += put_field(5, BYTES, struct.pack(f"<{len(shares)}d", *shares))
    found = decode(SCHEMA, "Pair", memoryview(data))
    assert (found["values"], found["shares"]) == (values, shares)


@pytest.mark.parametrize(("data", "words"), [
    (b"\x12\x07test", "3 bytes after the data"), (b"\x08\x96", "ends inside a number"),
    (b"\x08" + b"\xff" * 11, "more than ten bytes"), (b"\x0b", "wire type 3"),
    (b"\x0d\x00\x00", "after the data"), (b"\x0a\x01\xff", "no UTF-8"),
    (b"\x08\x01", "should hold string has wire type 0"), (b"\x2a\x03abc", "no multiple of 8")])
def test_faults_are_sentences(data, words):
    with pytest.raises(LabError, match=words):
        decode(SCHEMA, "Pair", memoryview(data))
