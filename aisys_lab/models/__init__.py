"""The small models that travel through the book, and layer tables of published networks."""

from aisys_lab.models.freeze import freeze
from aisys_lab.models.mlp import MLP
from aisys_lab.models.train import accuracy, fit, predict

__all__ = ["MLP", "accuracy", "fit", "freeze", "predict"]
