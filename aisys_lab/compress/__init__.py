"""Compression: graphs that need fewer bytes for nearly the same answers."""

from aisys_lab.compress.quantize import OBSERVERS, affine, quantize, symmetric

__all__ = ["OBSERVERS", "affine", "quantize", "symmetric"]
