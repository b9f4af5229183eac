"""ONNX files against the onnx package (checker, reference, helper) and ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.inference import EXPORT, IMPORT
from aisys_lab.inference.onnx_schema import CODES, OPSET, SCHEMA
from aisys_lab.inference.onnx_write import to_onnx
from aisys_lab.ir import OPS

RNG = np.random.default_rng(0)


def runtime(path, **inputs):
    return onnxruntime.InferenceSession(str(path)).run(None, inputs)


# ---- the trained model, out and in

@pytest.fixture(scope="module")
def path(mlp, tmp_path_factory):
    return lab.save_onnx(mlp, tmp_path_factory.mktemp("onnx") / "digits.onnx")


def test_the_checker_passes(path):
    onnx.checker.check_model(str(path), full_check=True)


def test_runtime_agrees(path, mlp, digits):
    x = digits[1].x
    np.testing.assert_allclose(runtime(path, x=x)[0], mlp(x), rtol=1e-5, atol=1e-5)


def test_our_own_load_is_equal(path, mlp, digits):
    net = lab.load_onnx(path)
    came, = lab.interpret(net, digits[1].x)
    np.testing.assert_array_equal(came, lab.interpret(lab.freeze(mlp), digits[1].x)[0])
    np.testing.assert_allclose(came, mlp(digits[1].x), rtol=1e-5, atol=1e-5)  # by kernels
    assert lab.parse(str(net), net.constants) == net
    assert [str(net.specs[n]) for n in net.inputs + net.outputs] == ["f32[N,64]", "f32[N,10]"]


def test_names_are_kept(path, mlp):
    graph = onnx.load(path).graph
    assert [i.name for i in graph.input] == ["x"]
    assert [i.name for i in graph.initializer] == ["layer1.w", "layer1.b", "layer2.w", "layer2.b"]
    net = lab.load_onnx(path)
    assert net.outputs == lab.freeze(mlp).outputs
    np.testing.assert_array_equal(net.constants["layer1.w"], mlp.params["layer1"]["w"])


def test_relu_is_recognised(path):
    ops = [node.op_type for node in onnx.load(path).graph.node]
    assert ops == ["MatMul", "Add", "Relu", "MatMul", "Add"]


def test_an_optimised_graph_is_saved_too(mlp, digits, tmp_path):
    small = lab.optimize(lab.freeze(mlp))
    assert any(node.op == "fused" for node in small.nodes)
    got = runtime(lab.save_onnx(small, tmp_path / "small.onnx"), x=digits[1].x)[0]
    np.testing.assert_allclose(got, mlp(digits[1].x), rtol=1e-5, atol=1e-5)


def test_parameters_may_stay_inputs(mlp, digits, tmp_path):
    graph = lab.trace(mlp.apply, mlp.params, digits[1].x[:4])
    loaded = lab.load_onnx(lab.save_onnx(graph, tmp_path / "open.onnx"))
    assert loaded.inputs == graph.inputs
    np.testing.assert_array_equal(lab.interpret(loaded, mlp.params, digits[1].x[:4])[0],
                                  mlp(digits[1].x[:4]))


def test_the_joint_graph_of_a_training_step_is_saved(mlp, digits, tmp_path):
    """Forward and backward together: 40 nodes of all kinds."""
    batch = digits[0][:8]
    graph = lab.trace(lab.value_and_grad(mlp.loss), mlp.params, *batch)
    path = lab.save_onnx(graph, tmp_path / "step.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    leaves = dict(zip(graph.inputs, [a for layer in mlp.params.values() for a in layer.values()]
                      + list(batch), strict=True))
    want = lab.interpret(graph, mlp.params, *batch)
    for got in (runtime(path, **leaves), lab.interpret(lab.load_onnx(path), mlp.params, *batch)):
        for g, w in zip(got, want, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-6)


def test_the_same_graph_gives_the_same_bytes(mlp, tmp_path):
    first, second = (lab.save_onnx(mlp, tmp_path / name).read_bytes() for name in "ab")
    assert first == second


def test_the_opset_is_stated(path):
    assert [(o.domain, o.version) for o in onnx.load(path).opset_import] == [("", OPSET)]


# ---- every exported op, one case a row

F = RNG.uniform(0.5, 2, (3, 4)).astype(np.float32)
G = RNG.uniform(-2, 2, (3, 4)).astype(np.float32)
B = F > 1
UNARY = {"neg", "exp", "log", "sqrt", "tanh", "sin", "cos", "abs", "sign", "floor", "rint", "ceil",
         "tan", "arctan", "sinh", "cosh", "arcsinh", "erf", "sigmoid",
         "stop_gradient"}
LOGIC = {"logical_and": (B, ~B[:1]), "logical_or": (B, ~B[:1]), "logical_not": (B,)}
I8, U8 = RNG.integers(-9, 9, (4, 2)).astype(np.int8), RNG.integers(0, 99, (3, 4)).astype(np.uint8)
STEP, ZERO = np.float32(0.25), np.uint8(7)
CASES = {
    "where": ((B, F, G), {}), "cast": ((G,), {"dtype": "i32"}), "matmul": ((F, G.T.copy()), {}),
    "sum": ((G,), {"axis": (0,)}), "max": ((G,), {"axis": (0, 1), "keepdims": True}),
    "min": ((G,), {"axis": (1,)}), "argmax": ((G,), {"axis": 1}), "argmin": ((G,), {"axis": 0}),
    "prod": ((G,), {"axis": (1,)}), "arcsin": ((G / 3,), {}), "arccos": ((G / 3,), {}),
    "arctanh": ((G / 3,), {}), "arccosh": ((1 + F,), {}),
    "reshape": ((G,), {"shape": (2, 6)}), "transpose": ((G,), {"axes": (1, 0)}),
    "broadcast_to": ((G,), {"shape": (2, 3, 4)}), "concatenate": ((F, G), {"axis": 1}),
    "slice": ((G,), {"start": (0, 1), "stop": (3, 4), "step": (2, 1)}),
    "quantize_linear": ((G, STEP, ZERO), {"bits": 4}),
    "dequantize_linear": ((U8, STEP, ZERO), {}), "matmul_int": ((U8, I8, ZERO), {}),
} | {op: ((G if op in ("neg", "abs", "sign", "floor", "rint", "tanh") else F,), {})
     for op in UNARY} | {op: (inputs, {}) for op, inputs in LOGIC.items()}


def case(op):
    return CASES.get(op, ((F, G[:1]), {}))


def one_node(op, inputs, attrs):
    """A graph of one node, its first axis open where the op can be open."""
    from aisys_lab.ir import Graph, Node, infer, spec_of
    names = tuple(f"x{k}" for k in range(len(inputs)))
    specs = {name: spec_of(x) for name, x in zip(names, inputs, strict=True)}
    node = Node(("y",), op, names, attrs)
    return Graph(op, names, ("y",), (node,), specs | {"y": infer(node, specs)[0]})


@pytest.mark.parametrize("op", sorted(EXPORT))
def test_every_row_out_and_in(op, tmp_path):
    """Our result is the reference's and the runtime's, and the loaded graph's."""
    inputs, attrs = case(op)
    graph = one_node(op, inputs, attrs)
    path = lab.save_onnx(graph, tmp_path / "op.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    (want,) = lab.interpret(graph, *inputs)
    named = {name: np.asarray(x) for name, x in zip(graph.inputs, inputs, strict=True)}
    model = onnx.load(path)
    model.opset_import[0].version = 19  # the reference knows QuantizeLinear from 19 on only
    (reference,) = ReferenceEvaluator(model).run(None, named)
    for got in (reference, runtime(path, **named)[0]):
        assert np.asarray(got).dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)
    np.testing.assert_array_equal(lab.interpret(lab.load_onnx(path), *inputs)[0], want)


