"""Inference: models out and in as ONNX files, a session that runs them, a server in front."""

from aisys_lab.inference.onnx_export import EXPORT
from aisys_lab.inference.onnx_import import IMPORT
from aisys_lab.inference.onnx_read import load_onnx
from aisys_lab.inference.onnx_write import save_onnx

__all__ = ["EXPORT", "IMPORT", "load_onnx", "save_onnx"]
