"""Values on a wire: plain Python, arrays with exact dtypes and known nouns; nothing that runs.

A frame is the length of a JSON header (4 bytes), the header, then the raw bytes of its arrays.
The reader trusts nothing: every length, tag, dtype and shape is checked before it is used.
"""

import importlib
import json
import math
import struct
from dataclasses import fields

import numpy as np

from aisys_lab.core import LabError, Table

HEADER_MOST = 8 << 20
BYTES_MOST = 64 << 20
DEPTH_MOST = 40
DTYPES = {np.dtype(name).newbyteorder("<").str for name in (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "complex64", "complex128")}
NOUNS = Table("NOUNS", "dataclasses of the package that travel field by field", noun="noun")
for _path in ("core.timing:Timing", "ir.spec:Spec", "ir.interpret:Work"):
    NOUNS.define(_path.partition(":")[2], _path)


class ProtocolError(LabError):
    """Bytes or values that are not what the wire carries."""


class Closed(ProtocolError):
    """The other side has gone."""


# writing

def pack(value, callbacks=None):
    """``value -> (plain JSON value, list of buffers)``; callables go into ``callbacks``."""
    buffers = []
    return _pack(value, buffers, callbacks, DEPTH_MOST), buffers


def _pack(value, buffers, callbacks, depth):
    if depth == 0:
        raise ProtocolError(f"a value nested more than {DEPTH_MOST} deep cannot travel.")
    for kinds, write in WRITERS:
        if isinstance(value, kinds):
            return write(value, lambda v: _pack(v, buffers, callbacks, depth - 1), buffers)
    return _pack_other(value, lambda v: _pack(v, buffers, callbacks, depth - 1), callbacks)


def _pack_other(value, again, callbacks):
    name = type(value).__name__
    if name in NOUNS and type(value) is noun(name):
        return {"noun": [name, [again(getattr(value, f.name)) for f in fields(value)]]}
    if name == "Graph" and type(value).__module__ == "aisys_lab.ir.graph":
        return {"graph": [str(value), again(value.constants)]}
    if callable(value) and callbacks is not None:
        callbacks.append(value)
        return {"callback": len(callbacks) - 1}
    raise ProtocolError(f"a value of type {name} cannot travel; use numbers, text, lists, tuples, "
                        f"dicts, arrays or the course's own nouns.")


def _pack_float(x, again, buffers):
    return float(x) if math.isfinite(x) else {"float": str(float(x))}


def _pack_array(x, again, buffers):
    array = np.asarray(x)
    array = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if array.dtype.str not in DTYPES:
        raise ProtocolError(f"an array of {array.dtype} cannot travel; use numbers or booleans.")
    buffers.append(array.tobytes())
    shape = None if isinstance(x, np.generic) else list(array.shape)
    return {"array": [array.dtype.str, shape, len(buffers) - 1]}


def _pack_bytes(x, again, buffers):
    buffers.append(bytes(x))
    return {"bytes": len(buffers) - 1}


WRITERS = (  # first match wins: numpy's float64 is a float, bool is an int
    ((np.ndarray, np.generic), _pack_array),
    ((bool, type(None)), lambda x, again, buffers: x),
    (int, lambda x, again, buffers: int(x)),
    (float, _pack_float),
    (str, lambda x, again, buffers: str(x)),
    (complex, lambda x, again, buffers: {"complex": [again(x.real), again(x.imag)]}),
    ((bytes, bytearray), _pack_bytes),
    (list, lambda x, again, buffers: [again(v) for v in x]),
    (tuple, lambda x, again, buffers: {"tuple": [again(v) for v in x]}),
    (dict, lambda x, again, buffers: {"dict": [[again(k), again(v)] for k, v in x.items()]}),
    (set, lambda x, again, buffers: {"set": [again(v) for v in sorted(x, key=repr)]}),
    (np.dtype, lambda x, again, buffers: {"dtype": x.newbyteorder("<").str}),
)


def noun(name):
    """The dataclass of that row."""
    module, _, attribute = NOUNS[name].partition(":")
    return getattr(importlib.import_module(f"aisys_lab.{module}"), attribute)


# reading

def unpack(body, buffers, callback=None):
    """The value again; ``callback(number)`` makes the stand-in of a callable."""
    try:
        return _unpack(body, buffers, callback)
    except ProtocolError:
        raise
    except Exception as error:  # a hostile body may fail anywhere; it must not pass for a value
        raise ProtocolError(f"not a value of the wire ({type(error).__name__}).") from None