def test_the_first_ops_all_have_a_form():
    first = {op for op, row in OPS.items() if row.infer.__module__ in (
        "aisys_lab.ir.ops", "aisys_lab.ir.integer", "aisys_lab.ir.special")}
    formless = {"unslice", "expm1", "log1p", "exp2", "log2", "log10", "cbrt", "arctan2", "trunc",
                "mod", "floor_div", "hypot", "logaddexp"}  # ONNX has none of these as one node
    assert first - set(EXPORT) <= formless | set(OPS.mine())


def test_dtypes_that_numpy_promotes_are_cast(tmp_path):
    graph = one_node("add", (G, F.astype(np.float64)), {})
    path = lab.save_onnx(graph, tmp_path / "cast.onnx")
    (got,) = runtime(path, x0=G, x1=F.astype(np.float64))
    np.testing.assert_array_equal(got, G + F.astype(np.float64))


def test_an_op_without_a_form_is_a_sentence(tmp_path):
    graph = one_node("unslice", (G,), {"shape": (9, 4), "start": (0, 0), "stop": (3, 4),
                                       "step": (1, 1)})
    with pytest.raises(LabError, match="unslice.* has no ONNX form; there is one for: .*add"):
        lab.save_onnx(graph, tmp_path / "no.onnx")


def test_reshape_keeps_an_open_axis(tmp_path):
    graph = lab.trace(lambda x: anp.reshape(x, ("N", 12)), lab.Spec(("N", 3, 4), np.float32))
    loaded = lab.load_onnx(lab.save_onnx(graph, tmp_path / "open.onnx"))
    assert str(loaded.specs[loaded.outputs[0]]) == "f32[N,12]"


