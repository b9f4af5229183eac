"""The protobuf wire format: varints, tags and length-delimited bytes, both ways.

Source: https://protobuf.dev/programming-guides/encoding/. A message is a row of fields, each a
tag (number * 8 + wire type) and a value; a reader skips the numbers that it does not know.
"""

import struct
from typing import NamedTuple

from aisys_lab.core import LabError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 (groups) are long deprecated
WORD = 1 << 64


def put_varint(n):
    """A whole number in groups of seven bits, lowest first; the top bit says «more follows».

    A negative number is written as its 64-bit two's complement, hence in ten bytes.
    """
    n, out = n % WORD, bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def take_varint(data, at):
    """``(number, next position)``; the number is in 0 … 2**64 - 1."""
    n = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise LabError(f"the file ends inside a number, at byte {at}.")
        n |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return n % WORD, at
    raise LabError(f"a number of more than ten bytes ends at byte {at}.")


def put_field(number, wire, payload):
    """One field: its tag, a length if the wire type has one, the payload bytes."""
    length = put_varint(len(payload)) if wire == BYTES else b""
    return put_varint(number << 3 | wire) + length + payload


def fields(data):
    """``(number, wire type, payload)`` of each field; a varint's payload is the number itself."""
    at = 0
    while at < len(data):
        tag, at = take_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            payload, at = take_varint(data, at)
        else:
            size, at = _size(data, at, wire)
            payload, at = data[at:at + size], at + size
        if at > len(data):
            raise LabError(f"field {number} ends {at - len(data)} bytes after the data.")
        yield number, wire, payload


def _size(data, at, wire):
    if wire == BYTES:
        return take_varint(data, at)
    if wire not in (FIXED64, FIXED32):
        raise LabError(f"wire type {wire} at byte {at - 1} is none that protobuf uses today.")
    return (8 if wire == FIXED64 else 4), at


# ---- scalar kinds: wire type, value -> payload, payload -> value

class Kind(NamedTuple):
    wire: int
    put: object
    take: object


def _text(payload):
    try:
        return str(payload, "utf-8")
    except UnicodeDecodeError:
        raise LabError(f"a name is no UTF-8 text: {bytes(payload[:16])!r}.") from None


KINDS = {
    "int": Kind(VARINT, put_varint, lambda n: n - WORD if n >= WORD // 2 else n),
    "uint": Kind(VARINT, put_varint, int),
    "float": Kind(FIXED32, struct.Struct("<f").pack, lambda p: struct.unpack("<f", p)[0]),
    "double": Kind(FIXED64, struct.Struct("<d").pack, lambda p: struct.unpack("<d", p)[0]),
    "string": Kind(BYTES, str.encode, _text),
    "bytes": Kind(BYTES, bytes, lambda p: p),
}
WIDTH = {FIXED64: 8, FIXED32: 4}


# ---- messages: dicts, by a schema {message: {number: (field, kind, repeated)}}

def encode(schema, message, values):
    """The bytes of a message; absent and empty fields are not written."""
    out = []
    for number, (name, kind, repeated) in schema[message].items():
        value = values.get(name)
        for item in (value or ()) if repeated else () if value is None else (value,):
            wire, put, _ = _kind(schema, kind)
            out.append(put_field(number, wire, put(item)))
    return b"".join(out)


def decode(schema, message, data):
    """The dict of a message: every field of the schema is there, None or [] if it was absent."""
    found = {name: [] if repeated else None for name, _, repeated in schema[message].values()}
    for number, wire, payload in fields(data):
        if number not in schema[message]:
            continue
        name, kind, repeated = schema[message][number]
        if repeated:
            found[name] += _take_all(schema, kind, wire, payload)
        else:
            found[name] = _take(schema, kind, wire, payload)
    return found


def _kind(schema, kind):
    if kind in KINDS:
        return KINDS[kind]
    return Kind(BYTES, lambda values: encode(schema, kind, values),
                lambda data: decode(schema, kind, data))


def _take(schema, kind, wire, payload):
    expected, _, take = _kind(schema, kind)
    if wire != expected:
        raise LabError(f"a field that should hold {kind} has wire type {wire}, not {expected}.")
    return take(payload)


def _take_all(schema, kind, wire, payload):
    """One element, or many packed in one field (as proto2 allows for numbers)."""
    expected, _, take = _kind(schema, kind)
    if wire != BYTES or expected == BYTES:
        return [_take(schema, kind, wire, payload)]
    if expected == VARINT:
        return [take(n) for n in _varints(payload)]
    width = WIDTH[expected]
    if len(payload) % width:
        raise LabError(f"{len(payload)} bytes of packed {kind} are no multiple of {width}.")
    return [take(payload[at:at + width]) for at in range(0, len(payload), width)]


def _varints(payload):
    at = 0
    while at < len(payload):
        n, at = take_varint(payload, at)
        yield n
