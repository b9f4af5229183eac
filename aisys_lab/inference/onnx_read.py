"""From an ONNX file to our graph: the messages, then one row of IMPORT for each node."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.inference.onnx_import import IMPORT
from aisys_lab.inference.onnx_schema import OPSETS, SCHEMA
from aisys_lab.inference.onnx_values import array_of, attributes_of, spec_from
from aisys_lab.inference.wire import decode
from aisys_lab.ir import Graph, Node, bind, infer, short, spec_of, verify

FOLDED = ("transpose", "reshape", "slice")  # done at once to constants, which they never enlarge


def load_onnx(path) -> Graph:
    """The graph of an ONNX file; a sentence for whatever we cannot read.

    Names stay, but for signs that our text form has no place for; those become ``_``.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise LabError(f"cannot read {path}: {error.strerror}.") from None
    try:
        return from_onnx(decode(SCHEMA, "Model", memoryview(data)))
    except LabError as sentence:
        raise LabError(f"{path} does not load: {sentence}") from None


def from_onnx(model):
    """The graph of a ModelProto, as a dict."""
    if model["graph"] is None:
        raise LabError("it holds no graph; is it an ONNX file?")
    _check_opset(model["opset_import"])
    builder, source = Builder(), model["graph"]
    for message in source["initializer"]:
        builder.add_constant(message["name"], array_of(message))
    inputs = [builder.add_input(value["name"], spec_from(value)) for value in source["input"]
              if value["name"] not in builder.names]
    for message in source["node"]:
        builder.add_node(message)
    outputs = [_output(builder, value) for value in source["output"]]
    if not outputs:
        raise LabError("its graph has no outputs.")
    name = re.sub(r"\W+", "_", source["name"] or "") or "graph"
    return verify(Graph(name, tuple(inputs), tuple(outputs), tuple(builder.nodes),
                        builder.specs, builder.constants)).but()


def _check_opset(imports):
    version = max((o["version"] or 0 for o in imports if o["domain"] in (None, "", "ai.onnx")),
                  default=None)
    if version not in OPSETS:
        raise LabError(f"it uses opset {version}, we read {OPSETS[0]} to {OPSETS[-1]}; export "
                       f"it again, or convert it with onnx.version_converter.")


def _output(builder, value):
    """The name of an output, after a look at the shape that the file claims for it."""
    name = builder.named(value["name"])
    made, said = builder.specs[name], value["type"] and spec_from(value)
    pairs = zip(said.shape, made.shape, strict=False) if said else ()
    if said and (said.dtype != made.dtype or said.ndim != made.ndim or any(
            isinstance(n, int) and isinstance(m, int) and n != m for n, m in pairs)):
        raise LabError(f"it says that output {name} is {said}, but its nodes make {made}.")
    return name


# ---- the graph under construction

