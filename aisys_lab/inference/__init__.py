"""Inference: models out and in as ONNX files, a session that runs them, a server (``server``)."""

from aisys_lab.inference.onnx_export import EXPORT
from aisys_lab.inference.onnx_import import IMPORT
from aisys_lab.inference.onnx_read import load_onnx
from aisys_lab.inference.onnx_write import save_onnx
from aisys_lab.inference.session import Session

__all__ = ["EXPORT", "IMPORT", "Session", "load_onnx", "save_onnx"]