# ---- files that others made

def made(nodes, inputs, outputs, constants=(), opset=18, **more):
    """A model of the onnx package's own helper, as bytes."""
    info = [[helper.make_tensor_value_info(*v) for v in values] for values in (inputs, outputs)]
    graph = helper.make_graph(nodes, "theirs", *info, [
        numpy_helper.from_array(array, name) for name, array in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                             ir_version=8, **more).SerializeToString()


def load(data, tmp_path):
    path = tmp_path / "theirs.onnx"
    path.write_bytes(data)
    return lab.load_onnx(path)


def node(op, *inputs, out="y", **attributes):
    return helper.make_node(op, inputs, [out], **attributes)


FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
W, C = RNG.standard_normal((5, 4)).astype(np.float32), RNG.standard_normal(5).astype(np.float32)


def i64(*values):
    return np.array(values, np.int64)


X = RNG.standard_normal((3, 4)).astype(np.float32)
THEIRS = {  # name: nodes, constants, opset
    "gemm": ([node("Gemm", "x", "w", "c", alpha=0.5, beta=2.0, transB=1)], {"w": W, "c": C}, 18),
    "gemm without bias": ([node("Gemm", "x", "w", transB=1)], {"w": W}, 13),
    "softmax": ([node("Softmax", "x", axis=0)], {}, 13),
    "sigmoid": ([node("Sigmoid", "x")], {}, 13),
    "mean, axes as attribute": ([node("ReduceMean", "x", axes=[-1])], {}, 17),
    "mean, axes as input": ([node("ReduceMean", "x", "a", keepdims=0)], {"a": i64(1)}, 18),
    "max of all": ([node("ReduceMax", "x", keepdims=0)], {}, 18),
    "clip": ([node("Clip", "x", "lo", "hi")], {"lo": np.float32(-.5), "hi": np.float32(.5)}, 13),
    "clip below": ([node("Clip", "x", "", "hi")], {"hi": np.float32(0.5)}, 13),
    "flatten": ([node("Flatten", "x", axis=0)], {}, 13),
    "reshape, -1": ([node("Reshape", "x", "s")], {"s": i64(-1, 2)}, 14),
    "reshape, 0 copies": ([node("Reshape", "x", "s")], {"s": i64(0, 2, 2)}, 14),
    "unsqueeze": ([node("Unsqueeze", "x", "a")], {"a": i64(0, -1)}, 13),
    "squeeze": ([node("Unsqueeze", "x", "a", out="u"), node("Squeeze", "u", "a")],
                {"a": i64(0)}, 13),
    "transpose": ([node("Transpose", "x")], {}, 13),
    "expand": ([node("Expand", "x", "s")], {"s": i64(2, 1, 4)}, 13),
    "slice": ([node("Slice", "x", "a", "b", "k")], {"a": i64(-3), "b": i64(99), "k": i64(1)}, 13),
    "argmax": ([node("ArgMax", "x", axis=-1, keepdims=1)], {}, 13),
    "identity": ([node("Identity", "x")], {}, 13),
    "three maxima": ([node("Max", "x", "v", "v")], {"v": np.float32(0.1)}, 13),
    "power": ([node("Pow", "x", "two")], {"two": i64(2)}, 15),
    "reciprocal": ([node("Reciprocal", "x")], {}, 13),
    "constant": ([node("Constant", out="k", value_floats=[1.0, 2.0, 3.0, 4.0]),
                  node("Add", "x", "k")], {}, 13),
    "quantize by column": ([node("QuantizeLinear", "x", "s", "z", axis=1, out="q"),
                            node("DequantizeLinear", "q", "s", "z", axis=1)],
                           {"s": np.float32([.1, .2, .3, .4]), "z": np.int8([0, 1, 2, 3])}, 19),
    "quantize by row": ([node("QuantizeLinear", "x", "s", axis=0, out="q"),
                         node("DequantizeLinear", "q", "s", axis=0)],
                        {"s": np.float32([.1, .2, .3])}, 19),
}


@pytest.mark.parametrize("name", THEIRS)
def test_their_files_load(name, tmp_path):
    nodes, constants, opset = THEIRS[name]
    code = INT64 if nodes[-1].op_type == "ArgMax" else FLOAT
    data = made(nodes, [("x", FLOAT, [3, 4])], [("y", code, None)], constants.items(), opset)
    want = ReferenceEvaluator(onnx.load_from_string(data)).run(None, {"x": X})[0]
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(data))
    graph = load(model.SerializeToString(), tmp_path)
    got = lab.interpret(graph, X)[0]
    assert (got.shape, got.dtype, graph.outputs) == (want.shape, want.dtype, ("y",))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    assert lab.parse(str(graph), graph.constants) == graph


