"""The engine in small, one idea a file: scalar, dual, tape, transpose, source; and dispatch."""

from aisys_lab.autodiff.lessons import dispatch, dual, scalar, source, tape, transpose

__all__ = ["dispatch", "dual", "scalar", "source", "tape", "transpose"]
