"""The engine in small, an idea a file: from single numbers to source code, from calls to tokens."""

from aisys_lab.autodiff.lessons import dataflow, dispatch, dual, scalar, source, tape, transpose

__all__ = ["dataflow", "dispatch", "dual", "scalar", "source", "tape", "transpose"]
