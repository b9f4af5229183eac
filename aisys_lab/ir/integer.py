"""Integer arithmetic: to integers, back to floats, and the matrix product between them.

Definitions of ONNX's QuantizeLinear, DequantizeLinear and MatMulInteger
(https://onnx.ai/onnx/operators/), with ``bits`` for ranges narrower than the dtype.
"""

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import define
from aisys_lab.ir.ops import OPS, per_element
from aisys_lab.ir.spec import Spec, broadcast


def levels(dtype, bits):
    """``(lowest, highest)`` integer of ``bits`` bits kept in ``dtype``."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu" or not 2 <= bits <= 8 * dtype.itemsize:
        raise LabError(f"{bits} bits in {dtype}; quantisation takes 2 bits up to what an integer "
                       f"dtype holds, as in int8 or uint8.")
    return (0, 2**bits - 1) if dtype.kind == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _quantize(x, scale, zero, bits=8):
    """``clip(rint(x / scale) + zero)``, ties to even; NaN becomes the zero point."""
    steps = np.rint(np.divide(x, scale))
    steps = np.where(np.isnan(steps), 0, steps)
    return np.clip(steps + zero, *levels(zero.dtype, bits)).astype(zero.dtype)


def _dequantize(q, scale, zero):
    return np.multiply(np.subtract(q, zero, dtype=np.int64).astype(scale.dtype), scale)


def _infer_quantize(x, scale, zero, bits=8):
    _need_float("quantize_linear", x, scale)
    levels(zero.dtype, bits)
    return Spec(_spread("quantize_linear", x, scale, zero), zero.dtype)


def _infer_dequantize(q, scale, zero):
    _need_float("dequantize_linear", scale)
    if q.dtype != zero.dtype or q.dtype.kind not in "iu":
        raise LabError(f"dequantize_linear: values and zero point should be integers of one "
                       f"dtype, got {q} and {zero}.")
    return Spec(_spread("dequantize_linear", q, scale, zero), scale.dtype)


def _need_float(op, *specs):
    for spec in specs:
        if spec.dtype.kind != "f":
            raise LabError(f"{op}: {spec} should be a float.")


def _spread(op, x, scale, zero):
    shape = broadcast(x.shape, scale.shape, zero.shape, op=op)
    if shape != x.shape:
        raise LabError(f"{op}: scale {scale} and zero point {zero} do not fit {x}; give one "
                       f"number, or one for each entry of the last axis.")
    return shape


def _matmul_int(a, b, a_zero):
    """Every product and sum in int32; no floats inside, so no rounding. Wraps beyond 2**31."""
    return np.matmul(np.subtract(a, a_zero, dtype=np.int32), np.asarray(b, np.int32))


def _infer_matmul_int(a, b, a_zero):
    if any(s.dtype not in (np.int8, np.uint8) for s in (a, b)) or a_zero != Spec((), a.dtype):
        raise LabError(f"matmul_int: takes i8 or u8 on both sides and a zero point like the left "
                       f"one, got {a}, {b} and {a_zero}.")
    return Spec(OPS["matmul"].infer(a, b).shape, np.int32)


define("quantize_linear", _quantize, _infer_quantize,
       lambda x, scale, zero, bits=8: 4 * per_element(x), "elementwise")
define("dequantize_linear", _dequantize, _infer_dequantize,
       lambda q, scale, zero: 2 * per_element(q), "elementwise")
define("matmul_int", _matmul_int, _infer_matmul_int,
       lambda a, b, a_zero: OPS["matmul"].flops(a, b), "matmul")
