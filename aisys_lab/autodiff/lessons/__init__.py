"""The engine in small, an idea a file: scalar, dual, tape, transpose, source, dispatch, dataflow."""

from aisys_lab.autodiff.lessons import dataflow, dispatch, dual, scalar, source, tape, transpose

__all__ = ["dataflow", "dispatch", "dual", "scalar", "source", "tape", "transpose"]