def _unpack(body, buffers, callback):
    if not isinstance(body, dict | list):
        return body

    def again(value):
        return _unpack(value, buffers, callback)

    if isinstance(body, list):
        return [again(value) for value in body]
    if len(body) != 1:
        raise ProtocolError("a tagged value has one tag.")
    (tag, content), = body.items()
    if tag == "callback" and callback is not None:
        return callback(whole(content))
    if tag not in READERS:
        raise ProtocolError(f"unknown tag {tag[:20]!r}.")
    return READERS[tag](content, again, buffers)


def whole(value, most=1 << 31):
    """``value`` if it is a whole number from 0 to ``most``."""
    if type(value) is not int or not 0 <= value <= most:
        raise ProtocolError("a length, size or number is out of range.")
    return value


def _read_array(content, again, buffers):
    name, shape, number = content
    if name not in DTYPES:
        raise ProtocolError("an array of a dtype that does not travel.")
    sizes = [whole(n) for n in shape or ()]
    dtype, data = np.dtype(name), buffers[whole(number)]
    if math.prod(sizes) * dtype.itemsize != len(data):
        raise ProtocolError("an array whose bytes do not fit its shape.")
    array = np.frombuffer(bytearray(data), dtype).reshape(sizes)
    return array[()] if shape is None else array


def _read_noun(content, again, buffers):
    name, values = content
    kind = noun(name)
    return kind(**dict(zip((f.name for f in fields(kind)), map(again, values), strict=True)))


def _read_graph(content, again, buffers):
    from aisys_lab.ir import parse
    text, constants = content
    return parse(text, again(constants))


def _read_dtype(content, again, buffers):
    if content not in DTYPES:
        raise ProtocolError("a dtype that does not travel.")
    return np.dtype(content)


READERS = {
    "float": lambda c, again, buffers: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[c],
    "complex": lambda c, again, buffers: complex(*map(again, c)),
    "bytes": lambda c, again, buffers: bytes(buffers[whole(c)]),
    "tuple": lambda c, again, buffers: tuple(map(again, c)),
    "dict": lambda c, again, buffers: {again(k): again(v) for k, v in c},
    "set": lambda c, again, buffers: set(map(again, c)),
    "dtype": _read_dtype, "array": _read_array, "noun": _read_noun, "graph": _read_graph,
}


# frames

def write_frame(stream, kind, value, callbacks=None):
    """One message ``[kind, value]`` on a binary stream."""
    body, buffers = pack(value, callbacks)
    try:
        header = json.dumps([kind, body, [len(b) for b in buffers]], allow_nan=False).encode()
    except ValueError as error:  # a whole number of more digits than Python prints
        raise ProtocolError(f"the value cannot travel: {error}.") from None
    if len(header) > HEADER_MOST or sum(map(len, buffers)) > BYTES_MOST:
        raise ProtocolError(f"the value is too big to travel; arrays together may have "
                            f"{BYTES_MOST >> 20} MiB.")
    stream.write(b"".join([struct.pack(">I", len(header)), header, *buffers]))
    stream.flush()


def read_frame(stream, callback=None):
    """``(kind, value)`` of the next message."""
    (length,) = struct.unpack(">I", _exactly(stream, 4))
    if length > HEADER_MOST:
        raise ProtocolError("a frame with too long a header.")
    kind, body, sizes = _header(_exactly(stream, length))
    if sum(whole(n) for n in sizes) > BYTES_MOST:
        raise ProtocolError("a frame with too many bytes.")
    buffers = [_exactly(stream, n) for n in sizes]
    return kind, unpack(body, buffers, callback)


def _header(data):
    try:
        kind, body, sizes = json.loads(data, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, TypeError, RecursionError):
        raise ProtocolError("a frame whose header is not strict JSON.") from None
    if type(kind) is not str or type(sizes) is not list:
        raise ProtocolError("a frame whose header is not [kind, body, sizes].")
    return kind, body, sizes


def _refuse(name):
    raise ValueError(name)


def _once(pairs):
    if len(pairs) != len(dict(pairs)):
        raise ValueError("a key twice")
    return dict(pairs)


def _exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise Closed("the other side stopped in the middle of a message.")
    return data


def travel(value, callback=None):
    """``value`` as it comes out at the other end; callables become ``callback(callable)``."""
    callbacks = []
    body, buffers = pack(value, callbacks if callback else None)
    return unpack(body, buffers, callback and (lambda number: callback(callbacks[number])))
