"""The engine in small, one idea a file: scalar, dual, tape, transpose, source."""

from aisys_lab.autodiff.lessons import dual, scalar, source, tape, transpose

__all__ = ["dual", "scalar", "source", "tape", "transpose"]