@pytest.mark.parametrize("dtype", [d for d in CODES if d.kind != "b"], ids=str)
def test_typed_and_raw_tensors(dtype, tmp_path):
    values = np.array([[0, 1], [2, 100]], dtype)
    typed = helper.make_tensor("k", CODES[dtype], [2, 2], values.reshape(-1))
    raw = numpy_helper.from_array(values, "k")
    for message in (typed, raw):
        graph = helper.make_graph([], "g", [], [helper.make_tensor_value_info(
            "k", CODES[dtype], [2, 2])], [message])
        data = helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 18)]).SerializeToString()
        (got,) = lab.interpret(load(data, tmp_path))
        np.testing.assert_array_equal(got, values, strict=True)


def test_names_that_our_text_has_no_place_for(tmp_path):
    data = made([node("Relu", "in put:0", out="/net/Relu_out"),
                 node("Neg", "/net/Relu_out", out="output")],
                [("in put:0", FLOAT, ["batch size", 4])], [("output", FLOAT, None)])
    graph = load(onnx.shape_inference.infer_shapes(
        onnx.load_from_string(data)).SerializeToString(), tmp_path)
    assert (graph.inputs, graph.outputs) == (("in_put_0",), ("output",))
    assert lab.parse(str(graph)) == graph
    np.testing.assert_array_equal(lab.interpret(graph, X)[0], -np.maximum(X, 0))


def test_scikit_style_initializers_among_the_inputs(tmp_path):
    """Older writers list the weights as inputs too."""
    data = made([node("MatMul", "x", "w")], [("x", FLOAT, ["N", 5]), ("w", FLOAT, [5, 4])],
                [("y", FLOAT, ["N", 4])], [("w", W)])
    graph = load(data, tmp_path)
    assert (graph.inputs, list(graph.constants)) == (("x",), ["w"])


