"""The safetensors format: where each array lies, as JSON; then the bytes, with no gap.

Format: https://huggingface.co/docs/safetensors (8 bytes little-endian length of the header, the
header, the data). Nothing in a file can run, and nothing larger than the file is allocated.
"""

import json
from math import prod

import numpy as np

from aisys_lab.core.errors import LabError

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
          "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
          "BOOL": "|b1"}
WRITTEN = {np.dtype(text): name for name, text in DTYPES.items() if name != "BF16"}
HEADER_MOST = 100_000_000  # bytes, as the format says


def write_safetensors(file, arrays, notes):
    """Writes ``{name: array}`` and notes, text by name; wide dtypes first, so that all align."""
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    header, end = ({"__metadata__": notes} if notes else {}), 0
    for name in order:
        begin, end = end, end + arrays[name].nbytes
        header[name] = {"dtype": WRITTEN[arrays[name].dtype], "shape": list(arrays[name].shape),
                        "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        file.write(arrays[name].tobytes())


def read_safetensors(file, size):
    """``(specs, notes, read)`` of an open file of ``size`` bytes: dtype and shape by name, text by
    name, and the function from a name to its array. Raises ValueError where a file is unsound."""
    header, start = _header(file, size)
    notes = header.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(v, str) for v in notes.values()):
        raise ValueError("its notes are not text by name")
    places = {name: _place(name, entry) for name, entry in header.items()}
    _need_no_gap(places, size - start)

    def read(name):
        kind, shape, begin, end = places[name]
        file.seek(start + begin)
        flat = np.frombuffer(bytearray(file.read(end - begin)), DTYPES[kind])
        if kind == "BF16":  # the upper half of a float32
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.reshape(shape)

    return {name: (np.dtype("<f4" if kind == "BF16" else DTYPES[kind]), shape)
            for name, (kind, shape, *_) in places.items()}, notes, read


def _header(file, size):
    """The JSON header, and where the data begins."""
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or length > size - 8 or length > HEADER_MOST:
        raise ValueError(f"its header of {length} bytes does not fit its {size} bytes")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is not JSON ({str(error)[:80]})") from None
    if not isinstance(header, dict):
        raise ValueError("its header names no arrays")
    return header, 8 + length


def _once(pairs):
    """A dict; a key that stands twice is an error."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _place(name, entry):
    """``(dtype, shape, begin, end)`` of one entry of the header."""
    try:
        kind, shape, (begin, end) = (entry[key] for key in ("dtype", "shape", "data_offsets"))
        sound = all(type(n) is int and 0 <= n < 2**63 for n in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        sound = False
    if not sound or not isinstance(kind, str):
        raise ValueError(f"its entry for {name!r} has no dtype, shape and data_offsets")
    if kind not in DTYPES:
        raise ValueError(f"{name!r} holds {kind} numbers; the dtypes read are: "
                         f"{', '.join(DTYPES)}")
    if end - begin != prod(shape) * np.dtype(DTYPES[kind]).itemsize:
        raise ValueError(f"{name!r} is {kind}{list(shape)}, but has {end - begin} bytes")
    return kind, tuple(shape), begin, end


def _need_no_gap(places, size):
    """All bytes belong to one array each."""
    reached = 0
    for name, (_, _, begin, end) in sorted(places.items(), key=lambda item: item[1][2:]):
        if begin != reached:
            raise ValueError(f"{name!r} begins at byte {begin} of the data, where "
                             f"{reached} is next: the arrays overlap or leave a gap")
        reached = end
    if reached != size:
        raise ValueError(f"its arrays take {reached} bytes of data, the file has {size}")


def check_written(name, array):
    """``array`` as the format can hold it; a sentence if it cannot."""
    array = np.asarray(array)
    if array.dtype.newbyteorder("<") not in WRITTEN:
        raise LabError(f"{name} is {array.dtype}, which a file of arrays does not hold; the dtypes "
                       f"are: {', '.join(sorted(dtype.name for dtype in WRITTEN))}.")
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")
