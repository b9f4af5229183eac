"""The small models that travel through the book, and layer tables of published networks."""

from aisys_lab.models.freeze import freeze
from aisys_lab.models.gpt import GPT
from aisys_lab.models.images import CNN, DepthwiseNet
from aisys_lab.models.mlp import MLP
from aisys_lab.models.train import accuracy, fit, predict

__all__ = ["CNN", "GPT", "MLP", "DepthwiseNet", "accuracy", "fit", "freeze", "predict"]
