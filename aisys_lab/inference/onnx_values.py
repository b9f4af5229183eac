"""Arrays, specs and attributes as ONNX messages, both ways."""

import math
import re

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.inference.onnx_schema import CODES, ELEMENTS, HOLDS
from aisys_lab.ir import Spec, short

AXES = 32  # more axes than that are no tensor of a network


# ---- writing

def value_info(name, spec):
    dims = [{"dim_param" if isinstance(n, str) else "dim_value": n} for n in spec.shape]
    return {"name": name, "type": {"tensor_type": {"elem_type": CODES[spec.dtype],
                                                   "shape": {"dim": dims}}}}


def tensor(name, array):
    """A TensorProto: raw bytes, little-endian, row by row."""
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return {"name": name, "dims": list(array.shape), "data_type": CODES[array.dtype],
            "raw_data": raw}


def attribute(name, value):
    """An AttributeProto; its type says which of its fields holds the value."""
    code = {float: 1, int: 2, str: 3, tuple: 7}[type(value)]
    return {"name": name, HOLDS[code]: value.encode() if code == 3 else value, "type": code}


# ---- reading

def array_of(message):
    """The array of a TensorProto; the size is checked against the data before any is made."""
    label = f"tensor {message['name'] or 'of an attribute'}"
    if message["data_location"]:
        raise LabError(f"{label} lies in another file; save the model with its data inside.")
    kind, field = ELEMENTS.get(message["data_type"], (None, None))
    if kind is None:
        raise LabError(f"{label} has element type {message['data_type']}; we read "
                       f"{', '.join(short(dtype) for dtype, _ in ELEMENTS.values())}.")
    raw = message["raw_data"]
    flat = _typed(message[field], np.dtype(kind), label) if raw is None else _raw(raw, kind, label)
    shape = message["dims"]
    if min(shape, default=0) < 0 or len(shape) > AXES or math.prod(shape) != len(flat) \
            or max(shape, default=0) >= 2**31:
        raise LabError(f"{label} of shape {shape} holds {len(flat)} numbers.")
    return flat.reshape(shape)


def _raw(raw, kind, label):
    """A copy of little-endian bytes, aligned and in the order of this machine."""
    dtype = np.dtype(kind).newbyteorder("<")
    if len(raw) % dtype.itemsize:
        raise LabError(f"{label}: {len(raw)} bytes are no whole number of {short(kind)}.")
    return np.frombuffer(raw, dtype).astype(kind)


def _typed(values, dtype, label):
    """Numbers from a typed field; float16 comes as its bits."""
    try:
        if dtype == np.float16:
            return np.array(values, np.uint16).view(dtype)
        return np.array(values, dtype)
    except OverflowError:
        raise LabError(f"{label} holds a number that does not fit {short(dtype)}.") from None


def spec_from(value):
    """The spec of a ValueInfoProto; an axis without a size keeps a name, or gets one."""
    kind = value["type"] and value["type"]["tensor_type"]
    if not kind or kind["shape"] is None:
        raise LabError(f"{value['name']} has no shape in the file; run ONNX's shape inference.")
    if kind["elem_type"] not in ELEMENTS:
        raise LabError(f"{value['name']} has element type {kind['elem_type']}, which we do not "
                       f"read.")
    dims = kind["shape"]["dim"]
    if len(dims) > AXES or any((d["dim_value"] or 0) < 0 for d in dims):
        raise LabError(f"{value['name']} has a shape of {len(dims)} axes or a negative size.")
    axes = [d["dim_value"] if d["dim_value"] is not None else
            _axis(d["dim_param"] or f"{value['name']}_{k}") for k, d in enumerate(dims)]
    return Spec(tuple(axes), ELEMENTS[kind["elem_type"]][0])


def _axis(text):
    """An axis name that our text form can hold."""
    word = re.sub(r"\W", "_", text)
    return f"_{word}" if word[:1].isdigit() else word


def attributes_of(message):
    """Attributes as plain values: numbers, text, tuples, arrays."""
    found = {}
    for attribute in message["attribute"]:
        name, code = attribute["name"], attribute["type"]
        if code not in HOLDS or not name:
            raise LabError(f"attribute {name} has type {code}; bodies, types and sparse tensors "
                           f"are not read.")
        value = attribute[HOLDS[code]]
        if value is None:
            raise LabError(f"attribute {name} has no value.")
        found[name] = _plain(value)
    return found


def _plain(value):
    if isinstance(value, dict):
        return array_of(value)
    if isinstance(value, memoryview):
        return str(value, "utf-8", "replace")
    return tuple(map(_plain, value)) if isinstance(value, list) else value
