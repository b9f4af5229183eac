"""The engine in small, one idea a file: scalar, dual, tape, transpose, source; dispatch and dataflow."""

from aisys_lab.autodiff.lessons import dataflow, dispatch, dual, scalar, source, tape, transpose

__all__ = ["dataflow", "dispatch", "dual", "scalar", "source", "tape", "transpose"]