FAULTS = {
    "unknown op": ([node("NonMaxSuppression", "x", "x")], {}, "do not know this op; we know: "),
    "other domain": ([node("Gelu", "x", domain="com.microsoft")], {}, "Gelu of com.microsoft"),
    "unknown attribute": ([node("Neg", "x", alpha=2.0)], {}, "unexpected keyword argument"),
    "missing input": ([node("Add", "x", "nobody")], {}, "nobody is used before it is made"),
    "misfit": ([node("MatMul", "x", "w")], {"w": W}, "inner sizes differ, f32\\[3,4\\]"),
    "one input too few": ([node("Gemm", "x")], {}, "missing a required argument"),
    "computed shape": ([node("Shape", "x", out="s"), node("Reshape", "x", "s")], {}, "this op"),
    "axis": ([node("Softmax", "x", axis=7)], {}, "axes \\[7\\] do not fit"),
    "perm": ([node("Transpose", "x", perm=[1, 1])], {}, "does not fit"),
    "twice": ([node("Neg", "x"), node("Exp", "x")], {}, "y is made twice"),
    "backward slice": ([node("Slice", "x", "a", "b", "k", "s")],
                       {"a": i64(3), "b": i64(0), "k": i64(1), "s": i64(-1)}, "forward slices"),
    "a body": ([node("Neg", "x", body=helper.make_graph([], "b", [], []))], {}, "bodies"),
    "integers": ([node("Cast", "x", to=7, out="i"), node("Div", "i", "i")], {},
                 "divides whole numbers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_sentences(name, tmp_path):
    nodes, constants, words = FAULTS[name]
    data = made(nodes, [("x", FLOAT, [3, 4])], [("y", FLOAT, [3, 4])], constants.items())
    with pytest.raises(LabError, match=f"theirs.onnx does not load: .*{words}"):
        load(data, tmp_path)


@pytest.mark.parametrize(("opset", "words"), [(99, "opset 99, we read 13 to 25"), (9, "opset 9")])
def test_other_opsets_are_a_sentence(opset, words, tmp_path):
    data = made([node("Neg", "x")], [("x", FLOAT, [3])], [("y", FLOAT, [3])], opset=opset)
    with pytest.raises(LabError, match=words):
        load(data, tmp_path)


def test_no_opset_no_graph_no_file(tmp_path):
    with pytest.raises(LabError, match="holds no graph"):
        load(b"", tmp_path)
    with pytest.raises(LabError, match="does not load"):
        load(b"PK\x03\x04 not a model", tmp_path)
    with pytest.raises(LabError, match="cannot read .*gone.onnx: No such file"):
        lab.load_onnx(tmp_path / "gone.onnx")


def test_a_false_claim_about_the_output(tmp_path):
    data = made([node("Neg", "x")], [("x", FLOAT, [3])], [("y", FLOAT, [4])])
    with pytest.raises(LabError, match="output y is f32\\[4\\], but its nodes make f32\\[3\\]"):
        load(data, tmp_path)


def test_data_in_another_file(tmp_path):
    message = numpy_helper.from_array(W, "w")
    onnx.external_data_helper.set_external_data(message, "w.bin")
    graph = helper.make_graph([], "g", [], [helper.make_tensor_value_info("w", FLOAT, [5, 4])],
                              [message])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    with pytest.raises(LabError, match="lies in another file"):
        load(model.SerializeToString(), tmp_path)


def test_unwritable_and_wrong_targets(mlp, tmp_path):
    with pytest.raises(LabError, match="cannot write"):
        lab.save_onnx(mlp, tmp_path)
    with pytest.raises(LabError, match="list is no model"):
        lab.save_onnx([1, 2], tmp_path / "x.onnx")


# ---- our tables against theirs

def test_field_numbers_are_theirs():
    """Every row of SCHEMA against the descriptors of the onnx package."""
    theirs = {"Model": onnx.ModelProto, "Opset": onnx.OperatorSetIdProto,
              "Graph": onnx.GraphProto, "Node": onnx.NodeProto, "Attribute": onnx.AttributeProto,
              "Tensor": onnx.TensorProto, "ValueInfo": onnx.ValueInfoProto,
              "Type": onnx.TypeProto, "TensorType": onnx.TypeProto.Tensor,
              "Shape": onnx.TensorShapeProto, "Dimension": onnx.TensorShapeProto.Dimension}
    for message, rows in SCHEMA.items():
        numbers = {f.name: f.number for f in theirs[message].DESCRIPTOR.fields}
        assert {name: number for number, (name, *_) in rows.items()}.items() <= numbers.items()


def test_element_types_are_theirs():
    assert {d: helper.np_dtype_to_tensor_dtype(d) for d in CODES} == CODES


def test_attributes_of_our_rows_are_theirs():
    """A row reads attributes that the op has in some opset."""
    import inspect
    schemas = onnx.defs.get_all_schemas_with_history()
    for op, row in IMPORT.items():
        known = {a for schema in schemas if schema.name == op for a in schema.attributes}
        ours = {n for n, p in inspect.signature(row).parameters.items()
                if p.kind == p.KEYWORD_ONLY}
        assert ours <= known, op


def test_what_is_written_is_all_declared(mlp):
    assert {n["op_type"] for n in to_onnx(lab.freeze(mlp))["graph"]["node"]} <= set(IMPORT)
