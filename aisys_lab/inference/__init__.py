"""Inference: models out and in as ONNX files, a session that runs them, a server in front."""

from aisys_lab.inference.onnx_write import EXPORT, save_onnx

__all__ = ["EXPORT", "save_onnx"]
