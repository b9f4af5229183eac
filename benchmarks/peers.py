"""Peers that want some words before they run."""

import numpy as np


def one_node(op, inputs, constants, opset=17, **attributes):
    """A call of ONNX Runtime on one thread: a graph of one node, whose constants are known
    beforehand; an array of the same name and shape feeds each input."""
    return graph([(op, [*inputs, *constants], attributes)], inputs, constants, opset)


def graph(nodes, inputs, constants, opset=17):
    """The same of several nodes ``(op, names of its arguments, attributes)``; what the i-th one
    makes is called ``out{i}``, and the last one makes the result."""
    import onnx

    make = onnx.helper
    made = [make.make_node(op, names, [f"out{i}"], **attributes)
            for i, (op, names, attributes) in enumerate(nodes)]
    whole = make.make_graph(
        made, "graph", [_value(name, x) for name, x in inputs.items()],
        [make.make_empty_tensor_value_info(f"out{len(made) - 1}")],
        [onnx.numpy_helper.from_array(np.asarray(x), name) for name, x in constants.items()])
    model = make.make_model(whole, opset_imports=[make.make_opsetid("", opset)], ir_version=9)
    return session(model.SerializeToString(), inputs)


def _value(name, x):
    import onnx

    return onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)


def session(model, inputs):
    """A call of ONNX Runtime on one thread, for a model as bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: run.run(None, inputs)[0]
