"""Layers: frozen nouns, parameters as trees, one pass that is shipped and one that is trained."""

from aisys_lab.autodiff.nn.attention import MultiHeadAttention, attention
from aisys_lab.autodiff.nn.compose import Residual, Sequential
from aisys_lab.autodiff.nn.inits import INITS, Part
from aisys_lab.autodiff.nn.layer import Layer, merge, summary
from aisys_lab.autodiff.nn.layers import (
    ACTIVATIONS,
    Activation,
    AvgPool2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
)
from aisys_lab.autodiff.nn.norms import BatchNorm2d, GroupNorm, LayerNorm, RMSNorm

__all__ = ["ACTIVATIONS", "INITS", "Activation", "AvgPool2d", "BatchNorm2d", "Conv2d", "Dropout",
           "Embedding", "Flatten", "GlobalAvgPool", "GroupNorm", "Layer", "LayerNorm", "Linear",
           "MaxPool2d", "MultiHeadAttention", "Part", "RMSNorm", "Residual", "Sequential",
           "attention", "merge", "summary"]
