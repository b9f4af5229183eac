"""The part of onnx.proto that we read and write, as data.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (Apache-2.0). What is not
listed here (control-flow bodies, sparse tensors, training, metadata) is skipped by the reader.
"""

import numpy as np

IR_VERSION = 8
OPSET = 18  # from 18 on every reduction takes its axes as an input: one rule; runtimes since 2023
OPSETS = range(13, 26)  # what we read: later versions of our rows' ops differ in dtypes only


def _message(text):
    """``"1 dims int*"`` -> ``{1: ("dims", "int", True)}``; the star marks a repeated field."""
    rows = [line.split() for line in text.split(",")]
    return {int(number): (name, kind.rstrip("*"), kind.endswith("*"))
            for number, name, kind in rows}


SCHEMA = {
    "Model": _message("1 ir_version int, 2 producer_name string, 7 graph Graph, "
                      "8 opset_import Opset*"),
    "Opset": _message("1 domain string, 2 version int"),
    "Graph": _message("1 node Node*, 2 name string, 5 initializer Tensor*, "
                      "11 input ValueInfo*, 12 output ValueInfo*"),
    "Node": _message("1 input string*, 2 output string*, 3 name string, 4 op_type string, "
                     "5 attribute Attribute*, 7 domain string"),
    "Attribute": _message("1 name string, 2 f float, 3 i int, 4 s bytes, 5 t Tensor, "
                          "7 floats float*, 8 ints int*, 9 strings bytes*, 20 type int"),
    "Tensor": _message("1 dims int*, 2 data_type int, 4 float_data float*, 5 int32_data int*, "
                       "7 int64_data int*, 8 name string, 9 raw_data bytes, "
                       "10 double_data double*, 11 uint64_data uint*, 14 data_location int"),
    "ValueInfo": _message("1 name string, 2 type Type"),
    "Type": _message("1 tensor_type TensorType"),
    "TensorType": _message("1 elem_type int, 2 shape Shape"),
    "Shape": _message("1 dim Dimension*"),
    "Dimension": _message("1 dim_value int, 2 dim_param string"),
}

# Attribute.type -> the field that holds the value
HOLDS = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}

# Tensor.data_type -> dtype, and the typed field that holds it where raw_data does not
ELEMENTS = {1: (np.float32, "float_data"), 2: (np.uint8, "int32_data"),
            3: (np.int8, "int32_data"), 4: (np.uint16, "int32_data"),
            5: (np.int16, "int32_data"), 6: (np.int32, "int32_data"),
            7: (np.int64, "int64_data"), 9: (np.bool_, "int32_data"),
            10: (np.float16, "int32_data"), 11: (np.float64, "double_data"),
            12: (np.uint32, "uint64_data"), 13: (np.uint64, "uint64_data")}
CODES = {np.dtype(kind): code for code, (kind, _) in ELEMENTS.items()}
