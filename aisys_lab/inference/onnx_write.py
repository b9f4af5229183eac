"""From our graph to an ONNX file: one row an op in EXPORT, then one message."""

from pathlib import Path

import numpy as np

from aisys_lab.compiler import inline
from aisys_lab.core import LabError, write_atomic
from aisys_lab.inference.onnx_export import EXPORT, find_relus
from aisys_lab.inference.onnx_schema import CODES, IR_VERSION, OPSET, SCHEMA
from aisys_lab.inference.onnx_values import attribute, tensor, value_info
from aisys_lab.inference.wire import encode
from aisys_lab.ir import Spec
from aisys_lab.models import freeze


def save_onnx(model, path):
    """Writes a model or graph as ONNX (opset 18) and returns the path.

    A model is saved with an open batch axis N and its parameters as named initializers.
    """
    data = encode(SCHEMA, "Model", to_onnx(freeze(model)))
    if len(data) >= 2**31:
        raise LabError(f"{path}: {len(data)} bytes; an ONNX file without external data ends at "
                       f"2 GiB.")
    try:
        return write_atomic(Path(path), data)
    except OSError as error:
        raise LabError(f"cannot write {path}: {error.strerror}; choose a file in a folder of "
                       f"yours.") from None


def to_onnx(graph):
    """The ModelProto of a graph, as a dict."""
    writer = Writer(inline(graph))
    writer.write()
    values = {"node": writer.nodes, "name": graph.name, "initializer": writer.tensors,
              "input": [value_info(name, graph.specs[name]) for name in graph.inputs],
              "output": [value_info(name, graph.specs[name]) for name in graph.outputs]}
    return {"ir_version": IR_VERSION, "producer_name": "aisys_lab", "graph": values,
            "opset_import": [{"domain": "", "version": OPSET}]}


class Writer:
    """Collects ONNX nodes and tensors while the rows of EXPORT walk a graph."""

    def __init__(self, graph):
        self.graph, self.specs = graph, dict(graph.specs)
        self.nodes, self.tensors = [], []

    def write(self):
        """Constants, then every node; what only a Relu would have read is not written."""
        relus, users = find_relus(self.graph), self.graph.users()
        self.tensors = [tensor(name, array) for name, array in self.graph.constants.items()]
        for node in self.graph.nodes:
            out = node.outs[0]
            readers = {user.outs[0] for user in users[out]}
            if readers and readers <= relus.keys() and node.op == "le" \
                    and out not in self.graph.outputs:
                continue
            if out in relus:
                self.emit(*relus[out])
            elif node.op not in EXPORT:
                raise LabError(f"{out} = {node.op}(…) has no ONNX form; there is one for: "
                               f"{', '.join(EXPORT)}.")
            else:
                EXPORT[node.op](self, out, *node.inputs, **node.attrs)
        self._drop_unread()

    def _drop_unread(self):
        read = set(self.graph.outputs).union(*(node["input"] for node in self.nodes))
        self.tensors = [t for t in self.tensors if t["name"] in read]

    def emit(self, op, inputs, out, **attributes):
        """One NodeProto; returns its output name."""
        self.nodes.append({"op_type": op, "input": list(inputs), "output": [out], "name": out,
                           "attribute": [attribute(*pair) for pair in attributes.items()]})
        return out

    def fresh(self, stem, spec):
        """A new name; its spec is remembered."""
        k = next(k for k in range(len(self.specs) + 1) if f"{stem}.{k}" not in self.specs)
        self.specs[f"{stem}.{k}"] = spec
        return f"{stem}.{k}"

    def constant(self, stem, array):
        """A new initializer."""
        name = self.fresh(stem, Spec(array.shape, array.dtype))
        self.tensors.append(tensor(name, array))
        return name

    def ints(self, stem, values):
        return self.constant(stem, np.array(values, np.int64))

    def cast(self, name, dtype):
        """The name itself if it has that dtype, else that of a Cast (ONNX never casts alone)."""
        spec = self.specs[name]
        if spec.dtype == dtype:
            return name
        out = self.fresh(name, Spec(spec.shape, dtype))
        return self.emit("Cast", [name], out, to=CODES[np.dtype(dtype)])
