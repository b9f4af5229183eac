"""Every elementwise op has loop text that computes what the interpreter does."""

import warnings

import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.compiler import LOOPS
from aisys_lab.ir import OPS, bind

VALUES = np.array([0.0, -0.0, 0.5, -0.5, 1, -1, 3.7, -2.2, 100, -100, np.inf, -np.inf, np.nan])
TWO = ("arctan2", "hypot", "logaddexp", "mod")
ONE = sorted(op for op in LOOPS if op in ("erf", "sigmoid") or isinstance(OPS[op].eval, np.ufunc)
             and OPS[op].eval.nin == 1 and op not in ("logical_not", "neg"))


def close(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logarithms of zero, roots of negative numbers
        graph = lab.trace(f, *args)
        wanted = lab.interpret(graph, *args)
    for name, got, want in zip(graph.outputs, lab.compile(graph)(*args), wanted, strict=True):
        assert got.dtype == want.dtype
        tolerance = 2e-6 if want.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(got, want, rtol=tolerance, err_msg=f"{name} in\n{graph}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_ops_of_one(dtype):
    x = VALUES.astype(dtype) if np.dtype(dtype).kind == "f" else np.arange(-3, 9).astype(dtype)
    close(lambda x: tuple(bind(op, x) for op in ONE), x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_ops_of_two(dtype):
    one = VALUES.astype(dtype) if np.dtype(dtype).kind == "f" else np.arange(-3, 9).astype(dtype)
    x, y = (np.ascontiguousarray(v) for v in np.meshgrid(one, one))
    close(lambda x, y: tuple(bind(op, x, y) for op in TWO), x, y)
    close(lambda x, y: x // y, x[:10], y[:10])  # not by infinity: Numba floors to -0


def test_products():
    x = np.random.default_rng(0).standard_normal((3, 4))
    close(lambda x: (bind("prod", x, axis=(0,), keepdims=True), bind("prod", x, axis=(0, 1))), x)


def test_all_elementwise_ops_have_loops():
    assert {op for op, row in OPS.items() if row.kind == "elementwise"} <= LOOPS.keys()