class Builder:
    """Collects our nodes while rows of IMPORT translate ONNX's; ``b(op, x, y)`` adds a node."""

    def __init__(self):
        self.specs, self.constants, self.nodes = {}, {}, []
        self.names, self.taken = {}, set()  # ONNX name -> ours; ours, as identifiers
        self.stem, self.scalars = "", {}

    def declare(self, name):
        """Our name for an ONNX name, seen first here."""
        if not name:
            raise LabError("a value has no name.")
        if name in self.names:
            raise LabError(f"{name} is made twice.")
        self.names[name] = ours = self._unique(_word(name))
        return ours

    def _unique(self, word):
        """``word``, with a number if it is taken; ``a.b`` and ``a_b`` count as one."""
        name, k = word, 0
        while name.replace(".", "_") in self.taken:
            name, k = f"{word}.{k}", k + 1
        self.taken.add(name.replace(".", "_"))
        return name

    def named(self, name):
        """Our name for an ONNX name that must be known by now; None for a left-out input."""
        if name not in self.names:
            raise LabError(f"{name} is used before it is made.")
        return self.names[name]

    def add_input(self, name, spec):
        ours = self.declare(name)
        self.specs[ours] = spec
        return ours

    def add_constant(self, name, array):
        ours = self.declare(name)
        self.specs[ours], self.constants[ours] = spec_of(array), array
        return ours

    def add_node(self, message):
        """Runs the row of one node and gives its result the ONNX name."""
        op, outs = message["op_type"], [name for name in message["output"] if name]
        label = f"{', '.join(outs)} = {op}"
        if message["domain"] not in (None, "", "ai.onnx") or op not in IMPORT:
            domain = f" of {message['domain']}" if message["domain"] else ""
            raise LabError(f"{label}{domain}: we do not know this op; we know: "
                           f"{', '.join(IMPORT)}.")
        if len(outs) != 1:
            raise LabError(f"{label}: we read nodes with one output.")
        inputs = [self.named(name) if name else None for name in message["input"]]
        self.stem = _word(outs[0])
        try:
            self._finish(outs[0], _call(IMPORT[op], self, inputs, attributes_of(message)))
        except LabError as sentence:
            raise LabError(f"{label}: {sentence}") from None
        except (TypeError, ValueError, IndexError, OverflowError, KeyError, AttributeError,
                ZeroDivisionError) as error:
            raise LabError(f"{label}: its inputs or attributes do not fit: {error}.") from None

    def _finish(self, name, result):
        """The last node (or constant) made for an op bears the op's ONNX name."""
        if self.nodes and self.nodes[-1].outs == (result,):
            self.nodes[-1] = replace(self.nodes[-1], outs=(self.declare(name),))
            self.specs[self.names[name]] = self.specs.pop(result)
        elif result in self.constants and result not in self.names.values():
            self.add_constant(name, self.constants.pop(result))
        else:
            self._finish(name, self("reshape", result, shape=self.spec(result).shape))

    def __call__(self, op, *inputs, **attrs):
        """Adds a node, or folds one that only moves a constant; returns the name of its result."""
        if op in FOLDED and inputs[0] in self.constants:
            return self.constant(np.array(bind(op, self.constants[inputs[0]], **attrs), order="C"))
        node = Node((self._unique(f"{self.stem}.0"),), op, inputs, attrs)
        (self.specs[node.outs[0]],) = infer(node, self.specs)
        self.nodes.append(node)
        return node.outs[0]

    def constant(self, array):
        """A constant that the file does not name."""
        name = self._unique(f"{self.stem}.c")
        self.specs[name], self.constants[name] = spec_of(array), array
        return name

    def scalar(self, value, like):
        """A number as a constant of another value's dtype."""
        array = np.array(value, self.specs[like].dtype)
        key = (array.dtype, array.tobytes())
        if key not in self.scalars:
            self.scalars[key] = self.constant(array)
        return self.scalars[key]

    def spec(self, name):
        return self.specs[name]

    def cast(self, name, dtype):
        same = self.specs[name].dtype == dtype
        return name if same else self("cast", name, dtype=short(dtype))

    def value(self, name, what):
        """The array behind a name that steers an op: it has to be in the file."""
        if name not in self.constants:
            raise LabError(f"{what} is computed by the graph; we read it where it is a constant.")
        return self.constants[name]

    def ints(self, name, what):
        """A constant list of whole numbers as a tuple."""
        array = self.value(name, what)
        if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
            raise LabError(f"{what} should be a short list of whole numbers, is "
                           f"{spec_of(array)}.")
        return tuple(array.reshape(-1).tolist())


def _word(name):
    word = re.sub(r"[^\w.]", "_", name)
    return f"_{word}" if word[:1].isdigit() else word


def _call(row, builder, inputs, attributes):
    try:
        bound = inspect.signature(row).bind(builder, *inputs, **attributes)
    except TypeError as error:
        parameters = inspect.signature(row).parameters.values()
        known = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
        raise LabError(f"{error}; of attributes we read: {', '.join(known) or 'none'}.") from None
    return row(*bound.args, **bound.kwargs)
